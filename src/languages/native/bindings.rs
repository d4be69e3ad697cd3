//! Reads the lines that the PHP and Ruby bindings write to their hosts' logs when they cannot use the library.

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
