//! Limits of this process that would affect a tracer: descriptors, threads, memory, core files.

use super::found::{bad, good, note, size, with_evidence};
use crate::doctor::report::Finding;
use spanwire::companion::settings::Settings;
use std::fs;
use std::path::{Path, PathBuf};

/// Descriptors that a tracer opens at most: two connections, a log file and its lock file, a trace file, and those that
/// wake it.
const DESCRIPTORS: u64 = 8;
/// Below this limit, a server's own connections may use up the descriptors.
const DESCRIPTORS_FEW: u64 = 256;
/// The worker, the log writer, the resolver.
const THREADS: usize = 3;

/// The limits of a process; `None` is unlimited.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    files: Option<u64>,
    space: Option<u64>,
    core: Option<u64>,
    /// The smallest limit of its control groups, and the file that holds it.
    group: Option<(u64, PathBuf)>,
    /// Whether they are those of this process.
    own: bool,
}

impl Limits {
    /// Returns the limits of this process.
    pub fn own() -> Limits {
        let [files, space, core] = [libc::RLIMIT_NOFILE, libc::RLIMIT_AS, libc::RLIMIT_CORE].map(limit);
        Limits { files, space, core, group: group_limit("self"), own: true }
    }

    /// Returns the limits of another process.
    pub fn of(pid: u32) -> Limits {
        let text = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
        let [files, space, core] = ["Max open files", "Max address space", "Max core file size"].map(|name| {
            let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()?.parse().ok()
        });
        Limits { files, space, core, group: group_limit(&pid.to_string()), own: false }
    }
}

/// Returns findings about the limits.
pub fn look(limits: &Limits, settings: &Settings) -> Vec<Finding> {
    let threads = if limits.own { threads() } else { None };
    let mut findings: Vec<Finding> =
        [descriptors(limits), threads, memory(limits, settings)].into_iter().flatten().collect();
    if findings.is_empty() {
        let what = if limits.own { "open files, threads and memory" } else { "open files and memory" };
        findings.push(good("limits.enough", format!("{what}: enough for a tracer")));
    }
    findings.extend(core(limits));
    findings
}

/// Returns a limit of this process; `None` if it is unlimited.
fn limit(resource: libc::__rlimit_resource_t) -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is a local that outlives the call.
    let done = unsafe { libc::getrlimit(resource, &mut limit) };
    (done == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

fn descriptors(limits: &Limits) -> Option<Finding> {
    let most = limits.files?;
    let says = format!("a process may have {most} open files (RLIMIT_NOFILE)");
    let remedy = "Raise the limit: `ulimit -n 4096`, or LimitNOFILE= in the service's unit.";
    // Standard streams, and a minimal program.
    if most < DESCRIPTORS + 8 {
        return Some(bad("limits.files", format!("{says}: too few for a tracer's connections and log"), remedy));
    }
    (most < DESCRIPTORS_FEW)
        .then(|| note("limits.files", format!("{says}, of which a tracer needs up to {DESCRIPTORS}"), remedy))
}

/// Starts threads to find out: the limits are spread over users and control groups, and no file shows the result.
fn threads() -> Option<Finding> {
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
    let mut started = Vec::new();
    let mut trouble = None;
    for _ in 0..THREADS {
        let gate = gate.clone();
        let wait = move || drop(gate.lock().map(|gate| gate.recv()));
        match std::thread::Builder::new().stack_size(64 * 1024).spawn(wait) {
            Ok(thread) => started.push(thread),
            Err(error) => trouble = Some(error),
        }
    }
    drop(go);
    started.into_iter().for_each(|thread| drop(thread.join()));
    let error = trouble?;
    let says = format!(
        "no more threads can be started ({}): a tracer could not send, or could not write its log",
        super::found::plain(&error)
    );
    let remedy =
        "Raise RLIMIT_NPROC (`ulimit -u`, LimitNPROC=), or pids.max of the container (--pids-limit, TasksMax=).";
    Some(bad("limits.threads", says, remedy))
}

fn memory(limits: &Limits, settings: &Settings) -> Option<Finding> {
    let groups = limits.group.as_ref().map(|(bytes, file)| (*bytes, file.display().to_string()));
    let space = limits.space.map(|bytes| (bytes, "RLIMIT_AS".to_string()));
    let (most, from) = groups.into_iter().chain(space).min_by_key(|(bytes, _)| *bytes)?;
    let wanted = settings.memory_max as u64;
    let remedy = "Lower SPANWIRE_MEMORY_MAX (and SPANWIRE_QUEUE_MAX), or give the process more memory.";
    let says = format!("spans may use {} (SPANWIRE_MEMORY_MAX), the whole process {}", size(wanted), size(most));
    let finding = if wanted >= most {
        bad(
            "limits.memory",
            format!("{says}: while the Agent is not reachable, the process could be killed for lack of memory"),
            remedy,
        )
    } else if wanted > most / 4 {
        note("limits.memory", format!("{says}: that is a large part"), remedy)
    } else {
        return None;
    };
    Some(with_evidence(finding, [format!("the limit is {from}")]))
}

/// Returns the smallest memory limit of the control groups of a process, and the file that holds it.
fn group_limit(pid: &str) -> Option<(u64, PathBuf)> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(kinds), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (root, name) = match kinds {
            "" => ("/sys/fs/cgroup", "memory.max"),
            kinds if kinds.split(',').any(|kind| kind == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // In a container the path may not exist below the root; then the root is the group itself.
        for folder in Path::new(path).ancestors() {
            let file = Path::new(root).join(folder.strip_prefix("/").unwrap_or(folder)).join(name);
            let text = fs::read_to_string(&file).unwrap_or_default();
            // Without a limit, version 1 of control groups shows a number near 2^63.
            found.extend(text.trim().parse::<u64>().ok().filter(|bytes| *bytes < 1 << 60).map(|bytes| (bytes, file)));
        }
    }
    found.into_iter().min_by_key(|(bytes, _)| *bytes)
}

fn core(limits: &Limits) -> Option<Finding> {
    (limits.core == Some(0)).then(|| {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
        let finding = note(
            "limits.core",
            "the limit for core files is 0: a crash leaves no core",
            "To get cores: `ulimit -c unlimited`, or LimitCORE=infinity in the service's unit.",
        );
        with_evidence(finding, [format!("core_pattern: {}", pattern.trim())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_limit_below_what_spans_may_use_is_reported() {
        let code = [("SPANWIRE_MEMORY_MAX".to_string(), "17179869184".to_string())];
        let (settings, _) = Settings::resolve(&code, &|_| None, &spanwire::companion::languages::FOR_SETTINGS);
        let limits = Limits::own();
        let found = memory(&limits, &settings);
        let most = limits.group.as_ref().map_or(u64::MAX, |(bytes, _)| *bytes).min(limits.space.unwrap_or(u64::MAX));
        assert_eq!(found.is_some_and(|f| f.cause == "limits.memory"), most < settings.memory_max as u64 * 4);
    }

    #[test]
    fn the_limits_of_a_process_read_the_same_from_outside() {
        let (own, outside) = (Limits::own(), Limits::of(std::process::id()));
        assert_eq!((own.files, own.space, own.core), (outside.files, outside.space, outside.core));
        assert!(own.files.is_some() && own.group == outside.group);
    }

    #[test]
    fn a_process_that_may_start_threads_is_not_blamed() {
        assert!(threads().is_none());
    }
}
