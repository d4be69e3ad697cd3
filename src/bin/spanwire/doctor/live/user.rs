//! The user of this process and its permissions for a path. Reads names from /etc/passwd and /etc/group only, because
//! the system's name services could hang.

use std::ffi::CString;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Permission to write, for [`may`].
pub const WRITE: i32 = libc::W_OK;
/// Permission to enter a folder or run a file, for [`may`].
pub const ENTER: i32 = libc::X_OK;

/// Returns the effective user id.
pub fn me() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::geteuid() }
}

/// Returns the effective user's name.
pub fn my_name() -> String {
    user_name(me())
}

/// Whether this process has the permissions `what` ([`WRITE`], [`ENTER`], or both) for the path, following links.
pub fn may(path: &Path, what: i32) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is NUL-terminated and outlives the call.
    match unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), what, libc::AT_EACCESS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns for example `dd-agent:dd-agent, mode 0722`.
pub fn owner_and_mode(facts: &Metadata) -> String {
    format!("{}:{}, mode {:04o}", user_name(facts.uid()), group_name(facts.gid()), facts.mode() & 0o7777)
}

/// Returns a user's name, or the number if it has none.
pub fn user_name(uid: u32) -> String {
    name_in("/etc/passwd", uid)
}

/// Returns a group's name, or the number if it has none.
pub fn group_name(gid: u32) -> String {
    name_in("/etc/group", gid)
}

fn name_in(file: &str, number: u32) -> String {
    let number = number.to_string();
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_string())
    });
    found.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_strangers_are_named() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(3_999_999_999), "3999999999");
        assert!(may(Path::new("/"), ENTER).is_ok());
        assert!(may(Path::new("/no/such/thing"), WRITE).is_err_and(|e| e.kind() == io::ErrorKind::NotFound));
    }
}
