//! Facts about this machine and process: host name, program, kernel, container. Reads files under /proc, /sys and /etc.
//! Caches nothing: a cache needs a lock, which a fork can leave held. Callers keep the result.

// Reads files.
#![allow(clippy::disallowed_methods)]

use crate::sys;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The inode of /proc/self/ns/cgroup outside containers, a constant of the kernel.
const HOST_CGROUP_NAMESPACE: u64 = 0xEFFF_FFFB;

fn first_line(path: &str) -> Option<String> {
    let text = sys::read_text(path).ok()?;
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_string)
}

/// Returns the host name; empty if it cannot be read.
pub fn hostname() -> String {
    first_line("/proc/sys/kernel/hostname").or_else(|| first_line("/etc/hostname")).unwrap_or_default()
}

/// Returns the kernel's release, such as `6.1.0-18-amd64`; empty if it cannot be read.
pub fn kernel_release() -> String {
    first_line("/proc/sys/kernel/osrelease").unwrap_or_default()
}

/// Returns the file name of the executable. The process's title is not used, because programs change it, nor the short
/// name, because it is cut at 15 bytes. Falls back to the short name, then to `unnamed-service`.
pub fn process_name() -> String {
    fs::read_link("/proc/self/exe")
        .ok()
        .and_then(|path| program_in(&path))
        .or_else(|| first_line("/proc/self/comm"))
        .unwrap_or_else(|| "unnamed-service".into())
}

/// Returns the command line of this process. A process may have replaced it by a title.
pub fn arguments() -> Vec<String> {
    let text = sys::read_text("/proc/self/cmdline").unwrap_or_default();
    text.split_terminator('\0').map(str::to_string).collect()
}

/// What runs in this process, and where.
#[derive(Debug, Default)]
pub struct EntryPoint {
    /// The file name of the executable.
    pub name: String,
    /// The name of the folder that it lies in.
    pub folder: String,
    /// The name of the working folder.
    pub works_in: String,
}

/// Returns what runs in this process. What cannot be read is empty.
pub fn entry_point() -> EntryPoint {
    let executable = fs::read_link("/proc/self/exe").unwrap_or_default();
    let named = |path: Option<&Path>| path.and_then(program_in).unwrap_or_default();
    EntryPoint {
        name: named(Some(&executable)),
        folder: named(executable.parent()),
        works_in: named(fs::read_link("/proc/self/cwd").ok().as_deref()),
    }
}

/// Returns the file name of an executable, without the mark that the kernel adds if the file was replaced, as in a
/// deployment.
fn program_in(executable: &Path) -> Option<String> {
    let name = executable.file_name()?.to_string_lossy();
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name).trim();
    let printable: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    (!printable.is_empty()).then_some(printable)
}

/// Returns the id of the container of this process, if its control groups contain it.
pub fn container_id() -> Option<String> {
    container_id_in(&control_groups())
}

/// Returns the id by which the Agent recognises this container: `ci-` and the container id, else `in-` and the inode of
/// its control group; `None` outside containers.
pub fn entity_id() -> Option<String> {
    let inode = |path: &Path| fs::metadata(path).ok().map(|found| found.ino());
    entity_id_in(&control_groups(), &inode)
}

fn control_groups() -> String {
    sys::read_text("/proc/self/cgroup").unwrap_or_default()
}

/// Returns the paths of the control groups in the text of /proc/self/cgroup, each with its list of controllers.
fn groups(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let number = parts.next()?;
        let (controllers, path) = (parts.next()?, parts.next()?);
        let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        (numbered && !path.is_empty()).then_some((controllers, path))
    })
}

fn container_id_in(text: &str) -> Option<String> {
    groups(text).find_map(|(_, path)| container_id_of(path.rsplit('/').next()?)).map(str::to_string)
}

/// Container runtimes name a control group by the container id, with a prefix, and sometimes with `.scope` at the end.
fn container_id_of(group: &str) -> Option<&str> {
    let name = group.strip_suffix(".scope").unwrap_or(group);
    let last = |length: usize| name.len().checked_sub(length).and_then(|start| name.get(start..));
    let container = || last(64).filter(|id| is_hex(id));
    let task = || {
        let (before, number) = name.rsplit_once('-')?;
        let start = before.len().checked_sub(32)?;
        let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        (numbered && is_hex(before.get(start..)?)).then(|| name.get(start..)).flatten()
    };
    let uuid = || {
        last(36).filter(|id| {
            let parts: Vec<&str> = id.split(['-', '_']).collect();
            parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| is_hex(part))
        })
    };
    container().or_else(task).or_else(uuid)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `inode` returns the inode of a path, if the file exists.
