//! The exceptions that .NET's HTTP client throws where ours tells of a failure. Of their stacks nothing is known.

use crate::event::{SendError, SendErrorClass};
use crate::languages::agent::host_and_port;
use crate::languages::language::Form;
use crate::languages::text::inline;

/// The three lines that the page shows where nothing listens.
pub(super) const PAGE_REFUSED: &str = "System.Net.Http.HttpRequestException: Connection refused ---> \
     System.Net.Sockets.SocketException: Connection refused
   at System.Net.Http.ConnectHelper.ConnectAsync(String host, Int32 port, CancellationToken cancellationToken)
   --- End of inner exception stack trace ---";

/// Whether this failure is the page's.
pub(super) fn refused(url: &str, error: &SendError) -> bool {
    error.class() == SendErrorClass::Refused && host_and_port(url).1 != 0
}

/// Whether .NET would find a `SocketException` in it.
pub(super) fn of_socket(error: &SendError) -> bool {
    matches!(error.class(), SendErrorClass::Refused | SendErrorClass::NotResolved)
}

/// What .NET would have thrown. What it has no class of its own for is an `HttpRequestException` in our client's words.
pub(super) fn exception(form: Form, url: &str, error: &SendError) -> String {
    let (host, port) = host_and_port(url);
    let words = match error.class() {
        SendErrorClass::TimedOut | SendErrorClass::NoAnswer => {
            return "System.Threading.Tasks.TaskCanceledException: The operation was canceled.".into();
        }
        SendErrorClass::Other => {
            return format!("System.Net.Http.HttpRequestException: {}", inline(&error.to_string()));
        }
        SendErrorClass::Refused if form == Form::Page && port != 0 => return PAGE_REFUSED.into(),
        SendErrorClass::Refused => "Connection refused",
        SendErrorClass::NotResolved => "Name or service not known",
    };
    match (form, port) {
        (Form::Page, _) => {
            format!("System.Net.Http.HttpRequestException: {words} ---> System.Net.Sockets.SocketException: {words}")
        }
        (Form::Source, 0) => format!("System.Net.Http.HttpRequestException: {words} ({})", inline(host)),
        (Form::Source, port) => format!("System.Net.Http.HttpRequestException: {words} ({}:{port})", inline(host)),
    }
}
