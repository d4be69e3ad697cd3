//! Reads what the bindings for PHP and Ruby write to their hosts' logs when the library cannot be used.

use crate::languages::reading::Seen;

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let older = [
        "is older than",
        "is too old for",
        "speaks interface",
        "has no function",
        "it has no spanwire_",
        "Failed resolving",
    ];
    Some(if older.iter().any(|words| message.contains(words)) {
        Seen::Trouble("library.older")
    } else if message.contains("cannot be loaded") || message.contains("Failed loading") {
        Seen::Trouble("library.missing")
    } else if message.contains("spanwire") || message.contains("another extension has INI") {
        Seen::Trouble("tracing.given_up")
    } else {
        return None;
    })
}
