//! Limits of a span, and the error for exceeding them.

use crate::memory::Full;

/// Maximum number of tags, texts and numbers together.
pub const TAGS_MAX: usize = 1024;
/// Maximum length of a key in bytes.
pub const KEY_MAX: usize = 200;
/// Maximum length of a value in bytes.
pub const VALUE_MAX: usize = 25_000;
/// Maximum length of a resource in bytes.
pub const RESOURCE_MAX: usize = 5_000;
/// Maximum length of a name, service or type in bytes.
pub const NAME_MAX: usize = 200;
/// Maximum size of a blob (`meta_struct`) in bytes.
pub const BLOB_MAX: usize = 1 << 20;
/// Memory that a slot keeps for its next span, in bytes per buffer.
pub(super) const KEPT: usize = 4096;

/// Why something was not added to a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The span holds [`TAGS_MAX`] tags, or the value is too large to be cut.
    Limit,
    /// The process-wide bound on memory is reached.
    Memory,
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Refusal {
        Refusal::Memory
    }
}
