//! Finds out why a Unix socket cannot be connected to, down to the permission that is missing.

use super::found::{bad, note, plain, with_evidence};
use super::user;
use crate::doctor::report::Finding;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The longest path that fits into a socket address, in bytes.
const PATH_MAX: usize = 107;

/// Checks the path before connecting.
pub fn before(path: &Path) -> Option<Finding> {
    let length = path.as_os_str().as_bytes().len();
    (length > PATH_MAX).then(|| {
        bad(
            "agent.socket_path_too_long",
            format!("the socket's path has {length} bytes, and the system allows at most {PATH_MAX}"),
            "Move the Agent's socket to a shorter path (apm_config.receiver_socket) or use a symbolic link to its folder.",
        )
    })
}

/// Explains why connecting failed. `found` is put before the remedy: it names an Agent that was found elsewhere, or is
/// empty.
pub fn why(path: &Path, error: &io::Error, found: String) -> Finding {
    let mut finding = explained(path, error);
    finding.remedy = found + &finding.remedy;
    finding
}

fn explained(path: &Path, error: &io::Error) -> Finding {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => bad("agent.socket_missing", format!("there is no socket at {shown}"), MAKE_ONE),
        io::ErrorKind::NotADirectory => {
            bad("agent.socket_missing", format!("{shown} cannot exist: a part of its path is not a folder"), MAKE_ONE)
        }
        io::ErrorKind::PermissionDenied => denied(path),
        io::ErrorKind::ConnectionRefused => match std::fs::metadata(path) {
            Ok(facts) if !facts.file_type().is_socket() => bad(
                "agent.socket_not_a_socket",
                format!("{shown} is not a socket but {}", kind(&facts)),
                "Set DD_TRACE_AGENT_URL to the Agent's socket (apm_config.receiver_socket in datadog.yaml).",
            ),
            _ => bad(
                "agent.down",
                format!("nothing listens on the socket {shown}: the process that created it has ended"),
                "Start the Agent; if it runs, restart it to create its socket again.",
            ),
        },
        io::ErrorKind::TimedOut => bad(
            "agent.timeout",
            format!("{shown} accepts no connection: the server is overloaded or stopped"),
            "Check the Agent's load and log (`agent status`), or restart it.",
        ),
        _ if error.raw_os_error() == Some(libc::EPROTOTYPE) => bad(
            "agent.socket_not_a_socket",
            format!("the socket {shown} is a datagram socket, perhaps that of DogStatsD"),
            "Set DD_TRACE_AGENT_URL to the socket for traces (apm_config.receiver_socket).",
        ),
        _ => bad("agent.unreachable", format!("cannot connect to {shown}: {}", plain(error)), MAKE_ONE),
    }
}

const MAKE_ONE: &str = "Start the Agent with apm_config.receiver_socket set to this path; in a container, mount the \
                        folder of the socket. Or send over TCP: DD_TRACE_AGENT_URL=http://HOST:8126.";

fn denied(path: &Path) -> Finding {
    let me = user::my_name();
    let folders: Vec<&Path> = path.ancestors().skip(1).collect();
    for folder in folders.into_iter().rev() {
        if user::may(folder, user::ENTER).is_err() {
            let facts = std::fs::metadata(folder);
            let about = facts.map(|facts| user::owner_and_mode(&facts)).unwrap_or_default();
            let says = format!("user {me} may not enter the folder {} of the socket's path", folder.display());
            let remedy = format!("Give {me} access: chmod o+x {}, or add {me} to its group.", folder.display());
            return with_evidence(
                bad("agent.socket_permission", says, remedy),
                [format!("{}: {about}", folder.display())],
            );
        }
    }
    let Ok(facts) = std::fs::metadata(path) else {
        return bad(
            "agent.socket_permission",
            format!("user {me} may not read the metadata of {}", path.display()),
            "",
        );
    };
    let shown = path.display();
    if user::may(path, user::WRITE).is_ok() {
        return bad(
            "agent.socket_permission",
            format!("connecting to {shown} is denied although its permissions allow it"),
            "Check the rules of SELinux or AppArmor (`ausearch -m avc`, `dmesg`).",
        );
    }
    let group = user::group_name(facts.gid());
    let remedy = match facts.mode() & 0o020 != 0 && facts.gid() != 0 {
        true => format!("Add {me} to the group {group} (usermod -aG {group} {me}) and restart the process, or run chmod o+w {shown}."),
        false => format!("Give {me} write permission: chmod o+w {shown}. An Agent creates its socket with mode 0722."),
    };
    let says = format!("user {me} may not connect to {shown}: connecting requires write permission");
    with_evidence(bad("agent.socket_permission", says, remedy), [format!("{shown}: {}", user::owner_and_mode(&facts))])
}

/// Warns if the doctor runs as root, which may connect to every socket, and other users may not.
pub fn only_for_root(path: &Path) -> Option<Finding> {
    let facts = std::fs::metadata(path).ok()?;
    (user::me() == 0 && facts.mode() & 0o002 == 0).then(|| {
        let says = "this check ran as root; a process of another user may not be allowed to connect to this socket";
        let remedy = "Run the doctor as the user of the traced process.";
        with_evidence(
            note("agent.socket_for_root", says, remedy),
            [format!("{}: {}", path.display(), user::owner_and_mode(&facts))],
        )
    })
}

fn kind(facts: &std::fs::Metadata) -> &'static str {
    let kind = facts.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_file() {
        "a plain file"
    } else {
        "something else"
    }
}
