//! The log file under pressure: several processes that rotate it, logrotate, an attacker, and files that cannot be
//! written. Every line is complete and written once, or counted as lost.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{chown, symlink, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::hosts::{host, require, root, Host, Outcome};
use support::wait_until;

/// A folder for one test, emptied before it and removed after it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = root().join("target/test-logs").join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its mode");
        Folder(path)
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Returns a host that logs to this folder, with this size limit and number of rotated files.
    fn host(&self, scenario: &str, id: u64, more: impl ToString, bytes: u64, backups: u32) -> Option<Host> {
        let host = host("log_files.c")?.arg(scenario).arg(id).arg(more).limit(60);
        let host = host.env("DD_TRACE_AGENT_URL", "http://127.0.0.1:9").env("DD_TRACE_LOG_FILE", self.log().display());
        let host = host.env("DD_TRACE_LOG_FILE_SIZE_BYTES", bytes).env("SPANWIRE_LOG_FILE_BACKUPS", backups);
        Some(host.env("SPANWIRE_LOG_SINKS", "file").env("SPANWIRE_LOG_DIALECT", "native"))
    }

    /// Returns all log files, whatever their current names.
    fn files(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(&self.0).expect("a folder").map(|entry| entry.expect("an entry").path());
        let is_log = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("log") && name != "log.lock"
        };
        all.filter(is_log).collect()
    }

    fn read(&self) -> Books {
        let mut books = Books::default();
        for file in self.files() {
            let bytes = fs::read(&file).expect("a log file");
            books.add(&String::from_utf8(bytes).unwrap_or_else(|_| panic!("{} is not UTF-8", file.display())));
        }
        books
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The contents of all files.
#[derive(Default, Debug)]
struct Books {
    /// How often each line of each host occurs.
    seen: BTreeMap<u64, BTreeMap<u64, u32>>,
    /// Number of records reported as lost.
    lost: u64,
    /// Incomplete lines.
    torn: Vec<String>,
}

impl Books {
    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some((_, lost)) = line.split_once("log records lost:") {
                self.lost += number_after(lost, "records=").unwrap_or_else(|| panic!("no number in {line}"));
            } else if let Some((id, n)) = whole(line) {
                *self.seen.entry(id).or_default().entry(n).or_default() += 1;
            } else if line.contains("id=") || !line.contains(" spanwire[") {
                self.torn.push(line.to_string());
            }
        }
    }

    /// Asserts that each line of the host occurs once, and that as many are missing as were reported.
    #[track_caller]
    fn check(&self, written: &BTreeMap<u64, u64>) {
        assert!(self.torn.is_empty(), "{} torn lines, the first: {:?}", self.torn.len(), self.torn.first());
        let mut missing = 0;
        for (id, lines) in written {
            let seen = self.seen.get(id).unwrap_or_else(|| panic!("nothing of {id}"));
            let twice = seen.iter().find(|(_, times)| **times != 1);
            assert_eq!(twice, None, "a line of {id} is there more than once");
            assert!(seen.keys().all(|n| n < lines), "a line of {id} that was never written");
            missing += lines - seen.len() as u64;
        }
        assert_eq!(missing, self.lost, "lines are missing that were not counted, or counted that are there");
    }

    fn lines(&self) -> usize {
        self.seen.values().map(BTreeMap::len).sum()
    }
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = &text[text.find(name)? + name.len()..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

/// Returns the host and the number of a line of tests/hosts/log_files.c if the line is complete.
fn whole(line: &str) -> Option<(u64, u64)> {
    let text = &line[line.find("id=")?..];
    let filling = text.split_once('[')?.1.strip_suffix("] end")?;
    let sum: u64 = filling.bytes().map(u64::from).sum();
    let one_record = line.matches(" spanwire[").count() == 1 && line.matches("id=").count() == 1;
    let right = filling.bytes().all(|b| b.is_ascii_lowercase()) && number_after(text, "sum=") == Some(sum);
    (one_record && right).then_some((number_after(text, "id=")?, number_after(text, " n=")?))
}

/// Returns how many lines each host wrote.
fn written(ran: &[Outcome]) -> BTreeMap<u64, u64> {
    let number = |ran: &Outcome, name: &str| ran.object("log")[name].as_u64().expect("a number");
    ran.iter().map(|ran| (number(ran, "id"), number(ran, "lines"))).collect()
}

/// Runs four hosts at once.
fn four(folder: &Folder, scenario: &str, more: &str, bytes: u64, backups: u32) -> Option<Vec<support::hosts::Running>> {
    (1..=4).map(|id| Some(folder.host(scenario, id, more, bytes, backups)?.spawn())).collect()
}

fn size_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |facts| facts.len())
}

