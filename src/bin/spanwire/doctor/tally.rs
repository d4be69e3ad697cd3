//! What all lines of one tracer add up to: counts, settings, and troubles with the lines that show them. Judges
//! nothing; bounded whatever the log holds.

use super::config::Config;
use super::errors;
use super::lines::Seen;
use super::report::EVIDENCE_MAX;
use super::shown::shown;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

/// Open spans that are told apart; beyond, only their number is known.
const OPEN_MAX: usize = 1_000_000;
/// Of how many open spans the starting line is kept.
const SHOWN_MAX: usize = 1_000;
/// Start-up lines kept.
const CONFIGS_MAX: usize = 1_000;
/// Lines after a failure among which its reason may be.
const PATIENCE: u32 = 60;
/// Kinds of drops kept apart.
const REASONS_MAX: usize = 50;

/// One kind of trouble.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// How often.
    pub count: u64,
    /// Whether something was lost by it.
    pub lost: bool,
    /// The number of the last line of it.
    pub last: u64,
    /// Lines that show it, redacted.
    pub evidence: Vec<String>,
}

/// Spans and traces of one kind of loss.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    pub spans: u64,
    pub traces: u64,
    /// The sum that the end of a loss told.
    pub told: u64,
}

/// What one tracer's lines tell.
#[derive(Default)]
pub struct Story {
    pub lines: u64,
    pub configs: Vec<Config>,
    pub integrations: u64,
    pub started: u64,
    pub finished: u64,
    pub written: u64,
    /// Lines that say that tracing is off.
    pub off: u64,
    pub payloads_sending: u64,
    pub payloads_failed: u64,
    pub traces_lost: u64,
    pub spans_sent: u64,
    pub bytes_sent: u64,
    pub dropped: BTreeMap<String, Loss>,
    /// Spans that were open at the end, as the tracer itself says.
    pub unfinished: u64,
    /// Whether that is said of spans that will not be finished.
    pub unfinished_surely: bool,
    pub records_lost: u64,
    pub stopped: bool,
    pub described: bool,
    pub troubles: BTreeMap<&'static str, Trouble>,
    /// The number of the last line that told of a payload taken.
    pub last_sent: Option<u64>,
    sent: Twice,
    failed_echo: u64,
    pending_traces: u64,
    open: HashMap<u64, Option<String>>,
    too_many_open: bool,
    /// A failure whose reason is on a line to come: how many to wait for, and whether something was lost.
    awaited: Option<(u32, bool)>,
}

/// Payloads and traces that were taken, as two lines tell of each.
#[derive(Default)]
struct Twice {
    payloads: u64,
    traces: u64,
    echo_payloads: u64,
    echo_traces: u64,
}

impl Story {
    /// Counts a line, the `number`th of all.
    pub fn take(&mut self, seen: Seen<'_>, line: &str, number: u64) {
        self.lines += 1;
        if !matches!(seen, Seen::Failed { .. } | Seen::Line) {
            self.awaited = None;
        }
        match seen {
            Seen::Line => self.look_for_reason(line, number),
            Seen::Config(config) => self.configured(*config, line, number),
            Seen::Integration => self.integrations += 1,
            Seen::Started(span) => self.begun(span, line),
            Seen::Finished(span) => {
                self.finished += 1;
                self.open.remove(&hash(span));
            }
            Seen::Written(spans) => self.written += spans,
            Seen::Sending { traces } => {
                self.payloads_sending += 1;
                self.pending_traces = traces;
            }
            Seen::Sent { traces, spans, bytes, echo } => {
                let pending = std::mem::take(&mut self.pending_traces);
                let traces = traces.unwrap_or(pending);
                let sum = match echo {
                    true => (&mut self.sent.echo_payloads, &mut self.sent.echo_traces),
                    false => (&mut self.sent.payloads, &mut self.sent.traces),
                };
                *sum.0 += 1;
                *sum.1 += traces;
                self.spans_sent += spans;
                self.bytes_sent += bytes;
                self.last_sent = Some(number);
            }
            Seen::Failed { cause, traces, lost, echo } => self.failed(cause, traces, lost, echo, line, number),
            Seen::Reachable => self.last_sent = Some(number),
            Seen::Described => self.described = true,
            Seen::Dropped { reason, spans, traces } => {
                self.loss(reason, |loss| (loss.spans, loss.traces) = (loss.spans + spans, loss.traces + traces));
                self.trouble(drop_cause(reason), line, number).lost = true;
            }
            Seen::LossEnded { reason, spans } => {
                self.loss(reason, |loss| loss.told += spans);
                self.trouble(drop_cause(reason), line, number).lost = true;
            }
            Seen::Unfinished { spans, sure } => {
                self.unfinished = self.unfinished.saturating_add(spans);
                self.unfinished_surely |= sure;
                self.trouble("spans.unfinished", line, number);
            }
            Seen::Trouble(cause) => {
                self.trouble(cause, line, number).lost = true;
            }
            Seen::Off => self.off += 1,
            Seen::RecordsLost(records) => {
                self.records_lost += records;
                self.trouble("log.records_lost", line, number);
            }
            Seen::Stopped { lost } => {
                self.stopped = true;
                if lost > 0 {
                    self.trouble("spans.shutdown", line, number).lost = true;
                }
            }
        }
    }

    /// Looks at a line that no tracer began: it may give the reason of the failure before it.
    pub fn continued(&mut self, line: &str, number: u64) {
        self.look_for_reason(line, number);
    }

