//! The exceptions of .NET's HTTP client for failures of ours, without stacks.

use crate::languages::cause::{cause, host_and_port, Cause};
use crate::languages::language::Form;
use crate::languages::text::inline;

/// The three lines that the page shows for a refused connection.
pub(super) const PAGE_REFUSED: &str = "System.Net.Http.HttpRequestException: Connection refused ---> \
     System.Net.Sockets.SocketException: Connection refused
   at System.Net.Http.ConnectHelper.ConnectAsync(String host, Int32 port, CancellationToken cancellationToken)
   --- End of inner exception stack trace ---";

/// Whether this is the failure that the page shows.
pub(super) fn refused(url: &str, error: &str) -> bool {
    cause(error) == Cause::Refused && host_and_port(url).1 != 0
}

/// Whether .NET's exception would contain a `SocketException`.
pub(super) fn of_socket(error: &str) -> bool {
    matches!(cause(error), Cause::Refused | Cause::NotResolved)
}

/// Returns the exception that .NET would have thrown. Without a class of its own it is an `HttpRequestException` in our
/// words.
pub(super) fn exception(form: Form, url: &str, error: &str) -> String {
    let (host, port) = host_and_port(url);
    let words = match cause(error) {
        Cause::TimedOut => return "System.Threading.Tasks.TaskCanceledException: The operation was canceled.".into(),
        Cause::Other(words) => return format!("System.Net.Http.HttpRequestException: {}", inline(words)),
        Cause::Refused if form == Form::Page && port != 0 => return PAGE_REFUSED.into(),
        Cause::Refused => "Connection refused",
        Cause::NotResolved => "Name or service not known",
    };
    match (form, port) {
        (Form::Page, _) => {
            format!("System.Net.Http.HttpRequestException: {words} ---> System.Net.Sockets.SocketException: {words}")
        }
        (Form::Source, 0) => format!("System.Net.Http.HttpRequestException: {words} ({})", inline(host)),
        (Form::Source, port) => format!("System.Net.Http.HttpRequestException: {words} ({}:{port})", inline(host)),
    }
}
