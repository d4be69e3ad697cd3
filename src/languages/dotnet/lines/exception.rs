//! Formats a send error as the exception that .NET's HTTP client would have thrown, without its stack.

use crate::event::{SendError, SendErrorClass};
use crate::languages::agent::host_and_port;
use crate::languages::language::Form;
use crate::languages::text::inline;

/// The three lines that the page shows for a refused connection.
pub(super) const PAGE_REFUSED: &str = "System.Net.Http.HttpRequestException: Connection refused ---> \
     System.Net.Sockets.SocketException: Connection refused
   at System.Net.Http.ConnectHelper.ConnectAsync(String host, Int32 port, CancellationToken cancellationToken)
   --- End of inner exception stack trace ---";

/// Whether this is the failure that the page shows.
pub(super) fn refused(url: &str, error: &SendError) -> bool {
    error.class() == SendErrorClass::Refused && host_and_port(url).1 != 0
}

/// Whether .NET's exception would contain a `SocketException`.
pub(super) fn of_socket(error: &SendError) -> bool {
    matches!(error.class(), SendErrorClass::Refused | SendErrorClass::NotResolved)
}

/// Returns the exception that .NET would have thrown. Without a class of its own it is an `HttpRequestException` in our
/// words.
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
