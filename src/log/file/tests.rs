//! The log file on a real file system.

use super::*;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{symlink, MetadataExt, PermissionsExt};

const SECOND: u64 = 1_000_000_000;

fn opened(config: FileConfig) -> LogFile {
    let given = sys::named_descriptor(&config.path).map(Given::now);
    LogFile::new(config, given, Duration::from_millis(200))
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
