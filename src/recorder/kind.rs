//! What can be recorded, by numbers that never change, and what the two facts of each are.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    /// Span id; tracer in the upper byte, the trace id's lower 56 bits.
    SpanStarted = 1,
    /// Span id; tracer in the upper byte, duration in nanoseconds.
    SpanFinished = 2,
    /// As at the start.
    SpanDiscarded = 3,
    /// Tracer in the upper byte, spans; bytes.
    ChunkEnqueued = 4,
    /// Bytes; traces above 16 bits of the attempt's number.
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
    /// Its index; how often that was given out.
    TracerMade = 12,
    /// Spans sent; spans that did not leave in time.
    TracerStopped = 13,
    /// 1 for on, 0 for off; for so many seconds, 0 for no limit.
    DebugSwitched = 14,
    /// The beginning of the setting's name, 16 letters in both facts.
    SettingRejected = 15,
    /// The parent; how many forks there were.
    ProcessForked = 16,
    /// 0; 0.
    PanicCaught = 17,
    /// Records of the log; 0.
    RecordsLost = 18,
    /// Index of the reason; spans that were lost meanwhile.
    LossEnded = 19,
    /// Index of the reason; 0.
    LossBegan = 20,
}

/// All kinds with their names, which never change either; those of the log where it says the same.
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
    /// The kind of this number; `None` for one that a later version has added.
    pub fn of(number: u64) -> Option<Kind> {
        KINDS.get(number.checked_sub(1)? as usize).map(|&(kind, _)| kind)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        KINDS[self as usize - 1].1
    }
}

/// Why an agent could not be reached, as far as a number can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum SendErrorNumber {
    /// None of the others.
    Other = 0,
    /// Nobody listens.
    Refused = 1,
    /// No connection or no answer in time.
    TimedOut = 2,
    /// The name is not known.
    Unresolved = 3,
    /// The connection ended before the answer.
    Broken = 4,
    /// The socket or the file is not there, or not for us.
    NotThere = 5,
}

/// Each in words, by its number.
pub const SEND_ERRORS: [&str; 6] = [
    "no answer",
    "nobody listens there",
    "no answer in time",
    "its name is not known",
    "the connection ended",
    "the socket or file is not there, or not allowed",
];

/// Up to 16 letters as two facts.
pub fn letters(text: &str) -> (u64, u64) {
    let mut bytes = [0u8; 16];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    let word = |from: usize| bytes[from..from + 8].try_into().map_or(0, u64::from_le_bytes);
    (word(0), word(8))
}

/// The letters that two facts hold; what is none becomes a question mark.
pub fn spelled(first: u64, second: u64) -> String {
    let bytes = [first.to_le_bytes(), second.to_le_bytes()].concat();
    let plain = |byte: u8| if byte.is_ascii_graphic() { byte as char } else { '?' };
    bytes.into_iter().take_while(|&byte| byte != 0).map(plain).collect()
}