#[test]
fn no_line_is_torn_or_lost_while_four_processes_rotate_one_file() {
    let folder = Folder::new("rotate");
    let Some(running) = four(&folder, "lines", "8000", 100_000, 100) else { return };
    let ran: Vec<Outcome> = running.into_iter().map(|running| running.wait().ok()).collect();
    let (books, files) = (folder.read(), folder.files().len());
    println!("four processes: {} lines, {} counted as lost, {files} files", books.lines(), books.lost);
    assert!((10..=100).contains(&files), "{files} files: not all are kept, or hardly any was rotated");
    books.check(&written(&ran));
}

#[test]
fn no_line_is_torn_or_lost_while_logrotate_moves_the_file() {
    if !require("logrotate") {
        return;
    }
    for way in ["create 0600", "nocreate"] {
        let (folder, aside) = (Folder::new(&way[..2]), Folder::new("aside"));
        let done = aside.0.join("done");
        let config = aside.0.join("config");
        let rules = format!("{} {{\n rotate 1000\n missingok\n {way}\n}}\n", folder.log().display());
        fs::write(&config, rules).expect("logrotate's rules");
        fs::set_permissions(&config, Permissions::from_mode(0o644)).expect("their mode");
        let Some(running) = four(&folder, "until", &done.to_string_lossy(), 0, 0) else { return };
        for moved in 0..5 {
            let fills = wait_until(Duration::from_secs(10), || size_of(&folder.log()) > 20_000);
            assert!(fills, "{way}: the file at the path is not written, {moved} moves in");
            let began = Instant::now();
            let mut logrotate = Command::new("logrotate");
            logrotate.args(["--force", "--state"]).arg(aside.0.join("state")).arg(&config);
            let said = logrotate.output().expect("logrotate runs");
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            let again = wait_until(Duration::from_secs(5), || size_of(&folder.log()) > 0);
            assert!(again, "{way}: nothing came to the new file within 5 s");
            println!("{way}: the new file had lines after {:.2?}", began.elapsed());
        }
        fs::write(&done, "").expect("the sign to stop");
        let ran: Vec<Outcome> = running.into_iter().map(|running| running.wait().ok()).collect();
        let books = folder.read();
        println!("{way}: {} lines in {} files, {} counted as lost", books.lines(), folder.files().len(), books.lost);
        assert!(folder.files().len() > 5);
        books.check(&written(&ran));
    }
}