    /// Whether the lines after this one matter even if no tracer began them.
    pub fn waits(&self) -> bool {
        self.awaited.is_some()
    }

    /// The end of a file.
    pub fn ended(&mut self) {
        self.awaited = None;
        self.pending_traces = 0;
    }

    pub fn payloads_sent(&self) -> u64 {
        self.sent.payloads.max(self.sent.echo_payloads)
    }

    pub fn traces_sent(&self) -> u64 {
        self.sent.traces.max(self.sent.echo_traces)
    }

    /// Payloads that were not taken, as far as lines tell.
    pub fn failures(&self) -> u64 {
        self.payloads_failed.max(self.failed_echo)
    }

    /// Spans that were made, by whichever kind of line tells of most.
    pub fn spans(&self) -> u64 {
        self.started.max(self.finished).max(self.written)
    }

    /// Spans with a line for their start and none for their end, where this log has both kinds of lines.
    pub fn still_open(&self) -> u64 {
        match self.started > 0 {
            true if self.too_many_open => self.started.saturating_sub(self.finished),
            true => self.open.len() as u64,
            false => 0,
        }
    }

    /// Starting lines of spans that were not finished.
    pub fn open_examples(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.open.values().flatten().cloned().collect();
        lines.sort();
        lines.truncate(EVIDENCE_MAX);
        lines
    }

    fn begun(&mut self, span: &str, line: &str) {
        self.started += 1;
        if self.open.len() >= OPEN_MAX {
            self.too_many_open = true;
            return;
        }
        let kept = self.open.len() < SHOWN_MAX;
        self.open.insert(hash(span), kept.then(|| shown(line)));
    }

    fn configured(&mut self, config: Config, line: &str, number: u64) {
        if let Some(error) = config.agent_error.as_deref() {
            let cause = errors::cause(error).or_else(|| errors::refusal_by_reason(error));
            self.trouble(cause.unwrap_or("agent.unreachable"), line, number);
        }
        if self.configs.len() < CONFIGS_MAX {
            self.configs.push(config);
        }
    }

    fn failed(&mut self, cause: Option<&'static str>, traces: u64, lost: bool, echo: bool, line: &str, number: u64) {
        let pending = std::mem::take(&mut self.pending_traces);
        match echo {
            true => self.failed_echo += 1,
            false => self.payloads_failed += 1,
        }
        if lost && !echo {
            self.traces_lost += if traces > 0 { traces } else { pending };
        }
        match cause {
            Some(cause) => {
                let waited = self.awaited.take().is_some_and(|(_, lost)| lost);
                self.trouble(cause, line, number).lost |= lost || waited;
            }
            None => {
                let before = self.awaited.is_some_and(|(_, lost)| lost);
                self.awaited = Some((PATIENCE, lost || before));
                // Shown with whatever cause is found; taken back then.
                self.trouble("agent.unreachable", line, number).lost |= lost;
            }
        }
    }

    fn look_for_reason(&mut self, line: &str, number: u64) {
        let Some((left, lost)) = self.awaited else { return };
        match errors::cause(line) {
            Some(cause) => {
                self.awaited = None;
                self.trouble(cause, line, number).lost |= lost;
            }
            None if left == 0 => self.awaited = None,
            None => self.awaited = Some((left - 1, lost)),
        }
    }

    fn loss(&mut self, reason: &str, add: impl FnOnce(&mut Loss)) {
        if self.dropped.len() < REASONS_MAX || self.dropped.contains_key(reason) {
            add(self.dropped.entry(shown(reason)).or_default());
        }
    }

    fn trouble(&mut self, cause: &'static str, line: &str, number: u64) -> &mut Trouble {
        let trouble = self.troubles.entry(cause).or_default();
        trouble.count += 1;
        trouble.last = number;
        if trouble.evidence.len() < EVIDENCE_MAX {
            trouble.evidence.push(shown(line));
        }
        trouble
    }
}

/// The cause that a reason for drops belongs to.
pub fn drop_cause(reason: &str) -> &'static str {
    match reason {
        "queue_full" => "queue.full",
        "memory" => "memory.full",
        "too_large" => "spans.too_large",
        "shutdown" => "spans.shutdown",
        "unreachable" | "refused" | "unknown_fate" => "spans.undelivered",
        _ => "spans.dropped",
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_open_until_its_own_end() {
        let mut story = Story::default();
        for (seen, n) in
            [Seen::Started("1"), Seen::Started("2"), Seen::Finished("1"), Seen::Finished("9")].into_iter().zip(1..)
        {
            story.take(seen, &format!("line {n}"), n);
        }
        assert_eq!((story.still_open(), story.open_examples()), (1, vec!["line 2".to_owned()]));
    }

    #[test]
    fn the_reason_of_a_failure_may_come_later_but_not_from_anywhere() {
        let failed = || Seen::Failed { cause: None, traces: 2, lost: true, echo: false };
        let mut story = Story::default();
        story.take(failed(), "failed", 1);
        story.continued("Traceback", 2);
        story.continued("ConnectionRefusedError: [Errno 111] Connection refused", 3);
        assert!(story.troubles[errors::REFUSED].lost);
        assert!(!story.waits());
        let mut story = Story::default();
        story.take(failed(), "failed", 1);
        story.take(Seen::Integration, "loaded", 2);
        story.continued("connection refused", 3);
        assert!(story.troubles.contains_key("agent.unreachable") && story.troubles.len() == 1);
    }
}
