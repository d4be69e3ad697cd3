//! What a host calls to follow our advice: PHP and Ruby have no C functions. Depends on the host's language, whatever
//! dialect the log has.

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
