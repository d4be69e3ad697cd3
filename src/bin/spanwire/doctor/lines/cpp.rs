//! C++: no debug log, only the start-up line (read with Node's bare ones) and errors.

use super::{number_after, Seen};
use crate::doctor::errors;

pub fn seen(message: &str) -> Option<Seen<'_>> {
    Some(if message.starts_with("Unexpected response status ") {
        Seen::lost(number_after(message, "status ").map(errors::refusal), None)
    } else if message.contains("Error occurred during HTTP request") || message.starts_with("Error sending traces") {
        Seen::lost(errors::cause(message), None)
    } else {
        Seen::Line
    })
}
