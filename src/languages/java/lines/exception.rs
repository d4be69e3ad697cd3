//! Formats a send error as the exception that the Java tracer's HTTP client would have thrown.

use super::layout::Exception;
use crate::event::{SendError, SendErrorClass};
use crate::languages::agent::{host_and_port, ip_of};
use crate::languages::language::Form;
use crate::languages::text::inline;
use crate::os_error::OsError;
use std::borrow::Cow;

/// Returns the exception that Java would have thrown. Without a class of its own it is an `IOException` in our words.
pub(super) fn exception(form: Form, url: &str, error: &SendError) -> Exception {
    let today = (form == Form::Source).then(|| of_today(url, error)).flatten();
    today.unwrap_or_else(|| of_both(url, error))
}

/// Returns an exception that only today's HTTP client throws.
fn of_today(url: &str, error: &SendError) -> Option<Exception> {
    if error.is_closed() {
        let (host, port) = host_and_port(url);
        let (shown, ip) = (inline(host), ip_of(host));
        let message = format!(
            "unexpected end of stream on Connection{{{shown}:{port}, proxy=DIRECT hostAddress={}:{port} cipherSuite=none \
             protocol=http/1.1}}",
            if ip == host { format!("/{shown}") } else { format!("{shown}/{ip}") }
        );
        return Some(Exception { class: "java.io.IOException", message });
    }
    let message = match error.errno()? {
        libc::ECONNREFUSED | libc::ETIMEDOUT => return None,
        libc::ECONNRESET => "Connection reset".into(),
        errno => OsError::Errno(errno).without_number(),
    };
    Some(Exception { class: "java.net.SocketException", message })
}

fn of_both(url: &str, error: &SendError) -> Exception {
    let (host, port) = host_and_port(url);
    let shown = inline(host);
    let (class, message) = match error.class() {
        SendErrorClass::Refused if port == 0 => ("java.net.ConnectException", "Connection refused".into()),
        SendErrorClass::Refused => {
            ("java.net.ConnectException", format!("Failed to connect to {}:{port}", place(host, &shown)))
        }
        SendErrorClass::TimedOut | SendErrorClass::NoAnswer => ("java.net.SocketTimeoutException", "timeout".into()),
        SendErrorClass::NotResolved => ("java.net.UnknownHostException", format!("{shown}: Name or service not known")),
        SendErrorClass::Other => ("java.io.IOException", inline(&error.to_string()).into_owned()),
    };
    Exception { class, message }
}

/// Returns `name/address`; Java prints what it knows of the two.
fn place<'a>(host: &str, shown: &'a str) -> Cow<'a, str> {
    let ip = ip_of(host);
    if ip != host {
        format!("{shown}/{ip}").into()
    } else if host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        format!("/{shown}").into()
    } else {
        shown.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::send_error::{Peer, SendErrorKind};
    use crate::languages::worked;

    #[test]
    fn a_failure_has_the_class_that_java_users_search_for() {
        let thrown = |url, error| {
            let Exception { class, message } = exception(Form::Source, url, error);
            format!("{class}: {message}")
        };
        let refused = &worked::REFUSED;
        let closed = &SendError::new(SendErrorKind::Closed, Peer::Unnamed);
        let missing = &SendError::new(SendErrorKind::System(OsError::Errno(libc::ENOENT)), Peer::Unnamed);
        for (url, error, want) in [
            (
                "http://localhost:8126/x",
                refused,
                "java.net.ConnectException: Failed to connect to localhost/127.0.0.1:8126",
            ),
            ("http://10.0.0.5:8126", refused, "java.net.ConnectException: Failed to connect to /10.0.0.5:8126"),
            ("http://[::1]:8126", refused, "java.net.ConnectException: Failed to connect to /[::1]:8126"),
            ("http://agent:8126", refused, "java.net.ConnectException: Failed to connect to agent:8126"),
            ("unix:///run/a.sock", refused, "java.net.ConnectException: Connection refused"),
            ("unix:///run/a.sock", missing, "java.net.SocketException: No such file or directory"),
            (
                "http://127.0.0.1:8126",
                closed,
                "java.io.IOException: unexpected end of stream on Connection{127.0.0.1:8126, proxy=DIRECT \
                 hostAddress=/127.0.0.1:8126 cipherSuite=none protocol=http/1.1}",
            ),
            ("http://agent:1", worked::no_answer(), "java.net.SocketTimeoutException: timeout"),
            ("http://agnt:1", worked::not_resolved(), "java.net.UnknownHostException: agnt: Name or service not known"),
            ("http://agent:1", worked::other("broken\npipe"), "java.io.IOException: broken\\npipe"),
        ] {
            assert_eq!(thrown(url, error), want);
        }
    }
}
