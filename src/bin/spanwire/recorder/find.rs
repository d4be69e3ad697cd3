//! Finds a process's flight recorder among its open files, or says why it cannot be read.

use spanwire::companion::recorder::fates::{self, Fate};
use spanwire::companion::recorder::{layout, snapshot, Snapshot, MEMORY_NAME};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A flight recorder that was read.
#[derive(Debug)]
pub struct Found {
    /// The process that the user named.
    pub pid: u32,
    /// The contents of its recorder, or of its parent's.
    pub snapshot: Snapshot,
    /// What became of its last traces, oldest first.
    pub fates: Vec<Fate>,
    /// The recorder's memory file, as a path that can be opened.
    pub path: PathBuf,
    /// Whether the recorder belongs to the process itself. False for a forked child that has made no call: it still has
    /// its parent's.
    pub own: bool,
}

/// Returns the recorder of this process, or a sentence that says why there is none.
pub fn recorder(pid: u32) -> Result<Found, String> {
    look(pid)?.ok_or_else(|| {
        format!(
            "process {pid} has no flight recorder: it has not loaded libspanwire, has not called it yet, or has \
             closed descriptors that are not its own"
        )
    })
}

/// Returns the text of /proc/PID/status, or a sentence that says why there is no such process.
pub fn status(pid: u32) -> Result<String, String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ended(pid, "there is no process"),
        _ => format!("cannot look at process {pid}: {error}"),
    })?;
    match field(&status, "State:").is_some_and(|state| state.starts_with(['Z', 'X'])) {
        true => Err(ended(pid, "it has ended already: process")),
        false => Ok(status),
    }
}

/// Returns the recorder of this process; `None` if it has none; or a sentence that says why it cannot be read.
pub fn look(pid: u32) -> Result<Option<Found>, String> {
    let status = status(pid)?;
    let files = fs::read_dir(format!("/proc/{pid}/fd")).map_err(|error| refused(pid, &status, &error))?;
    let name = format!("/memfd:{} (deleted)", MEMORY_NAME.to_string_lossy());
    let named = |path: &PathBuf| fs::read_link(path).is_ok_and(|to| to == Path::new(&name));
    let paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).filter(named).collect();
    if paths.is_empty() {
        return Ok(None);
    }
    // In a container a process has another pid. The recorder holds the innermost one.
    let numbers = field(&status, "NSpid:").unwrap_or_default();
    let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let is_own = |snapshot: &Snapshot| snapshot.pid == u64::from(pid) || numbers.contains(&snapshot.pid);
    let (mut best, mut why) = (None::<Found>, String::new());
    for path in paths {
        match read(&path) {
            Ok((snapshot, fates)) => {
                let found = Found { pid, own: is_own(&snapshot), snapshot, fates, path };
                let rank = |found: &Found| (found.own, found.snapshot.epoch, found.snapshot.made_at);
                if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
                    best = Some(found);
                }
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => why = refused(pid, &status, &error),
            Err(error) => why = format!("the flight recorder of process {pid} cannot be read: {error}"),
        }
    }
    best.map(Some).ok_or(why)
}

/// Returns the error for a process that has ended.
fn ended(pid: u32, what: &str) -> String {
    format!(
        "{what} {pid}. The recorder is gone with the process; if it left a core, `spanwire core FILE` reads the recorder \
         from it"
    )
}

/// Returns the error for a process that may not be read.
pub fn refused(pid: u32, status: &str, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => ended(pid, "it has just ended: process"),
        ErrorKind::PermissionDenied => {
            let owner = field(status, "Uid:").and_then(|ids| ids.split_whitespace().next()).unwrap_or("?");
            format!(
                "not allowed to look into process {pid}, which runs as user {owner}: run this as that user or as root \
                 (its container or service may forbid access even to that user)"
            )
        }
        _ => format!("cannot look into process {pid}: {error}"),
    }
}

/// Returns the value of a line in /proc/PID/status.
pub fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Copies a recorder's memory and parses the copy. It is not mapped, because the file's owner could truncate it, which
/// would cause SIGBUS.
fn read(path: &Path) -> io::Result<(Snapshot, Vec<Fate>)> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let header = words(&file, layout::header::END)?;
    let says = header.get(layout::header::WORDS).copied().unwrap_or(0);
    // No recorder is larger than that. If the header says more, parsing reports a damaged header.
    let most = says.clamp(layout::header::END as u64, snapshot::READ_MAX as u64) as usize;
    let words = words(&file, most)?;
    Ok((Snapshot::of(&words).map_err(io::Error::other)?, fates::read::all(&words)))
}

/// Reads up to `most` words of a file.
fn words(file: &File, most: usize) -> io::Result<Vec<u64>> {
    let (mut bytes, mut have) = (vec![0; most * 8], 0);
    while have < bytes.len() {
        match file.read_at(&mut bytes[have..], have as u64) {
            Ok(0) => break,
            Ok(got) => have += got,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let whole = bytes[..have].chunks_exact(8);
    Ok(whole.filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(name: &str, bytes: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("spanwire-recorder-{name}.{}", std::process::id()));
        File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("a file");
        path
    }

    #[test]
    fn a_file_that_is_no_recorder_or_is_cut_short_is_an_error_that_says_so() {
        let word = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let magic = layout::MAGIC;
        for (name, bytes, said) in [
            ("empty", vec![], "does not begin"),
            ("text", b"nothing of the kind, but long enough to be read as words".to_vec(), "does not begin"),
            ("version", word(&[magic, 9]), "version 9"),
            ("short", word(&[magic, 1, 21_504, 64]), "cut short: 4 words of 21504"),
            ("huge", word(&[magic, 1, u64::MAX, 64]), "cut short"),
        ] {
            let path = file(name, &bytes);
            let error = read(&path).expect_err(name).to_string();
            fs::remove_file(path).ok();
            assert!(error.contains(said), "{name}: {error}");
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_said_to_be_gone() {
        let said = recorder(u32::MAX).expect_err("no such process");
        assert!(said.starts_with("there is no process 4294967295.") && said.contains("core"), "{said}");
    }
}
