//! Where a process is: its user, its file system and its network. The doctor asks from there if it may, because localhost
//! in a container is the container, and because root may open what the user of the process may not.
//!
//! The doctor does not enter the file system: it would then load libraries of the container as root. It opens single
//! paths below the root of the process.

use crate::doctor::live::found::{note, plain};
use crate::doctor::report::Finding;
use crate::recorder::find::field;
use std::cell::RefCell;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The place of a process.
pub struct Place {
    pid: u32,
    /// Its effective user and group, and its other groups.
    pub uid: u32,
    gid: u32,
    groups: Vec<u32>,
    /// Its root, if it is not ours.
    root: Option<File>,
    /// Paths that were opened below that root: the path here, the path there.
    opened: RefCell<Vec<(String, String, OwnedFd)>>,
    /// Its network, if it is not ours.
    network: Option<File>,
    /// Whether that could not be entered.
    pub other_network: bool,
}

/// Whether a process runs in a container.
pub fn is_contained(pid: u32) -> bool {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let marks = ["docker", "kubepods", "containerd", "libpod", "lxc", "/ecs/"];
    marks.iter().any(|mark| groups.contains(mark))
        || ["/.dockerenv", "/run/.containerenv"]
            .iter()
            .any(|file| Path::new(&format!("/proc/{pid}/root{file}")).exists())
}

impl Place {
    /// Reads the place of a process with this /proc/PID/status.
    pub fn of(pid: u32, status: &str) -> Place {
        let number = |name, at| {
            let fields = field(status, name).unwrap_or_default();
            fields.split_whitespace().nth(at).and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
        };
        let groups = field(status, "Groups:").unwrap_or_default();
        let other = |kind: &str| {
            let link = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
            let (own, its) = (link("self"), link(&pid.to_string()));
            its.is_some() && own != its
        };
        let open = |name: &str, flags| {
            OpenOptions::new().read(true).custom_flags(flags).open(format!("/proc/{pid}/{name}")).ok()
        };
        let chroot = || fs::read_link(format!("/proc/{pid}/root")).is_ok_and(|root| root != Path::new("/"));
        Place {
            pid,
            uid: number("Uid:", 1),
            gid: number("Gid:", 1),
            groups: groups.split_whitespace().filter_map(|group| group.parse().ok()).collect(),
            root: (other("mnt") || chroot()).then(|| open("root", libc::O_PATH | libc::O_DIRECTORY)).flatten(),
            opened: RefCell::default(),
            other_network: other("net"),
            network: other("net").then(|| open("ns/net", 0)).flatten(),
        }
    }

    /// Returns the path here of a path of the process. Links are resolved below its root.
    pub fn inside(&self, path: &Path) -> PathBuf {
        let Some(root) = &self.root else { return path.to_owned() };
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return PathBuf::from(format!("/proc/self/fd/{}", root.as_raw_fd()));
        };
        let Ok(folder_here) = below(root, folder) else {
            // The path does not exist there. A path that does not exist here says the same.
            return PathBuf::from(format!("/proc/{}/root", self.pid)).join(path.strip_prefix("/").unwrap_or(path));
        };
        // With the slash, so that number 5 is not taken for the beginning of number 52.
        let here = format!("/proc/self/fd/{}/", folder_here.as_raw_fd());
        let there = format!("{}/", folder.display().to_string().trim_end_matches('/'));
        let whole = PathBuf::from(&here).join(name);
        self.opened.borrow_mut().push((here, there, folder_here));
        whole
    }

    /// Replaces paths that are valid only here by those of the process.
    pub fn plain(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (here, there, _) in self.opened.borrow().iter().rev() {
            text = text.replace(here, there);
        }
        text.replace(&format!("/proc/{}/root/", self.pid), "/")
    }

    /// Enters the network of the process, and takes its user. Returns notes on what was not possible.
    pub fn enter(&mut self) -> Vec<Finding> {
        let mut notes = Vec::new();
        if let Some(network) = &self.network {
            // SAFETY: a call with a descriptor that is open.
            let entered = unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) } == 0;
            self.other_network = !entered;
        }
        if self.other_network {
            let says =
                "the process has a network of its own, as in a container, which this user may not enter: its Agent \
                        is not asked, because localhost is another machine there";
            let remedy = format!("Run `spanwire doctor --pid {}` as root on the host.", self.pid);
            notes.push(note("process.other_network", says, remedy));
        }
        if let Err(error) = self.take_user() {
            let says = format!(
                "permissions are checked for the doctor's user, not for that of the process: {}",
                plain(&error)
            );
            notes.push(note("process.other_user", says, "Run this as root, or as the user of the process."));
        }
        notes
    }

    /// Becomes the user of the process for the rest of the run. Only root can.
    fn take_user(&self) -> io::Result<()> {
        let done = |result: libc::c_int| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        // SAFETY: calls without pointers, except for the groups, which outlive the call.
        unsafe {
            if self.uid == libc::geteuid() && self.gid == libc::getegid() {
                return Ok(());
            }
            done(libc::setgroups(self.groups.len(), self.groups.as_ptr()))?;
            done(libc::setresgid(self.gid, self.gid, self.gid))?;
            done(libc::setresuid(self.uid, self.uid, self.uid))
        }
    }
}

/// Opens a path below a root, as a process with that root would.
fn below(root: &File, path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all zeros is a valid `open_how`.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_IN_ROOT;
    let size = std::mem::size_of::<libc::open_how>();
    // SAFETY: the path is NUL-terminated, and all arguments outlive the call.
    let fd = unsafe { libc::syscall(libc::SYS_openat2, root.as_raw_fd(), path.as_ptr(), &how, size) };
    match i32::try_from(fd) {
        // SAFETY: the kernel has just returned this descriptor, and nothing else owns it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}
