//! All processes of a user on a host send one flare at a time, and the first one of them answers a task: the workers of
//! a server all get the same task within a few seconds.
//!
//! The processes share a small file, which the sender locks. The kernel releases the lock when the sender ends, and a
//! forked child does not inherit it. The file stays and remembers the last tasks. Where no such file can be made, or
//! another user's file is in its place, flares are sent without it.

// Opens the file.
#![allow(clippy::disallowed_methods)]

use crate::event::FlareFault;
use crate::sys::{self, Descriptor};
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Folders for the file, the better one first: in memory, then on disk.
const FOLDERS: [&str; 2] = ["/dev/shm", "/tmp"];
/// How often the lock is tried.
const PAUSE: Duration = Duration::from_millis(20);
/// How many tasks the file remembers.
const TASKS_MAX: usize = 16;
/// The longest id in the file, in characters.
const UUID_MAX: usize = 100;
/// How long a task is remembered, in seconds. Processes ask for their configuration every few seconds.
const REMEMBERED_S: u64 = 60;
/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 4096;

/// The right to send a flare, until it is dropped.
#[derive(Debug)]
pub struct Turn(Option<Descriptor>);

/// A task that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    uuid: String,
    pid: u32,
    seconds: u64,
}

impl Turn {
    /// Waits until no other process sends a flare. Fails if that takes longer than `patience`, or if another process has
    /// answered the task with this id in the last minute. An empty id is that of no task.
    pub fn take(uuid: &str, patience: Duration) -> Result<Turn, FlareFault> {
        Turn::take_in(&FOLDERS, uuid, patience)
    }

    fn take_in(folders: &[&str], uuid: &str, patience: Duration) -> Result<Turn, FlareFault> {
        let Some(file) = folders.iter().find_map(|folder| open(Path::new(folder)).ok()) else { return Ok(Turn(None)) };
        let uuid = &key(uuid);
        let give_up = Instant::now() + patience;
        while !lock(&file) {
            if Instant::now() >= give_up {
                return Err(FlareFault::OtherSends { pid: 0 });
            }
            std::thread::sleep(PAUSE);
        }
        let known = read(&file);
        let by_another = |sent: &&Sent| !uuid.is_empty() && sent.uuid == *uuid && sent.pid != sys::pid();
        match known.iter().find(by_another) {
            Some(sent) => Err(FlareFault::OtherSends { pid: sent.pid }),
            None => Ok(Turn(Some(file))),
        }
    }

    /// Remembers that the task with this id was answered.
    pub fn answered(&self, uuid: &str) {
        let uuid = &key(uuid);
        let Some(file) = self.0.as_ref().filter(|_| !uuid.is_empty()) else { return };
        let mut known = read(file);
        known.push(Sent { uuid: uuid.to_string(), pid: sys::pid(), seconds: seconds() });
        let kept = &known[known.len().saturating_sub(TASKS_MAX)..];
        let line = |sent: &Sent| format!("{} {} {}\n", sent.uuid, sent.pid, sent.seconds);
        // If it cannot be written, another process answers the task once more.
        let _ = rewrite(file, &kept.iter().map(line).collect::<String>());
    }
}

/// Returns the form in which the file has an id: without spaces, which separate the fields of a line, and not too long for
/// the file to hold all of them.
fn key(uuid: &str) -> String {
    uuid.chars().filter(char::is_ascii_graphic).take(UUID_MAX).collect()
}

fn seconds() -> u64 {
    sys::wall_ns() / 1_000_000_000
}

/// Opens or makes the file. Refuses one that another user may have put there.
fn open(folder: &Path) -> io::Result<Descriptor> {
    let path: PathBuf = folder.join(format!("spanwire-flares-{}", sys::user()));
    let mut options = OpenOptions::new();
    let flags = libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK;
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file = Descriptor::open(&options, &path)?;
    let facts = file.file()?.metadata()?;
    if !facts.is_file() || facts.uid() != sys::user() || facts.nlink() != 1 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(file)
}

