//! Whether logs can be written where the settings want them. Nothing is created, so nothing is left behind: rights are
//! asked for, and only what exists is opened.

use super::found::{bad, good, note, plain, size, with_evidence};
use super::user;
use crate::doctor::report::Finding;
use spanwire::settings::Settings;
use spanwire::sys;
use std::ffi::{CString, OsString};
use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DIRECTORY: &str = "DD_TRACE_LOG_DIRECTORY";

/// What there is to say about the log file and the log folder.
pub fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = match &settings.log_file {
        Some(path) => file(path, settings),
        None if settings.log_stderr => {
            vec![good("log.stderr", "logs go to standard error; DD_TRACE_LOG_FILE is not set")]
        }
        None => vec![note(
            "log.host_only",
            "logs go to no file and not to standard error: only a host that asks for them sees them",
            "Set DD_TRACE_LOG_FILE=/path/of/a/file, or SPANWIRE_LOG_SINKS=stderr.",
        )],
    };
    // Read by hand: the languages whose tracers have it pass it on, not each version of the library knows it.
    if let Some(folder) = std::env::var_os(DIRECTORY).filter(|folder| !folder.is_empty()) {
        findings.push(directory(Path::new(&folder)));
    }
    findings
}

fn file(path: &Path, settings: &Settings) -> Vec<Finding> {
    let shown = path.display();
    if !settings.log_to_file {
        let says = format!("DD_TRACE_LOG_FILE is {shown}, but SPANWIRE_LOG_SINKS does not name the sink file: nothing is written there");
        return vec![note("log.not_to_file", says, "Add file to SPANWIRE_LOG_SINKS, or unset it.")];
    }
    if let Some(fd) = sys::named_descriptor(path) {
        return vec![match sys::Descriptor::copy_of(fd) {
            Ok(_) => good("log.writable", format!("logs go to {shown}")),
            Err(error) => unwritable(path, &plain(&error), "Name a descriptor that the process has."),
        }];
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let facts = match fs::metadata(folder) {
        Ok(facts) => facts,
        Err(error) => return vec![no_folder(path, folder, &error)],
    };
    let mut findings = match there(path, folder) {
        Ok(there) => {
            let mut findings = vec![good("log.writable", format!("logs go to {shown}, which can be written"))];
            if settings.log_file_size > 0 {
                findings.extend(rotation(path, folder, &facts, there.as_ref()));
            }
            findings
        }
        Err(finding) => vec![*finding],
    };
    findings.extend(space(path, folder, settings));
    findings
}

/// The file's facts if it exists; else that it can be made; else what stands against it.
fn there(path: &Path, folder: &Path) -> Result<Option<Metadata>, Box<Finding>> {
    let shown = path.display();
    let refused = |why: &str| Err(Box::new(unwritable(path, why, &way_in(path, folder))));
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_symlink() => {
            let to = fs::read_link(path).map(|to| format!("{shown} -> {}", to.display())).unwrap_or_default();
            let says = format!("{shown} is a symbolic link, which the tracer does not follow: nothing is logged there");
            let remedy = "Set DD_TRACE_LOG_FILE to the file itself, or remove the link.";
            Err(Box::new(with_evidence(bad("log.unwritable", says, remedy), [to])))
        }
        Ok(facts) if facts.is_dir() => {
            let remedy = "Name a file in it: DD_TRACE_LOG_FILE=/folder/trace.log.";
            Err(Box::new(unwritable(path, "it is a folder", remedy)))
        }
        Ok(facts) if facts.is_file() => match open(path) {
            Ok(()) => Ok(Some(facts)),
            Err(error) => refused(&plain(&error)),
        },
        // A pipe or terminal: opening it could wake whoever waits at its other end.
        Ok(facts) => match user::may(path, user::WRITE) {
            Ok(()) => Ok(Some(facts)),
            Err(error) => refused(&plain(&error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => match user::may(folder, user::WRITE | user::ENTER) {
            Ok(()) => Ok(None),
            Err(error) => refused(&plain(&error)),
        },
        Err(error) => refused(&plain(&error)),
    }
}

/// As the library opens it, but never making one.
fn open(path: &Path) -> io::Result<()> {
    let flags = libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK;
    OpenOptions::new().append(true).custom_flags(flags).open(path).map(drop)
}

fn unwritable(path: &Path, why: &str, remedy: &str) -> Finding {
    let says =
        format!("user {} cannot write the log file {}: {why}; its lines are lost", user::my_name(), path.display());
    let finding = bad("log.unwritable", says, remedy);
    let about =
        |path: &Path| fs::metadata(path).map(|facts| format!("{}: {}", path.display(), user::owner_and_mode(&facts)));
    let existing = path.ancestors().filter_map(|path| about(path).ok()).take(2);
    with_evidence(finding, existing.collect::<Vec<_>>())
}

fn way_in(path: &Path, folder: &Path) -> String {
    let me = user::my_name();
    let what = if path.exists() { path } else { folder };
    format!(
        "Give {} to {me} (chown {me} {}), or set DD_TRACE_LOG_FILE to a place that {me} may write to.",
        what.display(),
        what.display()
    )
}

fn no_folder(path: &Path, folder: &Path, error: &io::Error) -> Finding {
    if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory {
        let says = format!("the folder {} of the log file is not there: nothing is logged", folder.display());
        let remedy = format!("mkdir -p {}, writable for {}.", folder.display(), user::my_name());
        return bad("log.unwritable", says, remedy);
    }
    unwritable(path, &plain(error), &way_in(path, folder))
}

/// Rotation renames in the folder and makes a lock file there; when that fails, lines are lost once the file is full.
fn rotation(path: &Path, folder: &Path, facts: &Metadata, there: Option<&Metadata>) -> Option<Finding> {
    let there = there.filter(|there| there.is_file());
    let lock = numbered(path, "lock");
    let folder_allows = user::may(folder, user::WRITE | user::ENTER);
    let sticky = facts.mode() & libc::S_ISVTX != 0;
    let me = user::me();
    let why = match (fs::symlink_metadata(&lock), folder_allows) {
        (Ok(lock), _) if lock.is_symlink() => "its lock file is a symbolic link".to_string(),
        (Ok(_), _) if open(&lock).is_err() => "its lock file cannot be opened".to_string(),
        (_, Err(error)) => format!("its folder cannot be changed: {}", plain(&error)),
        _ if sticky && me != 0 && facts.uid() != me && there.is_some_and(|there| there.uid() != me) => {
            "it belongs to another user, in a folder where only owners may rename".to_string()
        }
        _ => return None,
    };
    let says = format!("{} can be written, but not rotated: {why}. Once it is full, lines are lost", path.display());
    let remedy = format!(
        "Give the folder {} and what is in it to {}, or log into a folder of its own.",
        folder.display(),
        user::my_name()
    );
    let lines = [&lock, folder].into_iter().filter_map(|path: &Path| {
        fs::symlink_metadata(path).ok().map(|facts| format!("{}: {}", path.display(), user::owner_and_mode(&facts)))
    });
    Some(with_evidence(bad("log.cannot_rotate", says, remedy), lines.collect::<Vec<_>>()))
}

fn numbered(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether all that the settings allow fits, less what is there already.
fn space(path: &Path, folder: &Path, settings: &Settings) -> Option<Finding> {
    let free = free_bytes(folder)?;
    let backups = (1..=settings.log_file_backups).map(|n| numbered(path, &n.to_string()));
    let kept: u64 =
        backups.chain([path.to_owned()]).filter_map(|path| fs::symlink_metadata(path).ok()).map(|m| m.len()).sum();
    let most = settings.log_file_size.saturating_mul(u64::from(settings.log_file_backups) + 1);
    if settings.log_file_size == 0 {
        let says =
            format!("the log file is never rotated and {} are free: it grows until they are used up", size(free));
        return Some(note("log.unbounded", says, "Set DD_TRACE_LOG_FILE_SIZE_BYTES, or have logrotate move the file."));
    }
    let missing = most.saturating_sub(kept).checked_sub(free).filter(|missing| *missing > 0)?;
    let says = format!(
        "log files may grow to {}, and only {} are free in {}: {} are missing",
        size(most),
        size(free),
        folder.display(),
        size(missing)
    );
    Some(bad(
        "log.disk_space",
        says,
        "Free some space, or lower DD_TRACE_LOG_FILE_SIZE_BYTES or SPANWIRE_LOG_FILE_BACKUPS.",
    ))
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let path = CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: all zeros is a `statvfs`; the path is NUL-terminated, and both outlive the call.
    let facts = unsafe {
        let mut facts: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &mut facts) == 0).then_some(facts)
    }?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

fn directory(folder: &Path) -> Finding {
    let shown = folder.display();
    let me = user::my_name();
    match fs::metadata(folder) {
        Ok(facts) if !facts.is_dir() => {
            bad("log.unwritable", format!("{DIRECTORY} is {shown}, which is no folder"), "Name a folder.")
        }
        Ok(facts) => match user::may(folder, user::WRITE | user::ENTER) {
            Ok(()) => good("log.directory", format!("{DIRECTORY} is {shown}, which can be written")),
            Err(error) => with_evidence(
                bad(
                    "log.unwritable",
                    format!("{DIRECTORY} is {shown}, where user {me} cannot make files: {}", plain(&error)),
                    format!("chown {me} {shown}, or name another folder."),
                ),
                [format!("{shown}: {}", user::owner_and_mode(&facts))],
            ),
        },
        Err(error) => bad(
            "log.unwritable",
            format!("{DIRECTORY} is {shown}, which cannot be used: {}", plain(&error)),
            format!("mkdir -p {shown}, writable for {me}."),
        ),
    }
}
