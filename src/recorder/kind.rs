//! Kinds of recorded events, with numbers that never change, and the meaning of the two values of each kind.

/// The kind of an event. Each comment names the two values, separated by a semicolon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    /// Span id; tracer in the upper byte, the trace id's lower 56 bits.
    SpanStarted = 1,
    /// Span id; tracer in the upper byte, duration in nanoseconds.
    SpanFinished = 2,
    /// As for `SpanStarted`.
    SpanDiscarded = 3,
    /// Tracer in the upper byte, spans; bytes.
    ChunkEnqueued = 4,
    /// Bytes; traces in the bits above 16, the attempt's number below.
    PayloadSending = 5,
    /// Bytes; spans.
    PayloadSent = 6,
    /// HTTP status; spans.
    AgentRefused = 7,
    /// A [`SendErrorNumber`]; spans.
    AgentUnreachable = 8,
    /// Milliseconds without an answer; 0.
    AgentReachable = 9,
    /// Index in `crate::counters::REASON_NAMES`; spans.
    SpansDropped = 10,
    /// Spans that were open at a shutdown; 0.
    SpansAbandoned = 11,
    /// The tracer's index; how often that index was assigned.
    TracerMade = 12,
    /// Spans sent; spans lost in the lower half, spans of unknown fate in the upper half.
    TracerStopped = 13,
    /// 1 for on, 0 for off; seconds, 0 for no limit.
    DebugSwitched = 14,
    /// The end of the setting's name: its last 16 letters, in both values.
    SettingRejected = 15,
    /// The parent's process id; number of forks.
    ProcessForked = 16,
    /// Not used; not used.
    PanicCaught = 17,
    /// Log records; not used.
    RecordsLost = 18,
    /// Index of the reason; spans lost.
    LossEnded = 19,
    /// Index of the reason; not used.
    LossBegan = 20,
}

/// All kinds with their names, which never change. Equal to the names in the log where the log has the event.
pub const KINDS: [(Kind, &str); 20] = [
    (Kind::SpanStarted, "span.started"),
    (Kind::SpanFinished, "span.finished"),
    (Kind::SpanDiscarded, "span.discarded"),
    (Kind::ChunkEnqueued, "chunk.enqueued"),
    (Kind::PayloadSending, "payload.sending"),
    (Kind::PayloadSent, "payload.sent"),
    (Kind::AgentRefused, "agent.refused"),
    (Kind::AgentUnreachable, "agent.unreachable"),
    (Kind::AgentReachable, "agent.reachable"),
    (Kind::SpansDropped, "spans.dropped"),
    (Kind::SpansAbandoned, "spans.abandoned"),
    (Kind::TracerMade, "tracer.made"),
    (Kind::TracerStopped, "tracer.stopped"),
    (Kind::DebugSwitched, "debug.switched"),
    (Kind::SettingRejected, "setting"),
    (Kind::ProcessForked, "process.forked"),
    (Kind::PanicCaught, "panic"),
    (Kind::RecordsLost, "log.lost"),
    (Kind::LossEnded, "loss.ended"),
    (Kind::LossBegan, "loss.began"),
];

impl Kind {
    /// Returns the kind with this number; `None` if this version does not know it.
    pub fn of(number: u64) -> Option<Kind> {
        KINDS.get(number.checked_sub(1)? as usize).map(|&(kind, _)| kind)
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        KINDS[self as usize - 1].1
    }
}

/// Kinds of errors when reaching an Agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum SendErrorNumber {
    /// Another error.
    Other = 0,
    /// Connection refused.
    Refused = 1,
    /// No connection or no answer in time.
    TimedOut = 2,
    /// The host name does not resolve.
    Unresolved = 3,
    /// The connection ended before the answer.
    Broken = 4,
    /// The socket or file does not exist, or access is denied.
    NotThere = 5,
}

/// Texts for the errors, indexed by their numbers.
pub const SEND_ERRORS: [&str; 6] = [
    "no answer",
    "connection refused",
    "no answer in time",
    "its name does not resolve",
    "the connection ended before an answer",
    "the socket or file does not exist, or access is denied",
];

/// Packs up to 16 letters into two values.
pub fn letters(text: &str) -> (u64, u64) {
    let mut bytes = [0u8; 16];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    let word = |from: usize| bytes[from..from + 8].try_into().map_or(0, u64::from_le_bytes);
    (word(0), word(8))
}

/// Returns the letters in two values. Other bytes become question marks.
pub fn spelled(first: u64, second: u64) -> String {
    let bytes = [first.to_le_bytes(), second.to_le_bytes()].concat();
    let plain = |byte: u8| if byte.is_ascii_graphic() { byte as char } else { '?' };
    bytes.into_iter().take_while(|&byte| byte != 0).map(plain).collect()
}