/// Tries to lock the file. A file that cannot be locked at all counts as locked.
fn lock(file: &Descriptor) -> bool {
    file.fd().is_ok_and(|fd| sys::lock_file_for_process(fd).unwrap_or(true))
}

/// Returns the tasks that the file remembers and that are not too old, oldest first.
fn read(file: &Descriptor) -> Vec<Sent> {
    let bytes = at_start(file).and_then(|()| sys::read_all(file, FILE_MAX)).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let now = seconds();
    let sent = |line: &str| {
        let mut words = line.split(' ');
        let (uuid, pid, seconds) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse::<u64>().ok()?);
        (now.abs_diff(seconds) < REMEMBERED_S).then(|| Sent { uuid: uuid.to_string(), pid, seconds })
    };
    text.lines().filter_map(sent).collect()
}

fn at_start(file: &Descriptor) -> io::Result<()> {
    file.file()?.seek(SeekFrom::Start(0)).map(drop)
}

fn rewrite(file: &Descriptor, text: &str) -> io::Result<()> {
    at_start(file)?;
    file.file()?.set_len(0)?;
    file.file()?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("spanwire-turn-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn take(folder: &Path, uuid: &str) -> Result<Turn, FlareFault> {
        Turn::take_in(&[folder.to_str().expect("a name in UTF-8")], uuid, Duration::ZERO)
    }

    #[test]
    fn another_process_does_not_answer_a_task_again() {
        let folder = folder("once");
        take(&folder, "a-task").expect("the first one").answered("a-task");
        take(&folder, "a-task").expect("the same process may");
        let file = folder.join(format!("spanwire-flares-{}", sys::user()));
        let text = std::fs::read_to_string(&file).expect("it is remembered");
        assert!(text.starts_with(&format!("a-task {} ", sys::pid())), "{text}");
        let others = format!("its-task 1 {}\nold-task 1 {}\nnonsense\n", seconds(), seconds() - REMEMBERED_S);
        std::fs::write(&file, others).expect("written");
        assert_eq!(take(&folder, "its-task").err(), Some(FlareFault::OtherSends { pid: 1 }));
        let (spaced, long) = ("a task of some words", "x".repeat(1000));
        for uuid in [spaced, &long] {
            take(&folder, uuid).expect("not answered").answered(uuid);
            let text = std::fs::read_to_string(&file).expect("it is there");
            let others: Vec<String> =
                text.lines().map(|line| line.replace(&format!(" {} ", sys::pid()), " 1 ")).collect();
            std::fs::write(&file, others.join("\n")).expect("written");
            assert_eq!(take(&folder, uuid).err(), Some(FlareFault::OtherSends { pid: 1 }), "{uuid}");
        }
        for uuid in ["old-task", "nonsense", ""] {
            take(&folder, uuid).expect("not answered").answered(uuid);
        }
        for n in 0..3 * TASKS_MAX {
            take(&folder, "").expect("no task").answered(&n.to_string());
        }
        assert_eq!(std::fs::read_to_string(&file).expect("it is there").lines().count(), TASKS_MAX);
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_file_that_another_one_put_there_is_not_used() {
        let folder = folder("trap");
        let victim = folder.join("victim");
        std::fs::write(&victim, "precious").expect("written");
        let trap = folder.join(format!("spanwire-flares-{}", sys::user()));
        symlink(&victim, &trap).expect("a link");
        take(&folder, "task").expect("without the file").answered("task");
        std::fs::remove_file(&trap).expect("removed");
        std::fs::hard_link(&victim, &trap).expect("a link");
        take(&folder, "task").expect("without the file").answered("task");
        assert_eq!(std::fs::read_to_string(&victim).expect("there"), "precious");
        take(Path::new("/proc/no/such/folder"), "task").expect("without a folder").answered("task");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
