//! Adds up all lines of one tracer: counts, settings, and problems with the lines that show them. Memory is bounded
//! whatever the log contains.

use super::config::Config;
use super::errors;
use super::lines::Seen;
use super::report::EVIDENCE_MAX;
use super::shown::shown;
use spanwire::companion::languages::reading::{number_after, priorities, Severity};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

/// Open spans that are tracked one by one; beyond that, only their number is counted.
const OPEN_MAX: usize = 1_000_000;
/// Open spans whose start line is kept.
const SHOWN_MAX: usize = 1_000;
/// Start-up lines kept.
const CONFIGS_MAX: usize = 1_000;
/// Lines after a failure that may contain its reason.
const PATIENCE: u32 = 60;
/// Largest size of a payload without a trace.
const EMPTY_PAYLOAD: u64 = 16;
/// Lines after it that a line may cost which looks like neither a place in code nor an error.
const FOREIGN: u32 = 15;
/// Lines between the first mention of Node.js's hang-up and the place in code that tells its cause.
const HANG_UP_LINES: u32 = 30;
/// An error of Node.js's HTTP client that has two causes.
const HANG_UP: &str = "socket hang up";
const CLOSED: &str = "agent.connection_closed";
/// Number of drop reasons that are counted separately.
const REASONS_MAX: usize = 50;

/// A kind of problem.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// How often it occurred.
    pub count: u64,
    /// Whether spans were lost by it.
    pub lost: bool,
    /// The number of the last line that mentions it.
    pub last: u64,
    /// Lines that show it, redacted.
    pub evidence: Vec<String>,
}

/// Spans and traces lost for one reason.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    pub spans: u64,
    pub traces: u64,
    /// The total that the line about the end of a loss contains.
    pub told: u64,
}

/// What one tracer's lines say.
#[derive(Default)]
pub struct Story {
    pub lines: u64,
    pub configs: Vec<Config>,
    /// The line of the last start-up line.
    configured_at: u64,
    pub integrations: u64,
    pub started: u64,
    pub finished: u64,
    pub written: u64,
    /// Number of lines that say that tracing is off.
    pub off: u64,
    pub payloads_sending: u64,
    pub payloads_failed: u64,
    pub traces_lost: u64,
    pub spans_sent: u64,
    pub bytes_sent: u64,
    pub dropped: BTreeMap<String, Loss>,
    /// Spans that were open at the end, as reported by the tracer.
    pub unfinished: u64,
    /// Whether that line is about spans that will never finish.
    pub unfinished_surely: bool,
    pub records_lost: u64,
    pub stopped: bool,
    pub described: bool,
    pub troubles: BTreeMap<&'static str, Trouble>,
    /// The number of the last line about an accepted payload.
    pub last_sent: Option<u64>,
    /// Failures of other requests at the Agent's address, by cause. They name the reason if the traces' failure has none.
    pub hints: BTreeMap<&'static str, Trouble>,
    /// Whether one of them was a question to the Agent that takes the traces.
    pub agent_hint: bool,
    /// Number of finished traces or spans that a sampling decision keeps, and that one rejects.
    pub priorities: (u64, u64),
    /// Whether the Agent answered with rates after a span was finished.
    pub rates_after_spans: bool,
    /// Lines of traces that the rate limiter dropped.
    pub rate_limited: Option<Trouble>,
    /// Errors and warnings of the tracer that no reader understands.
    pub unknown_errors: Trouble,
    pub unknown_warnings: Trouble,
    /// Whether a failure's line says that other traces were sent before.
    pub sent_before: bool,
    /// Whether the last answer to a payload was a refusal.
    refused: bool,
    /// The last `socket hang up`: whether spans were lost, and whether it was another request's.
    hang_up: Option<Awaited>,
    /// Whether the line before was the place of a frame in Python's sources, whose text follows.
    source_follows: bool,
    sent: Twice,
    failed_echo: u64,
    pending_traces: u64,
    open: HashMap<u64, Option<String>>,
    too_many_open: bool,
    /// A failure whose reason is on a later line.
    awaited: Option<Awaited>,
    /// How its line looks.
    look: errors::Look,
}

