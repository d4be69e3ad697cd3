//! A configuration that the agent has given, and what became of it.

use super::path::ConfigPath;
use crate::event::remote::RemoteFault;

/// A configuration. Its content is not kept: its product keeps what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its path.
    pub path: ConfigPath,
    /// Its version.
    pub version: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// The length of its content.
    pub length: u64,
    /// The length of the content that its product keeps: this one, or an earlier one if this one is not in force.
    pub kept: u64,
    /// Why it is not in force. An earlier content of this path stays in force then.
    pub fault: Option<RemoteFault>,
}
