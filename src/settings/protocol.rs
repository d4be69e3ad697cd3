//! The version of the format in which an Agent is sent traces.

/// The versions that `DD_TRACE_AGENT_PROTOCOL_VERSION` can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// `0.4`.
    #[default]
    V04,
    /// `0.5`.
    V05,
    /// `1.0`.
    V1,
}

impl Protocol {
    /// All of them, as users write them.
    pub const WORDS: &[&str] = &["0.4", "0.5", "1.0"];

    /// The version of one of these words.
    pub fn of(word: &str) -> Protocol {
        match word {
            "0.5" => Protocol::V05,
            "1.0" => Protocol::V1,
            _ => Protocol::V04,
        }
    }
}
