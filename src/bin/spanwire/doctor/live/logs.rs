//! Checks whether logs can be written where the settings say. Creates nothing: it asks for permissions, and opens only
//! files that exist.

use super::found::{bad, good, note, plain, size, with_evidence};
use super::user;
use crate::doctor::report::Finding;
use spanwire::companion::settings::Settings;
use spanwire::companion::sys;
use std::ffi::{CString, OsString};
use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The setting of the log folder.
pub const DIRECTORY: &str = "DD_TRACE_LOG_DIRECTORY";

/// Returns findings about the log file and the log folder. The folder is that of the environment, because only some
/// versions of the library know this setting for every language.
pub fn look(settings: &Settings, folder: Option<&Path>) -> Vec<Finding> {
    let mut findings = match &settings.log_file {
        Some(path) => file(path, settings),
        None if settings.log_stderr => {
            vec![good("log.stderr", "logs go to standard error; DD_TRACE_LOG_FILE is not set")]
        }
        None => vec![note(
            "log.host_only",
            "logs go neither to a file nor to standard error; only the host can pull them",
            "Set DD_TRACE_LOG_FILE=/path/of/a/file, or SPANWIRE_LOG_SINKS=stderr.",
        )],
    };
    findings.extend(folder.filter(|folder| !folder.as_os_str().is_empty()).map(directory));
    findings
}