/// A failure whose reason may follow.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    /// Lines to wait for.
    left: u32,
    /// Whether spans were lost.
    lost: bool,
    /// Whether it was another request than one with traces.
    side: bool,
    /// Whether it was the tracer's start.
    start: bool,
}

/// Accepted payloads and traces, as counted from two kinds of lines.
#[derive(Default)]
struct Twice {
    payloads: u64,
    traces: u64,
    echo_payloads: u64,
    echo_traces: u64,
}

impl Story {
    /// Counts a line. It is line `number` of all files.
    pub fn take(&mut self, seen: Seen<'_>, line: &str, number: u64) {
        self.lines += 1;
        if !matches!(seen, Seen::Failed { .. } | Seen::Line) {
            self.awaited = None;
        }
        self.hang_up = None;
        if matches!(seen, Seen::Finished(_) | Seen::Written(_) | Seen::Decided) {
            let (kept, rejected) = priorities(line);
            self.priorities = (self.priorities.0 + kept, self.priorities.1 + rejected);
        }
        match seen {
            Seen::Line => self.look_for_reason(line, number),
            Seen::Beside | Seen::Frame | Seen::ConfigBegins | Seen::Decided => {}
            Seen::Exception(cause) => self.trouble(cause, line, number).lost = true,
            Seen::Fault(cause) => {
                self.trouble(cause, line, number);
            }
            Seen::Side { cause, agent } => {
                self.agent_hint |= agent;
                match cause {
                    Some(cause) => self.hint(cause, line, number),
                    None => {
                        self.awaited = Some(Awaited { left: PATIENCE, lost: false, side: true, start: false });
                        self.look = errors::Look::of(line);
                    }
                }
            }
            Seen::NotStarted => {
                self.trouble("tracing.not_started", line, number);
                self.awaited = Some(Awaited { left: PATIENCE, lost: false, side: false, start: true });
                self.look = errors::Look::of(line);
            }
            Seen::Answered { taken } | Seen::AnsweredBare { taken } => {
                self.refused = !taken;
                if taken {
                    self.sent.echo_payloads += 1;
                    self.sent.echo_traces += self.pending_traces;
                    self.last_sent = Some(number);
                }
            }
            Seen::Size(bytes) => self.size(bytes, number),
            Seen::Rates => self.rates_after_spans |= self.finished > 0,
            Seen::RateLimited => {
                let limited = self.rate_limited.get_or_insert_with(Trouble::default);
                limited.count += 1;
                if limited.evidence.len() < EVIDENCE_MAX {
                    limited.evidence.push(shown(line));
                }
            }
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
            Seen::Failed { cause, traces, lost, echo } => {
                // Java's tracer counts what was sent before.
                self.sent_before |= number_after(line, " Sent: ").is_some_and(|sent| sent > 0);
                self.failed(cause, traces, lost, echo, line, number)
            }
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

    /// Keeps an error or a warning that no reader understands.
    pub fn not_understood(&mut self, severity: Severity, line: &str, number: u64) {
        let unknown = match severity {
            Severity::Error => &mut self.unknown_errors,
            Severity::Warning => &mut self.unknown_warnings,
        };
        unknown.count += 1;
        unknown.last = number;
        if unknown.evidence.len() < EVIDENCE_MAX {
            unknown.evidence.push(shown(line));
        }
    }

    /// Counts the size of an answered payload.
    fn size(&mut self, bytes: u64, number: u64) {
        let traces = std::mem::take(&mut self.pending_traces);
        if self.refused {
            return;
        }
        if bytes <= EMPTY_PAYLOAD {
            // A question at the start whether the Agent knows the format.
            self.sent.echo_payloads = self.sent.echo_payloads.saturating_sub(1);
            self.sent.echo_traces = self.sent.echo_traces.saturating_sub(traces);
            return;
        }
        self.sent.payloads += 1;
        self.sent.traces += traces;
        self.bytes_sent += bytes;
        self.last_sent = Some(number);
    }

    /// Keeps the cause of another request's failure.
    fn hint(&mut self, cause: &'static str, line: &str, number: u64) {
        let hint = self.hints.entry(cause).or_default();
        hint.count += 1;
        hint.last = number;
        if hint.evidence.len() < EVIDENCE_MAX {
            hint.evidence.push(shown(line));
        }
        if line.contains(HANG_UP) {
            self.hang_up = Some(Awaited { left: HANG_UP_LINES, lost: false, side: true, start: false });
        }
    }

    /// Reads a line that no tracer began: it may contain the reason of the failure before it.
    pub fn continued(&mut self, line: &str, number: u64) {
        if self.look.ends_at(line) {
            // Another logger's error has nothing to do with the failure before it.
            self.ended_wait();
            return;
        }
        self.look_for_reason(line, number);
    }

    /// Whether the next lines matter even if no tracer began them.
    pub fn waits(&self) -> bool {
        self.awaited.is_some() || self.hang_up.is_some()
    }

    /// Gives up waiting for a reason.
    fn ended_wait(&mut self) {
        self.awaited = None;
        self.hang_up = None;
    }

    /// Called at the end of a file.
    pub fn ended(&mut self) {
        self.ended_wait();
        self.refused = false;
        self.pending_traces = 0;
    }

    pub fn payloads_sent(&self) -> u64 {
        self.sent.payloads.max(self.sent.echo_payloads)
    }

    pub fn traces_sent(&self) -> u64 {
        self.sent.traces.max(self.sent.echo_traces)
    }

    /// Returns the number of payloads that were not accepted, as far as the lines show.
    pub fn failures(&self) -> u64 {
        self.payloads_failed.max(self.failed_echo)
    }

    /// Returns the number of spans that were made, from the kind of line that shows most.
    pub fn spans(&self) -> u64 {
        self.started.max(self.finished).max(self.written)
    }

    /// Returns the number of spans with a start line and no finish line, if this log has both kinds of lines.
    pub fn still_open(&self) -> u64 {
        match self.started > 0 {
            true if self.too_many_open => self.started.saturating_sub(self.finished),
            true => self.open.len() as u64,
            false => 0,
        }
    }

    /// Returns the start lines of spans that were not finished.
    pub fn open_examples(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.open.values().flatten().cloned().collect();
        lines.sort();
        lines.truncate(EVIDENCE_MAX);
        lines
    }

    /// Counts the start of a span, and keeps its line.
    fn begun(&mut self, span: &str, line: &str) {
        self.started += 1;
        if self.open.len() >= OPEN_MAX {
            self.too_many_open = true;
            return;
        }
        let kept = self.open.len() < SHOWN_MAX;
        self.open.insert(hash(span), kept.then(|| shown(line)));
    }

    /// Keeps the settings of a start-up line.
    fn configured(&mut self, config: Config, line: &str, number: u64) {
        if let Some(error) = config.agent_error.as_deref() {
            // Without frames nothing tells who closed the connection.
            let cause = errors::cause(error).filter(|_| !error.contains(HANG_UP));
            let cause = cause.or_else(|| errors::refusal_by_reason(error));
            self.trouble(cause.unwrap_or("agent.unreachable"), line, number);
        }
        // Two dialects of ours write the start-up line in an old form and in today's, one behind the other.
        let same = |one: &Option<String>, other: &Option<String>| one.is_none() || one == other;
        let old_form = self.configs.last().is_some_and(|last| {
            self.configured_at + 1 == number
                && matches!(last.language.as_deref(), Some("java" | "ruby"))
                && last.service == config.service
                && same(&last.env, &config.env)
                && same(&last.service_version, &config.service_version)
        });
        self.configured_at = number;
        if old_form {
            self.configs.pop();
        }
        if self.configs.len() < CONFIGS_MAX {
            self.configs.push(config);
        }
    }

    /// Counts a failed payload. Without a cause, later lines are searched for one.
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
                let waited = self.awaited.take().is_some_and(|waited| waited.lost);
                self.trouble(cause, line, number).lost |= lost || waited;
                if line.contains(HANG_UP) {
                    self.hang_up =
                        Some(Awaited { left: HANG_UP_LINES, lost: lost || waited, side: false, start: false });
                }
            }
            None => {
                let before = self.awaited.is_some_and(|waited| waited.lost && !waited.side);
                self.awaited = Some(Awaited { left: PATIENCE, lost: lost || before, side: false, start: false });
                self.look = errors::Look::of(line);
                // Reported if no other cause is found; removed otherwise.
                self.trouble("agent.unreachable", line, number).lost |= lost;
            }
        }
    }

    /// Searches a line for the reason of the failure before it.
    fn look_for_reason(&mut self, line: &str, number: u64) {
        if let Some(hang_up) = self.hang_up.take() {
            // Node.js's client says the same when the tracer itself has given up waiting.
            if line.contains("socketCloseListener") {
                return self.was_a_timeout(hang_up, line, number);
            }
            // The logger's own places in code stand before those of the error.
            let goes_on = !line.contains("socketOnEnd") && (errors::is_frame(line) || line.contains(HANG_UP));
            let left = hang_up.left.checked_sub(1).filter(|_| goes_on);
            self.hang_up = left.map(|left| Awaited { left, ..hang_up });
        }
        let Some(Awaited { left, lost, side, start }) = self.awaited else { return };
        let source =
            std::mem::replace(&mut self.source_follows, line.contains("File \"") && line.contains("\", line "));
        let text = if errors::is_frame(line) || source { "" } else { line };
        match errors::answered(text).or_else(|| errors::cause(text)) {
            Some("agent.bad_url") if start => {
                self.awaited = None;
                self.trouble("agent.bad_url", line, number).lost = true;
            }
            Some(_) if start => {}
            Some(cause) if side => {
                self.awaited = None;
                self.hint(cause, line, number);
            }
            Some(cause) => {
                self.awaited = None;
                self.trouble(cause, line, number).lost |= lost;
                if line.contains(HANG_UP) {
                    self.hang_up = Some(Awaited { left: HANG_UP_LINES, lost, side, start });
                }
            }
            None => {
                // The program's own lines soon end the wait: their errors are not the tracer's.
                let cost = if self.look.continues(line) || source { 1 } else { FOREIGN };
                self.awaited = left.checked_sub(cost).map(|left| Awaited { left, lost, side, start });
            }
        }
    }

    /// Corrects the cause of a connection that the tracer itself closed.
    fn was_a_timeout(&mut self, hang_up: Awaited, line: &str, number: u64) {
        let causes = if hang_up.side { &mut self.hints } else { &mut self.troubles };
        let Some(closed) = causes.get_mut(CLOSED) else { return };
        let evidence = closed.evidence.pop();
        closed.count -= 1;
        if closed.count == 0 {
            causes.remove(CLOSED);
        }
        let line = evidence.unwrap_or_else(|| line.to_owned());
        match hang_up.side {
            true => self.hint("agent.timeout", &line, number),
            false => self.trouble("agent.timeout", &line, number).lost |= hang_up.lost,
        }
        self.hang_up = None;
    }

    /// Counts a loss of spans or traces.
    fn loss(&mut self, reason: &str, add: impl FnOnce(&mut Loss)) {
        if self.dropped.len() < REASONS_MAX || self.dropped.contains_key(reason) {
            add(self.dropped.entry(shown(reason)).or_default());
        }
    }

    /// Counts a problem, and keeps its line as evidence.
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

/// Returns the cause for a drop reason.
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
