//! The log file: opening, appending, rotating, and noticing that somebody else rotated. Used by the log thread alone;
//! nothing here formats, and what goes wrong is an error for the caller to report.

// Opens, renames and removes files.
#![allow(clippy::disallowed_methods)]

use super::retention::Retention;
use super::writer::PATIENCE;
use crate::lines::{Given, Lines};
use crate::os_error::{FileFault, OsError};
use crate::sys::{self, Descriptor};
use std::ffi::OsString;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Error, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the path is compared with what is open, and how long a failed opening or rotation is left alone.
const CHECK_NS: u64 = 1_000_000_000;
/// How long a rotation waits for another process's.
const LOCK_PATIENCE_MS: u64 = 200;

/// How often a file is opened that is removed just then.
const OPEN_TRIES: u32 = 5;

/// Where and how to keep the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileConfig {
    /// The path. `/dev/stdout`, `/dev/stderr` and `/dev/fd/N` mean a copy of that descriptor, which is never rotated.
    pub path: PathBuf,
    /// Bytes after which the file is rotated; 0 is never.
    pub max_bytes: u64,
    /// Rotated files kept, as `path.1` (the latest) to `path.N`.
    pub backups: u32,
    /// Permissions of a new file, less the process's umask.
    pub mode: u32,
    /// Whether they hold whatever the umask says.
    pub exact_mode: bool,
    /// Whether the folders on the way are made.
    pub make_folders: bool,
    /// Whether a file that is there is emptied when it is first opened, instead of appended to.
    pub truncate: bool,
    /// Tried where `path` cannot be opened at first.
    pub or_else: Option<PathBuf>,
    /// Whether records go to standard error while the file cannot be opened.
    pub else_stderr: bool,
    /// Which files of its folder are deleted, and after how many days, when it is first opened.
    pub retention: Option<Retention>,
}

/// The log goes to another file than the settings say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The file that cannot be written.
    pub wanted: PathBuf,
    /// The file that is written instead.
    pub used: PathBuf,
    /// Why.
    pub error: OsError,
}

/// The file as the log thread holds it.
pub(super) struct LogFile {
    config: FileConfig,
    /// The host's descriptor that the path names, as it was when this was made.
    given: Option<Given>,
    target: Option<Target>,
    checked_ns: u64,
    failed: Option<(u64, ErrorKind)>,
    /// Whether it was open before: what is done once is then done.
    was_open: bool,
    /// Why it is not where it should be, until somebody asks.
    moved: Option<Moved>,
}

/// What is open.
struct Target {
    lines: Lines,
    /// Device and inode of a regular file; none of a terminal, a pipe, or a copy of a descriptor.
    identity: Option<(u64, u64)>,
}

impl LogFile {
    /// `given` is the host's descriptor that the path names, if it names one.
    pub fn new(config: FileConfig, given: Option<Given>) -> LogFile {
        LogFile { config, given, target: None, checked_ns: 0, failed: None, was_open: false, moved: None }
    }

    /// Whether the file, or what stands in for it, is open.
    pub fn is_open(&self) -> bool {
        self.target.is_some()
    }

    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// Appends one line, newline included, opening and rotating first as needed. An error means that the line was lost;
    /// opening and rotating are tried again after a second.
    pub fn write(&mut self, line: &[u8], now_ns: u64) -> io::Result<()> {
        if let Some((since, kind)) = self.failed {
            if now_ns.saturating_sub(since) < CHECK_NS {
                return Err(kind.into());
            }
            self.failed = None;
        }
        let mut written = self.append(line, now_ns);
        if written.as_ref().is_err_and(sys::is_taken) && self.given.is_none() {
            // The host has closed it. It is opened by its path again.
            self.target = None;
            written = self.append(line, now_ns);
        }
        written
    }

