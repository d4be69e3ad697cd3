//! The names of functions in advice such as "call … ": PHP and Ruby hosts do not see the C functions. They depend on
//! the host's language, not on the dialect of its log.

/// The host's own names for what advice names.
#[derive(Debug, PartialEq, Eq)]
pub struct Calls {
    /// Gives the last spans more time at the end.
    pub more_time: &'static str,
    /// Where the counts are.
    pub counts: &'static str,
}

/// The calls of a host in C, C++, Rust or an unknown language: the C functions.
pub static C: Calls =
    Calls { more_time: "give spanwire_tracer_shutdown more time", counts: "spanwire_tracer_stats has the counts" };

/// The calls of a host whose binding hides the C functions under names that are not known here.
pub static BINDING: Calls =
    Calls { more_time: "give the tracer's shutdown more time", counts: "the tracer's statistics have the counts" };

impl Default for &'static Calls {
    fn default() -> &'static Calls {
        &C
    }
}