/// The unit test in `src/log/file.rs` makes as many tries; this test runs the whole library.
#[test]
fn an_attacker_who_swaps_links_under_a_host_changes_no_other_file() {
    const TRIES: u32 = 100_000;
    let (folder, away) = (Folder::new("attacked"), Folder::new("victim"));
    let (victim, missing, done) = (away.0.join("victim"), away.0.join("missing"), away.0.join("done"));
    fs::write(&victim, "kept\n").expect("a victim");
    fs::set_permissions(&victim, Permissions::from_mode(0o644)).expect("its mode");
    let Some(running) = four(&folder, "until", &done.to_string_lossy(), 2_000, 2) else { return };
    assert!(wait_until(Duration::from_secs(20), || size_of(&folder.log()) > 0), "nothing was logged");
    let aside = folder.0.join("aside");
    for n in 0..TRIES {
        let name = folder.0.join(["log", "log.1", "log.lock"][n as usize % 3]);
        let target = if n % 2 == 0 { &victim } else { &missing };
        let _ = symlink(target, &aside).and_then(|()| fs::rename(&aside, &name));
        // Mostly remove the link again: after a refusal the host waits for a second.
        let _ = fs::remove_file(&name);
        if n % 100 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    let logs_on = wait_until(Duration::from_secs(10), || size_of(&folder.log()) > 0);
    fs::write(&done, "").expect("the sign to stop");
    let lines: u64 =
        written(&running.into_iter().map(|running| running.wait().ok()).collect::<Vec<_>>()).values().sum();
    println!("{TRIES} swaps under {lines} lines of four hosts");
    assert!(logs_on, "nothing is logged after the attack");
    assert_eq!(fs::read_to_string(&victim).expect("the victim"), "kept\n");
    assert_eq!(fs::metadata(&victim).expect("its facts").permissions().mode() & 0o777, 0o644);
    assert!(!missing.exists(), "a file was made through a link");
    for path in folder.files() {
        let facts = fs::symlink_metadata(&path).expect("facts");
        let mode = facts.permissions().mode() & 0o777;
        assert!(!facts.is_file() || mode == 0o600, "{} has the mode {mode:o}", path.display());
    }
}

/// Returns how many times a host complained about a file that cannot be written.
fn complaints(ran: &Outcome) -> usize {
    ran.stderr.lines().filter(|line| line.contains("cannot be written")).count()
}

#[test]
fn a_limit_on_the_size_of_files_loses_lines_and_not_the_host() {
    let folder = Folder::new("limit");
    let Some(host) = folder.host("small", 1, 3000, 0, 0) else { return };
    let ran = host.arg(50_000).run().ok();
    let lines = written(&[ran])[&1];
    let books = folder.read();
    println!("under a limit of 50000 bytes: {} of {lines} lines", books.lines());
    assert!(size_of(&folder.log()) <= 50_000 && books.lines() > 10 && (books.lines() as u64) < lines);
    assert!(books.torn.len() <= 1, "{:?}", books.torn);
}

#[test]
fn a_limit_on_the_size_of_files_is_no_matter_where_the_file_is_rotated_before() {
    let folder = Folder::new("below");
    let Some(host) = folder.host("small", 1, 3000, 40_000, 100) else { return };
    let ran = host.arg(50_000).run().ok();
    folder.read().check(&written(&[ran]));
}

/// Runs a host that logs until the test ends it, while `spoil` and `mend` change the folder. Returns the host's result
/// and its lines.
fn spoilt(folder: &Folder, host: Host, done: &Path, spoil: impl FnOnce(), mend: impl FnOnce()) -> (Outcome, Books) {
    let running = host.spawn();
    let log = folder.log();
    assert!(wait_until(Duration::from_secs(20), || size_of(&log) > 2_000), "nothing was logged");
    spoil();
    std::thread::sleep(Duration::from_millis(2_500));
    mend();
    let before = size_of(&log);
    let goes_on = wait_until(Duration::from_secs(10), || size_of(&log) != before && size_of(&log) > 0);
    std::thread::sleep(Duration::from_millis(300));
    fs::write(done, "").expect("the sign to stop");
    let ran = running.wait().ok();
    assert!(goes_on, "nothing was logged after the place could be written again");
    let books = folder.read();
    println!("{} lines, {} counted as lost, {} complaints", books.lines(), books.lost, complaints(&ran));
    (ran, books)
}

#[test]
fn a_full_disk_loses_counted_lines_and_logging_goes_on_when_there_is_room() {
    let (folder, aside) = (Folder::new("full"), Folder::new("full-aside"));
    let done = aside.0.join("done");
    let mut mount = Command::new("mount");
    let mounted = mount.args(["-t", "tmpfs", "-o", "size=48m,mode=755", "spanwire-test"]).arg(&folder.0).output();
    if !mounted.is_ok_and(|said| said.status.success()) {
        eprintln!("skipped: no small file system can be mounted here");
        return;
    }
    let unmount = || Command::new("umount").arg("--lazy").arg(&folder.0).output();
    let Some(host) = folder.host("until", 1, done.display(), 0, 0) else { return };
    let filling = folder.0.join("filling");
    let ended = std::panic::catch_unwind(|| {
        let fill = || drop(fs::write(&filling, vec![0; 50_000_000]));
        let (ran, books) = spoilt(&folder, host, &done, fill, || fs::remove_file(&filling).expect("room again"));
        assert_eq!(complaints(&ran), 1, "{}", ran.stderr);
        assert!(books.lost > 0, "nothing was lost: the disk was not full");
        // A line that did not fit is ended by a newline once there is space, and counted as lost.
        assert!(books.torn.len() <= 1, "{:?}", books.torn);
        let torn = Books { torn: Vec::new(), ..books };
        torn.check(&written(&[ran]));
    });
    let _ = unmount();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_folder_that_is_removed_and_made_again_is_logged_to_again() {
    let (folder, aside) = (Folder::new("removed"), Folder::new("removed-aside"));
    let (done, elsewhere) = (aside.0.join("done"), aside.0.join("elsewhere"));
    let Some(host) = folder.host("until", 1, done.display(), 0, 0) else { return };
    let remove = || fs::rename(&folder.0, &elsewhere).expect("the folder goes");
    let (ran, mut books) = spoilt(&folder, host, &done, remove, || fs::create_dir(&folder.0).expect("a folder"));
    assert_eq!(complaints(&ran), 1, "{}", ran.stderr);
    books.add(&fs::read_to_string(elsewhere.join("log")).expect("what was logged before"));
    assert!(books.lost > 0, "nothing was lost: the folder was not missed");
    books.check(&written(&[ran]));
}

#[test]
fn permission_that_is_taken_away_loses_counted_lines_until_it_is_given_back() {
    if fs::metadata("/proc/self").expect("proc").uid() != 0 {
        eprintln!("skipped: only root can become the user whose permission is taken");
        return;
    }
    let (folder, aside) = (Folder::new("denied"), Folder::new("denied-aside"));
    let done = aside.0.join("done");
    chown(&folder.0, Some(65_534), Some(65_534)).expect("the folder is the user's");
    // Each rotation needs the folder, so the missing permission is noticed at once.
    let Some(host) = folder.host("user", 1, done.display(), 10_000, 100) else { return };
    let mode = |mode| fs::set_permissions(&folder.0, Permissions::from_mode(mode)).expect("a mode");
    let (ran, books) = spoilt(&folder, host, &done, || mode(0o500), || mode(0o755));
    assert_eq!(complaints(&ran), 1, "{}", ran.stderr);
    assert!(books.lost > 0, "nothing was lost: permission was not missed");
    books.check(&written(&[ran]));
}
