//! Numbers of causes and rules in the ring of fates. They never change; new ones may be added.

/// Why spans were dropped or an attempt failed, or how the Agent answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What happened.
    pub kind: CauseKind,
    /// A number that belongs to the kind, up to 4095; 0 for none.
    pub code: u16,
}

impl Cause {
    /// A cause without a number.
    pub const fn of(kind: CauseKind) -> Cause {
        Cause { kind, code: 0 }
    }
}

/// Declares the kinds, and finds one by its number.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// Kinds of causes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum CauseKind {
            $($(#[$doc])* $name = $number,)*
        }

        impl CauseKind {
            /// Returns the kind with this number; `None` if this version does not know it.
            pub fn numbered(number: u64) -> Option<CauseKind> {
                match number {
                    $($number => Some(CauseKind::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Nothing has happened yet.
    None = 0,
    /// The Agent answered; the number is the HTTP status.
    Answered = 1,
    /// A system call failed; the number is errno.
    System = 2,
    /// The Agent's name does not resolve.
    NotResolved = 3,
    /// No connection in time.
    NoConnection = 4,
    /// A request was sent, and no answer came in time.
    NoAnswer = 5,
    /// The Agent closed the connection before its answer was complete.
    Closed = 6,
    /// The answer is not HTTP.
    InvalidAnswer = 7,
    /// The Agent could not be reached for another reason.
    NotSent = 8,
    /// The file that takes the traces cannot be written; the number is errno.
    NotWritten = 9,
    /// The Agent's URL cannot be served.
    UrlUnusable = 10,
    /// The queue had no room.
    NoRoom = 11,
    /// There was no memory for the record of a finished span.
    NoMemoryRecord = 12,
    /// There was no memory for the record of a submitted span.
    NoMemorySubmitted = 13,
    /// There was no memory for the payload.
    NoMemoryPayload = 14,
    /// One span alone is larger than a payload may be.
    SpanTooLarge = 15,
    /// The Agent refused a payload of one span as too large.
    RefusedAlone = 16,
    /// The time of a shutdown was over.
    TimeOver = 17,
    /// No thread could be started that would send them.
    NoThread = 18,
    /// Their tracer was freed.
    TracerFreed = 19,
    /// Their tracer was freed, and another Agent's address needed the exporter.
    ExporterNeeded = 20,
    /// A panic was caught in the worker.
    WorkerPanicked = 21,
    /// The library has turned tracing off after too many panics.
    TurnedOff = 22,
    /// A host submitted a span that cannot be used.
    Submitted = 23,
    /// A line was written to a file.
    Written = 24,
}

/// What decided about a trace, beside its mechanism. Other numbers are the place of a rule, counted from 1.
pub mod rule {
    /// No rule.
    pub const NONE: u16 = 0;
    /// `DD_TRACE_SAMPLE_RATE`.
    pub const SAMPLE_RATE: u16 = 0x7fff;
    /// `DD_APM_TRACING_ENABLED=false`.
    pub const MINUTE: u16 = 0x7ffe;
    /// The last place of a rule that fits.
    pub const LAST: u16 = 0x7ffd;
    /// Added to the number: the rate kept the trace, and a limit on traces per second rejected it.
    pub const LIMITED: u16 = 0x8000;

    /// Returns the number of the rule at this place, counted from 0.
    pub fn at(place: usize) -> u16 {
        u16::try_from(place + 1).unwrap_or(LAST).min(LAST)
    }
}
