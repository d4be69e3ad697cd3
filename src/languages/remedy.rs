//! What a host's code calls to do what a remedy asks for: PHP and Ruby have no C functions. Looked up by the host's
//! language, whatever dialect the log has.

use super::{Dialect, Language};

/// The host's own names for what remedies name.
pub struct Calls {
    /// Gives the last spans more time at the end.
    pub more_time: &'static str,
    /// Where the counts are.
    pub counts: &'static str,
}

static PHP: Calls = Calls {
    more_time: "give the end more time: call $tracer->shutdown($timeoutMs) before the script ends",
    counts: "$tracer->stats() has the counts",
};

static RUBY: Calls = Calls {
    more_time: "give the end more time: c.shutdown_timeout, or Spanwire.shutdown(seconds)",
    counts: "Spanwire.stats has the counts",
};

static NATIVE: Calls =
    Calls { more_time: "give spanwire_tracer_shutdown more time", counts: "spanwire_tracer_stats has the counts" };

/// Where a binding hides the C functions under names that are not known here.
static OTHERS: Calls =
    Calls { more_time: "give the tracer's shutdown more time", counts: "the tracer's statistics have the counts" };

/// Those of a host in this language, as `SPANWIRE_LANGUAGE` gives it. A host in C, C++ or Rust, or in a language that is
/// not known, calls the C functions.
pub fn calls(language: &str) -> &'static Calls {
    match Dialect::of_language(language).language {
        Language::Php => &PHP,
        Language::Ruby => &RUBY,
        Language::Java | Language::Python | Language::Go | Language::Node | Language::Dotnet => &OTHERS,
        Language::Native | Language::Json => &NATIVE,
    }
}