    fn append(&mut self, line: &[u8], now_ns: u64) -> io::Result<()> {
        self.prepare(line.len() as u64, now_ns).inspect_err(|error| self.failed = Some((now_ns, error.kind())))?;
        match &mut self.target {
            Some(target) => target.lines.write(line, PATIENCE),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn prepare(&mut self, length: u64, now_ns: u64) -> io::Result<()> {
        if self.target.is_some() && now_ns.saturating_sub(self.checked_ns) >= CHECK_NS {
            self.check(now_ns);
        }
        if self.target.is_none() {
            self.target = Some(if self.was_open { open(&self.config, self.given)? } else { self.open_first()? });
            self.was_open = true;
            self.checked_ns = now_ns;
        }
        match &self.target {
            Some(Target { lines, identity: Some(held) })
                if self.config.max_bytes > 0 && lines.size() > 0 && lines.size() + length > self.config.max_bytes =>
            {
                self.rotate(*held)
            }
            _ => Ok(()),
        }
    }

    /// The first opening: what is to be done once is done, and where the path cannot be used, another may do.
    fn open_first(&mut self) -> io::Result<Target> {
        let opened = match (begin(&self.config, self.given), self.config.or_else.clone()) {
            (Err(error), Some(path)) => {
                let instead = FileConfig { path, or_else: None, ..self.config.clone() };
                let target = begin(&instead, None).and_then(only_ours).map_err(|_| error.kind())?;
                let (wanted, used) = (self.config.path.clone(), instead.path.clone());
                self.moved = Some(Moved { wanted, used, error: error.into() });
                (self.config, self.given) = (instead, None);
                target
            }
            (opened, _) => opened?,
        };
        if let (Some(retention), Some(folder)) = (&self.config.retention, self.config.path.parent()) {
            retention.apply(folder, std::time::SystemTime::now());
        }
        Ok(opened)
    }

    /// Why the file is not where it should be; once.
    pub fn moved(&mut self) -> Option<Moved> {
        self.moved.take()
    }

    /// Lets go of a file that is no longer the one at the path, and learns what other processes have appended.
    fn check(&mut self, now_ns: u64) {
        self.checked_ns = now_ns;
        let Some(Target { lines, identity: Some(held) }) = &mut self.target else { return };
        match fs::symlink_metadata(&self.config.path) {
            Ok(there) if identity(&there) == *held => lines.look(),
            _ => self.target = None,
        }
    }

    /// Moves every file up by one and opens a new one, unless another process has done so since we last looked.
    fn rotate(&mut self, held: (u64, u64)) -> io::Result<()> {
        let lock = Descriptor::open(&options(&self.config), &numbered(&self.config.path, "lock"))?;
        let give_up = sys::monotonic_ns() + LOCK_PATIENCE_MS * 1_000_000;
        while !sys::lock_file(lock.fd()?)? {
            if sys::monotonic_ns() > give_up {
                // Whoever holds it is rotating: this line still goes to the file that is open.
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let path = &self.config.path;
        if fs::symlink_metadata(path).is_ok_and(|there| identity(&there) == held) {
            if self.config.backups == 0 {
                fs::remove_file(path)?;
            }
            for n in (0..self.config.backups).rev() {
                let from = if n == 0 { path.clone() } else { numbered(path, &n.to_string()) };
                match fs::rename(from, numbered(path, &(n + 1).to_string())) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        self.target = None;
        self.target = Some(open(&self.config, None)?);
        Ok(())
    }
}

fn options(config: &FileConfig) -> OpenOptions {
    let mut options = OpenOptions::new();
    // Not blocking: opening a FIFO that nobody reads must not hold up the log thread.
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
    options.append(true).create(true).mode(config.mode).custom_flags(flags);
    options
}

/// Opens it for the first time.
fn begin(config: &FileConfig, given: Option<Given>) -> io::Result<Target> {
    if let (true, Some(folder)) = (config.make_folders, config.path.parent()) {
        fs::create_dir_all(folder)?;
    }
    let mut target = open(config, given)?;
    if let (true, Some(file)) = (config.truncate, target.lines.regular()) {
        file?.set_len(0)?;
        target.lines.look();
    }
    Ok(target)
}

/// The target, unless it is a file that another user made there beforehand, to read what we write.
fn only_ours(target: Target) -> io::Result<Target> {
    match target.lines.regular() {
        Some(file) if file?.metadata()?.uid() != sys::user() => Err(ErrorKind::PermissionDenied.into()),
        _ => Ok(target),
    }
}

fn open(config: &FileConfig, given: Option<Given>) -> io::Result<Target> {
    if let Some(given) = given {
        return Ok(Target { lines: Lines::to_copy(given)?, identity: None });
    }
    let (mut file, mut made) = open_or_make(config)?;
    let mut facts = file.file()?.metadata()?;
    if facts.file_type().is_block_device() {
        return Err(Error::from(ErrorKind::Unsupported));
    }
    if !facts.file_type().is_file() {
        return Ok(Target { lines: Lines::to_opened(file)?, identity: None });
    }
    for left in (0..OPEN_TRIES).rev() {
        match sole_name(&file) {
            Ok(()) => break,
            // Another process may have removed it at this moment, to begin anew.
            Err(error) if error.kind() == ErrorKind::NotFound && left > 0 => {}
            Err(error) => return Err(error),
        }
        (file, made) = open_or_make(config)?;
        facts = file.file()?.metadata()?;
    }
    // One that somebody else made keeps its own.
    if config.exact_mode && made {
        let _ = file.file()?.set_permissions(fs::Permissions::from_mode(config.mode & 0o777));
    }
    Ok(Target { lines: Lines::to_opened(file)?, identity: Some(identity(&facts)) })
}

/// The file, and whether this call made it.
fn open_or_make(config: &FileConfig) -> io::Result<(Descriptor, bool)> {
    match Descriptor::open(options(config).create_new(true), &config.path) {
        Ok(file) => Ok((file, true)),
        // A symbolic link exists too; what opens without `create_new` follows none.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok((Descriptor::open(&options(config), &config.path)?, false))
        }
        Err(error) => Err(error),
    }
}

/// Whether the name that a file was opened by is its only one. Somebody may have put a hard link to another's file there,
/// for us to spoil, and may take it away at any moment: the file then has one name, but not the one we used. That one
/// does not come back once it is gone, so it is asked for after the count of names.
fn sole_name(file: &Descriptor) -> io::Result<()> {
    match file.file()?.metadata()?.nlink() {
        0 | 1 => {}
        _ => return Err(FileFault::HardLink.into()),
    }
    match fs::read_link(format!("/proc/self/fd/{}", file.fd()?)) {
        Ok(name) if name.as_os_str().as_bytes().ends_with(b" (deleted)") => Err(FileFault::Removed.into()),
        _ => Ok(()),
    }
}

fn identity(facts: &Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}

fn numbered(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{symlink, PermissionsExt};

    const SECOND: u64 = 1_000_000_000;

    fn opened(config: FileConfig) -> LogFile {
        let given = sys::named_descriptor(&config.path).map(Given::now);
        LogFile::new(config, given)
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("spanwire-log-{}-{name}", sys::pid()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("a folder");
            Folder(path)
        }

        fn file(&self, max_bytes: u64, backups: u32) -> LogFile {
            opened(FileConfig { path: self.0.join("log"), max_bytes, backups, mode: 0o600, ..FileConfig::default() })
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.0.join(name)).unwrap_or_default()
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> = fs::read_dir(&self.0)
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn lines_are_appended_to_a_private_file() {
        let folder = Folder::new("append");
        folder.file(0, 0).write(b"one\n", SECOND).expect("write");
        folder.file(0, 0).write(b"two\n", SECOND).expect("write");
        assert_eq!(folder.read("log"), "one\ntwo\n");
        assert_eq!(fs::metadata(folder.0.join("log")).expect("facts").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn rotation_keeps_the_asked_number_of_files_and_no_line_twice() {
        let folder = Folder::new("rotate");
        let mut file = folder.file(10, 2);
        for n in 1..=7 {
            file.write(format!("line{n}\n").as_bytes(), SECOND).expect("write");
        }
        assert_eq!(folder.names(), ["log", "log.1", "log.2", "log.lock"]);
        let kept: Vec<_> = ["log.2", "log.1", "log"].iter().map(|name| folder.read(name)).collect();
        assert_eq!(kept, ["line5\n", "line6\n", "line7\n"]);
    }

    #[test]
    fn two_writers_of_one_file_rotate_it_once() {
        let folder = Folder::new("two");
        let (mut first, mut second) = (folder.file(20, 5), folder.file(20, 5));
        for n in 0..3 {
            first.write(format!("first{n}\n").as_bytes(), SECOND).expect("write");
            second.write(format!("other{n}\n").as_bytes(), SECOND).expect("write");
        }
        let lines: usize = folder.names().iter().map(|name| folder.read(name).lines().count()).sum();
        assert_eq!(lines, 6, "{:?}", folder.names());
        assert!(!folder.names().contains(&"log.3".to_string()), "{:?}", folder.names());
    }

    #[test]
    fn no_backups_means_the_file_begins_anew() {
        let folder = Folder::new("none");
        let mut file = folder.file(10, 0);
        file.write(b"12345678\n", SECOND).expect("write");
        file.write(b"abc\n", SECOND).expect("write");
        assert_eq!(folder.read("log"), "abc\n");
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let folder = Folder::new("link");
        symlink(folder.0.join("victim"), folder.0.join("log")).expect("a link");
        let error = folder.file(0, 0).write(b"x\n", SECOND).expect_err("refused");
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
        assert!(!folder.names().contains(&"victim".to_string()));
    }

    #[test]
    fn a_file_moved_away_is_opened_anew_within_a_second() {
        let folder = Folder::new("moved");
        let mut file = folder.file(0, 0);
        file.write(b"old\n", SECOND).expect("write");
        fs::rename(folder.0.join("log"), folder.0.join("elsewhere")).expect("rename");
        file.write(b"late\n", SECOND + 1).expect("write");
        file.write(b"new\n", 2 * SECOND).expect("write");
        assert_eq!((folder.read("elsewhere").as_str(), folder.read("log").as_str()), ("old\nlate\n", "new\n"));
    }

    #[test]
    fn a_missing_folder_is_an_error_until_it_is_there() {
        let folder = Folder::new("missing");
        let path = folder.0.join("sub/log");
        let mut file =
            opened(FileConfig { path: path.clone(), max_bytes: 0, backups: 0, mode: 0o600, ..FileConfig::default() });
        assert_eq!(file.write(b"a\n", SECOND).map_err(|e| e.kind()), Err(ErrorKind::NotFound));
        fs::create_dir(folder.0.join("sub")).expect("a folder");
        assert!(file.write(b"b\n", SECOND + 1).is_err(), "tried again only after a second");
        file.write(b"c\n", 3 * SECOND).expect("write");
        assert_eq!(fs::read_to_string(path).expect("read"), "c\n");
    }

    #[test]
    fn dev_fd_means_a_copy_of_that_descriptor() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let path = PathBuf::from(format!("/dev/fd/{}", writer.as_raw_fd()));
        let mut file = opened(FileConfig { path, max_bytes: 1, backups: 3, mode: 0o600, ..FileConfig::default() });
        file.write(b"one\n", SECOND).expect("write");
        drop(writer);
        file.write(b"two\n", 5 * SECOND).expect("the copy is ours");
        drop(file);
        let mut got = String::new();
        reader.read_to_string(&mut got).expect("read");
        assert_eq!(got, "one\ntwo\n");
    }

    #[test]
    fn a_place_that_cannot_be_used_is_replaced_by_another_and_said_once() {
        let folder = Folder::new("moved");
        let other = folder.0.join("made/on/the/way/log");
        let mut file = opened(FileConfig {
            path: "/proc/no/such/log".into(),
            mode: 0o600,
            make_folders: true,
            or_else: Some(other.clone()),
            ..FileConfig::default()
        });
        file.write(b"here\n", 1).expect("written elsewhere");
        assert_eq!(fs::read(&other).expect("the other place"), b"here\n");
        assert!(file.moved().is_some_and(|moved| moved.wanted == Path::new("/proc/no/such/log")));
        assert_eq!(file.moved(), None);
    }

    #[test]
    fn a_file_can_begin_anew_with_the_mode_that_was_asked_for() {
        let folder = Folder::new("anew");
        let path = folder.0.join("log");
        fs::write(&path, "of the last run\n").expect("a file");
        let config = FileConfig { path: path.clone(), mode: 0o666, exact_mode: true, ..FileConfig::default() };
        let mut file = opened(FileConfig { truncate: true, ..config.clone() });
        file.write(b"one\n", 1).expect("written");
        assert_eq!(fs::read(&path).expect("the file"), b"one\n");
        fs::remove_file(&path).expect("removed");
        let mut file = opened(config.clone());
        file.write(b"two\n", 1).expect("written");
        assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o777, 0o666);
        // An empty one that an administrator has put there stays as private as it is.
        fs::write(&path, "").expect("emptied");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("made private");
        let mut file = opened(config);
        file.write(b"three\n", 1).expect("written");
        assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_with_other_names_is_left_alone() {
        let folder = Folder::new("hard");
        fs::write(folder.0.join("victim"), "kept\n").expect("a file");
        fs::hard_link(folder.0.join("victim"), folder.0.join("log")).expect("a link");
        let error = folder.file(0, 0).write(b"x\n", SECOND).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(folder.read("victim"), "kept\n");
    }

    #[test]
    fn an_attacker_who_swaps_the_names_reaches_no_other_file() {
        use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
        const TRIES: u64 = 100_000;
        let (folder, away) = (Folder::new("attacked"), Folder::new("victim"));
        let (victim, missing) = (away.0.join("victim"), away.0.join("missing"));
        fs::write(&victim, "kept\n").expect("a file");
        fs::set_permissions(&victim, fs::Permissions::from_mode(0o640)).expect("its mode");
        let (done, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
        let (mut written, mut refused) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0.. {
                    if done.load(Relaxed) {
                        break;
                    }
                    let name = folder.0.join(["log", "log.1", "log.lock", "log", "log.2"][n % 5]);
                    let aside = folder.0.join("aside");
                    let made = match n % 3 {
                        0 => symlink(&victim, &aside),
                        1 => symlink(&missing, &aside),
                        _ => fs::hard_link(&victim, &aside),
                    };
                    let _ = made.and_then(|()| fs::rename(&aside, &name));
                    let _ = fs::remove_file(&aside);
                    swaps.fetch_add(1, Relaxed);
                    if n % 2 == 0 {
                        let _ = fs::remove_file(&name);
                    }
                }
            });
            // Each try opens and rotates anew, a second and more after the last.
            let mut file = folder.file(1, 2);
            let mut now = SECOND;
            while written + refused < TRIES || swaps.load(Relaxed) < TRIES {
                now += 2 * SECOND;
                match file.write(b"x\n", now) {
                    Ok(()) => written += 1,
                    Err(_) => refused += 1,
                }
            }
            done.store(true, Relaxed);
        });
        println!("{written} lines written, {refused} refused, {} swaps", swaps.load(Relaxed));
        assert!(written > 1_000 && refused > 1_000, "{written} written, {refused} refused: no contest");
        assert_eq!(fs::read_to_string(&victim).expect("the victim"), "kept\n");
        assert_eq!(fs::metadata(&victim).expect("its facts").permissions().mode() & 0o777, 0o640);
        assert!(!missing.exists(), "a file was made through a link");
        for name in folder.names() {
            let facts = fs::symlink_metadata(folder.0.join(&name)).expect("facts");
            let ours = facts.is_file() && facts.nlink() == 1;
            assert!(!ours || facts.permissions().mode() & 0o777 == 0o600, "{name} has {:o}", facts.mode());
        }
    }
}