fn entity_id_in(text: &str, inode: &dyn Fn(&Path) -> Option<u64>) -> Option<String> {
    if let Some(id) = container_id_in(text) {
        return Some(format!("ci-{id}"));
    }
    if inode(Path::new("/proc/self/ns/cgroup"))? == HOST_CGROUP_NAMESPACE {
        return None;
    }
    let below = |mount: &str, path: &str| {
        let mut whole = PathBuf::from(mount);
        whole.push(path.trim_start_matches('/'));
        inode(&whole)
    };
    let memory = groups(text).find(|(controllers, _)| controllers.split(',').any(|name| name == "memory"));
    let unified = groups(text).find(|(controllers, _)| controllers.is_empty());
    memory
        .and_then(|(_, path)| below("/sys/fs/cgroup/memory", path))
        .or_else(|| unified.and_then(|(_, path)| below("/sys/fs/cgroup", path)))
        .map(|inode| format!("in-{inode}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
    const UUID: &str = "34dc0b5e-626f-2c5c-4c51-70e34b10e765";

    #[test]
    fn container_ids_of_the_usual_runtimes_are_found() {
        let task = "432624d2150b349fe35ba397284dea78-3447452323";
        for (line, id) in [
            (format!("13:name=systemd:/docker/{ID}"), ID),
            (format!("1:cpu:/kubepods/besteffort/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a/{ID}"), ID),
            (format!("0::/system.slice/docker-{ID}.scope"), ID),
            (format!("0::/kubepods.slice/kubepods-pod3d27.slice/cri-containerd-{ID}.scope"), ID),
            (format!("10:pids:/ecs/55091c13-b8cf-4801-b527-f4601742204d/{task}"), task),
            (format!("1:name=systemd:/{UUID}"), UUID),
            ("3:cpu:/garden/34dc0b5e_626f_2c5c_4c51_70e34b10e765".into(), "34dc0b5e_626f_2c5c_4c51_70e34b10e765"),
        ] {
            assert_eq!(container_id_in(&format!("0::/\n{line}\n")).as_deref(), Some(id), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_container_is_not_one() {
        let upper = ID.to_ascii_uppercase();
        for text in [
            "".into(),
            "0::/".into(),
            "12:pids:/user.slice/user-1000.slice/session-4.scope".into(),
            format!("0::/docker/{}", &ID[1..]),
            format!("0::/docker/{upper}"),
            format!("0::/docker/{ID}/init.slice"),
            format!("no number:cpu:/docker/{ID}"),
            format!("3:/docker/{ID}"),
            "0::/é34dc0b5e-626f-2c5c-4c51-70e34b10e76".into(),
            "0::/-é-432624d2150b349fe35ba397284dea7-1".into(),
        ] {
            assert_eq!(container_id_in(&text), None, "{text}");
        }
    }

    #[test]
    fn the_entity_is_the_container_or_its_control_group_or_nothing() {
        let v2 = "0::/kubepods/pod1/x";
        let v1 = "5:cpuset,memory:/inner\n1:cpu:/inner\n0::/elsewhere";
        let inside = |path: &Path| match path.to_str() {
            Some("/proc/self/ns/cgroup") => Some(4_026_532_000),
            Some("/sys/fs/cgroup/kubepods/pod1/x") => Some(77),
            Some("/sys/fs/cgroup/memory/inner") => Some(88),
            Some("/sys/fs/cgroup/") | Some("/sys/fs/cgroup") => Some(99),
            _ => None,
        };
        let outside = |path: &Path| match path.to_str() {
            Some("/proc/self/ns/cgroup") => Some(HOST_CGROUP_NAMESPACE),
            _ => Some(5),
        };
        assert_eq!(entity_id_in(&format!("0::/docker/{ID}"), &outside), Some(format!("ci-{ID}")));
        assert_eq!(entity_id_in(v2, &inside).as_deref(), Some("in-77"));
        assert_eq!(entity_id_in(v1, &inside).as_deref(), Some("in-88"));
        assert_eq!(entity_id_in("0::/", &inside).as_deref(), Some("in-99"));
        assert_eq!(entity_id_in("0::/gone", &inside), None);
        assert_eq!(entity_id_in("", &inside), None);
        assert_eq!(entity_id_in(v2, &outside), None);
        assert_eq!(entity_id_in(v2, &|_| None), None);
    }

    #[test]
    fn a_program_keeps_its_name_when_its_file_is_replaced() {
        assert_eq!(program_in(Path::new("/srv/shop")).as_deref(), Some("shop"));
        assert_eq!(program_in(Path::new("/srv/shop (deleted)")).as_deref(), Some("shop"));
        assert_eq!(program_in(Path::new("/srv/a\nb")).as_deref(), Some("a_b"));
        assert_eq!(program_in(Path::new("/")), None);
    }

    #[test]
    fn this_machine_has_names() {
        let here = std::env::current_exe().unwrap();
        assert_eq!(process_name(), here.file_name().unwrap().to_string_lossy());
        assert!(!hostname().is_empty() && !hostname().contains('\n'));
        assert!(kernel_release().contains('.'));
    }
}