/// Checks the log file.
fn file(path: &Path, settings: &Settings) -> Vec<Finding> {
    let shown = path.display();
    if !settings.log_to_file {
        let says = format!(
            "DD_TRACE_LOG_FILE is {shown}, but SPANWIRE_LOG_SINKS does not contain `file`: nothing is written there"
        );
        return vec![note("log.not_to_file", says, "Add `file` to SPANWIRE_LOG_SINKS, or unset it.")];
    }
    if let Some(fd) = sys::named_descriptor(path) {
        return vec![match sys::Descriptor::copy_of(fd) {
            Ok(_) => good("log.writable", format!("logs go to {shown}")),
            Err(error) => unwritable(path, &plain(&error), "Use a descriptor that the process has."),
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

/// Returns the file's metadata if it exists, `None` if it can be created, and otherwise the fault that prevents it.
fn there(path: &Path, folder: &Path) -> Result<Option<Metadata>, Box<Finding>> {
    let shown = path.display();
    let refused = |why: &str| Err(Box::new(unwritable(path, why, &way_in(path, folder))));
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_symlink() => {
            let to = fs::read_link(path).map(|to| format!("{shown} -> {}", to.display())).unwrap_or_default();
            let says =
                format!("{shown} is a symbolic link, which the tracer does not follow; nothing is written there");
            let remedy = "Set DD_TRACE_LOG_FILE to the file itself, or remove the link.";
            Err(Box::new(with_evidence(bad("log.unwritable", says, remedy), [to])))
        }
        Ok(facts) if facts.is_dir() => {
            let remedy = "Set a file in the folder: DD_TRACE_LOG_FILE=/folder/trace.log.";
            Err(Box::new(unwritable(path, "it is a folder", remedy)))
        }
        Ok(facts) if facts.is_file() => match open(path) {
            Ok(()) => Ok(Some(facts)),
            Err(error) => refused(&plain(&error)),
        },
        // Do not open pipes and terminals: that could wake the process at the other end.
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

/// Opens the file as the library does, but never creates one.
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

/// Returns how to give this user permission for the file or its folder.
fn way_in(path: &Path, folder: &Path) -> String {
    let me = user::my_name();
    let what = if path.exists() { path } else { folder };
    format!(
        "Make {me} the owner of {} (chown {me} {}), or set DD_TRACE_LOG_FILE to a place that {me} may write to.",
        what.display(),
        what.display()
    )
}

fn no_folder(path: &Path, folder: &Path, error: &io::Error) -> Finding {
    if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory {
        let says = format!("the folder {} of the log file does not exist; nothing is written", folder.display());
        let remedy = format!("Create it: mkdir -p {}, writable for {}.", folder.display(), user::my_name());
        return bad("log.unwritable", says, remedy);
    }
    unwritable(path, &plain(error), &way_in(path, folder))
}

/// Checks whether the file can be rotated. Rotation renames the file and creates a lock file in the same folder; if
/// that fails, lines are lost once the file is full.
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
            "it belongs to another user, in a folder with the sticky bit, where only owners may rename".to_string()
        }
        _ => return None,
    };
    let says = format!("{} can be written, but not rotated: {why}. Once it is full, lines are lost", path.display());
    let remedy = format!(
        "Make {1} the owner of the folder {0} and its contents, or use a folder for the log alone.",
        folder.display(),
        user::my_name()
    );
    let lines = [&lock, folder].into_iter().filter_map(|path: &Path| {
        fs::symlink_metadata(path).ok().map(|facts| format!("{}: {}", path.display(), user::owner_and_mode(&facts)))
    });
    Some(with_evidence(bad("log.cannot_rotate", says, remedy), lines.collect::<Vec<_>>()))
}

/// Appends a suffix to a path: the name of a rotated file or of the lock file.
fn numbered(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Checks whether the disk has space for all log files that the settings allow, minus what they already use.
fn space(path: &Path, folder: &Path, settings: &Settings) -> Option<Finding> {
    let free = free_bytes(folder)?;
    let backups = (1..=settings.log_file_backups).map(|n| numbered(path, &n.to_string()));
    let kept: u64 =
        backups.chain([path.to_owned()]).filter_map(|path| fs::symlink_metadata(path).ok()).map(|m| m.len()).sum();
    let most = settings.log_file_size.saturating_mul(u64::from(settings.log_file_backups) + 1);
    if settings.log_file_size == 0 {
        let says = format!("the log file is never rotated; it may grow until the free {} are used up", size(free));
        return Some(note("log.unbounded", says, "Set DD_TRACE_LOG_FILE_SIZE_BYTES, or have logrotate move the file."));
    }
    let missing = most.saturating_sub(kept).checked_sub(free).filter(|missing| *missing > 0)?;
    let says = format!(
        "log files may grow to {}, but only {} are free in {}: {} are missing",
        size(most),
        size(free),
        folder.display(),
        size(missing)
    );
    Some(bad(
        "log.disk_space",
        says,
        "Free disk space, or lower DD_TRACE_LOG_FILE_SIZE_BYTES or SPANWIRE_LOG_FILE_BACKUPS.",
    ))
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let path = CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: an all-zero `statvfs` is valid; the path is NUL-terminated, and both outlive the call.
    let facts = unsafe {
        let mut facts: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &mut facts) == 0).then_some(facts)
    }?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

/// Checks the log folder.
fn directory(folder: &Path) -> Finding {
    let shown = folder.display();
    let me = user::my_name();
    match fs::metadata(folder) {
        Ok(facts) if !facts.is_dir() => {
            bad("log.unwritable", format!("{DIRECTORY} is {shown}, which is not a folder"), "Set it to a folder.")
        }
        Ok(facts) => match user::may(folder, user::WRITE | user::ENTER) {
            Ok(()) => good("log.directory", format!("{DIRECTORY} is {shown}, which can be written")),
            Err(error) => with_evidence(
                bad(
                    "log.unwritable",
                    format!("{DIRECTORY} is {shown}, where user {me} cannot create files: {}", plain(&error)),
                    format!("Make {me} its owner (chown {me} {shown}), or use another folder."),
                ),
                [format!("{shown}: {}", user::owner_and_mode(&facts))],
            ),
        },
        Err(error) => bad(
            "log.unwritable",
            format!("{DIRECTORY} is {shown}, which cannot be used: {}", plain(&error)),
            format!("Create it: mkdir -p {shown}, writable for {me}."),
        ),
    }
}
