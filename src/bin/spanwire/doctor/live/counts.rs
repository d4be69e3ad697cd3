//! Answers the three questions about a running process from its counters and its last events.

use super::found::{bad, good, note, with_evidence};
use super::process::Process;
use super::section;
use crate::doctor::answers::Answer;
use crate::doctor::errors;
use crate::doctor::report::{Finding, Section};
use crate::out::counted;
use crate::recorder::show;
use serde_json::{json, Map, Value as Json};
use spanwire::companion::counters::NAMES;
use spanwire::companion::recorder::snapshot::Event;
use spanwire::companion::recorder::{Kind, Snapshot};
use spanwire::companion::{redact, sys};

/// Answers the questions, or says that the process has no counters.
pub fn look(process: &Process, facts: &mut Map<String, Json>) -> Vec<Section> {
    let Some(counts) = Counts::of(process) else {
        facts.insert("answers".into(), answers(Answer::Unknown, Answer::Unknown, Answer::Unknown));
        return Vec::new();
    };
    let started = counts.started();
    let spans = counts.spans();
    let delivered = counts.delivered();
    let known = if counts.own { [started.0, spans.0, delivered.0] } else { [Answer::Unknown; 3] };
    facts.insert("answers".into(), answers(known[0], known[1], known[2]));
    facts.insert("open_spans".into(), json!(counts.open));
    facts.insert("tracers".into(), counts.tracers.iter().map(Tracer::facts).collect());
    vec![
        section("1. Did the tracer start?", started.1),
        section("2. Did it make spans?", spans.1),
        section("3. Did they reach the Agent?", delivered.1),
    ]
}

fn answers(started: Answer, spans: Answer, delivered: Answer) -> Json {
    json!({ "started": started.name(), "spans": spans.name(), "delivered": delivered.name() })
}

/// The counters of one tracer.
struct Tracer {
    index: u64,
    service: String,
    closed: bool,
    counters: Vec<(String, u64)>,
}

impl Tracer {
    fn get(&self, name: &str) -> u64 {
        self.counters.iter().find(|(other, _)| other == name).map_or(0, |(_, value)| *value)
    }

    fn dropped(&self) -> u64 {
        self.counters.iter().filter(|(name, _)| name.starts_with("dropped_")).map(|(_, value)| value).sum()
    }

    fn line(&self) -> String {
        let waiting = self.get("finished").saturating_sub(self.get("sent") + self.dropped());
        format!(
            "tracer {} {}{}: {} finished, {} sent, {waiting} waiting or being sent, {} dropped",
            self.index,
            redact::text(&self.service),
            if self.closed { ", shut down" } else { "" },
            self.get("finished"),
            self.get("sent"),
            self.dropped(),
        )
    }

    fn facts(&self) -> Json {
        let counters: Map<String, Json> = self.counters.iter().map(|(name, n)| (name.clone(), json!(n))).collect();
        let service = redact::text(&self.service);
        json!({ "index": self.index, "service": service, "shut_down": self.closed, "counters": counters })
    }
}

/// The counters of a process.
struct Counts<'a> {
    pid: u32,
    /// Whether they are the process's own. A forked child that has made no call has its parent's.
    own: bool,
    made_by: u64,
    library: String,
    open: u64,
    oldest_open_ns: Option<u64>,
    tracers: Vec<Tracer>,
    events: &'a [Event],
    made_at: u64,
}

impl<'a> Counts<'a> {
    /// Takes them from the memory of the process, where they are exact, or from the flight recorder, to which the
    /// tracer copies them.
    fn of(process: &'a Process) -> Option<Counts<'a>> {
        let recorder = process.recorder.as_ref().ok().and_then(Option::as_ref);
        let from_memory = || process.image.as_ref()?.recorder.as_ref().ok();
        let snapshot: &Snapshot = recorder.map(|found| &found.snapshot).or_else(from_memory)?;
        let mut tracers: Vec<Tracer> = snapshot
            .tracers
            .iter()
            .map(|tracer| Tracer {
                index: tracer.index.into(),
                service: tracer.service.clone(),
                closed: tracer.closed,
                counters: NAMES.iter().zip(tracer.counters).map(|(name, n)| ((*name).to_owned(), n)).collect(),
            })
            .collect();
        let (mut open, mut oldest) = (snapshot.open_spans, None);
        if let Some(image) = process.image.as_ref().filter(|image| image.tracers.iter().any(|t| !t.counters.is_empty()))
        {
            open = image.spans.len() as u64;
            oldest = image.spans.first().map(|span| span.start_ns.max(0) as u64);
            let used = image.tracers.iter().filter(|tracer| !tracer.counters.is_empty());
            tracers = used
                .map(|tracer| Tracer {
                    index: tracer.index,
                    service: tracer.text("service").to_owned(),
                    closed: tracer.closed,
                    counters: tracer.counters.clone(),
                })
                .collect();
        }
        let (major, minor, patch) = snapshot.library;
        Some(Counts {
            pid: process.pid,
            own: recorder.is_none_or(|found| found.own),
            made_by: snapshot.pid,
            library: format!("{major}.{minor}.{patch}"),
            open,
            oldest_open_ns: oldest,
            tracers,
            events: &snapshot.events,
            made_at: snapshot.made_at,
        })
    }

    fn sum(&self, name: &str) -> u64 {
        self.tracers.iter().map(|tracer| tracer.get(name)).sum()
    }

    fn dropped(&self) -> u64 {
        self.tracers.iter().map(Tracer::dropped).sum()
    }

    fn lines(&self) -> Vec<String> {
        self.tracers.iter().map(Tracer::line).collect()
    }

    fn started(&self) -> (Answer, Vec<Finding>) {
        let since = format!("spanwire {}, for {}", self.library, ago(self.made_at));
        if !self.own {
            let says = format!(
                "process {} was forked from process {} and has not called the library since: the numbers below are that \
                 process's",
                self.pid, self.made_by
            );
            return (Answer::Unknown, vec![note("process.forked", says, "")]);
        }
        if self.tracers.is_empty() {
            let says = format!("the process has called the library ({since}), and has no tracer");
            let remedy = "Make a tracer: spanwire_tracer_new in C, Spanwire\\Tracer::get() in PHP.";
            return (Answer::No, vec![note("tracer.none", says, remedy)]);
        }
        let says = format!("{} ({since})", counted(self.tracers.len(), "tracer"));
        let names = self.tracers.iter().map(|tracer| {
            let closed = if tracer.closed { ", shut down" } else { "" };
            format!("tracer {}: service {}{closed}", tracer.index, redact::text(&tracer.service))
        });
        (Answer::Yes, vec![with_evidence(good("tracer.started", says), names)])
    }

    fn spans(&self) -> (Answer, Vec<Finding>) {
        let started = self.sum("finished") + self.sum("abandoned") + self.sum("discarded") + self.open;
        if started == 0 {
            let says = "no span was started in this process";
            let remedy =
                "Send a request to the program. If it stays so: check that DD_TRACE_ENABLED is not false, that the \
                          integration of its framework is loaded, and that this is the process that does the work.";
            return (Answer::No, vec![note("spans.not_made", says, remedy)]);
        }
        let mut findings = vec![good(
            "spans.made",
            format!("{} started, {} finished", counted(started as usize, "span"), self.sum("finished")),
        )];
        if self.open > 0 {
            let oldest = self.oldest_open_ns.map(|start| format!(", the oldest for {}", ago(start)));
            let says = format!(
                "{} open{}: a trace is sent when its last span is finished",
                are(self.open),
                oldest.unwrap_or_default()
            );
            let remedy = format!("`spanwire recorder {}` shows which.", self.pid);
            findings.push(note("spans.open", says, remedy));
        }
        let refused = self.sum("refused_starts");
        if refused > 0 {
            let says = format!(
                "{refused} further starts got no span: the memory for spans was in use, or the tracer shut down"
            );
            findings.push(note("spans.not_made", says, "Finish spans earlier, or raise SPANWIRE_MEMORY_MAX."));
        }
        (Answer::Yes, findings)
    }

    fn delivered(&self) -> (Answer, Vec<Finding>) {
        let (sent, dropped, finished) = (self.sum("sent"), self.dropped(), self.sum("finished"));
        let waiting = finished.saturating_sub(sent + dropped);
        let answer = match (sent, dropped) {
            (0, 0) if waiting > 0 && self.fails_now() => Answer::No,
            (0, 0) => Answer::Unknown,
            (0, _) => Answer::No,
            (_, 0) => Answer::Yes,
            _ => Answer::Partly,
        };
        let mut findings = Vec::new();
        if sent > 0 {
            let says = format!("the Agent accepted {} in {}", counted(sent as usize, "span"), self.payloads());
            findings.push(with_evidence(good("agent.accepted", says), self.lines()));
        } else if finished == 0 {
            findings.push(note("spans.not_sent", "no span was finished, so none was sent", ""));
        }
        if waiting > 0 && self.fails_now() {
            let says = format!("{} waiting: the last attempt to send failed", are(waiting));
            let remedy = "The sections below say why. The tracer tries again, and drops spans only after a time.";
            findings.push(with_evidence(note("spans.waiting", says, remedy), self.last_attempt()));
        } else if waiting > 0 {
            let says = format!("{} finished and not sent yet", are(waiting));
            let remedy = "A trace is sent when its last span is finished, after a second at most.";
            findings.push(note("spans.not_sent", says, remedy));
        }
        findings.extend(self.losses());
        (answer, findings)
    }

    fn payloads(&self) -> String {
        counted(self.sum("payloads_sent") as usize, "payload")
    }

    /// Makes a fault of each reason for which spans were dropped.
    fn losses(&self) -> Vec<Finding> {
        let status = self.latest(Kind::AgentRefused).map(|event| event.first);
        let refused = status.map_or("spans.undelivered", errors::refusal);
        let reasons = [
            ("dropped_queue_full", "queue.full", "the queue was full: spans came faster than they were sent"),
            ("dropped_memory", "memory.full", "all memory for spans was in use"),
            ("dropped_unreachable", "spans.undelivered", "the Agent was not reached for too long"),
            ("dropped_unknown_fate", "spans.undelivered", "they were sent and got no answer"),
            ("dropped_refused", refused, "the Agent refused them"),
            ("dropped_too_large", "spans.too_large", "a single span is larger than a payload may be"),
            ("dropped_shutdown", "spans.shutdown", "the tracer was shut down before they were sent"),
            ("dropped_invalid", "spans.dropped", "submitted records were invalid"),
        ];
        let mut findings = Vec::new();
        for (counter, cause, why) in reasons {
            let lost = self.sum(counter);
            if lost == 0 {
                continue;
            }
            let status = status.filter(|_| counter == "dropped_refused").map(|status| format!(" (status {status})"));
            let says = format!("{} dropped: {why}{}", counted(lost as usize, "span"), status.unwrap_or_default());
            let remedy = match cause {
                "spans.undelivered" => {
                    "Remove the cause that the sections below name. If they name none, it is over: the \
                                        spans are lost, and later ones are sent."
                        .to_owned()
                }
                cause => sentence(crate::doctor::ids::find(cause).map_or("see below", |fault| fault.remedy)),
            };
            let evidence = self.last_attempt();
            findings.push(with_evidence(bad(cause, says, remedy), evidence));
        }
        findings
    }

    /// Returns the latest event of a kind.
    fn latest(&self, kind: Kind) -> Option<&Event> {
        self.events.iter().rfind(|event| event.kind == kind as u64)
    }

    /// Returns the latest answer of the Agent, or the latest failure.
    fn outcome(&self) -> Option<&Event> {
        let kinds = [Kind::AgentRefused, Kind::AgentUnreachable, Kind::PayloadSent].map(|kind| kind as u64);
        self.events.iter().rfind(|event| kinds.contains(&event.kind))
    }

    /// Whether the latest attempt to send failed.
    fn fails_now(&self) -> bool {
        self.outcome().is_some_and(|event| event.kind != Kind::PayloadSent as u64)
    }

    fn last_attempt(&self) -> Option<String> {
        self.outcome().map(|event| format!("{} ago: {}", ago(event.time_ns), event.describe()))
    }
}

fn ago(then: u64) -> String {
    show::age(sys::wall_ns(), then)
}

fn are(count: u64) -> String {
    format!("{} {}", counted(count as usize, "span"), if count == 1 { "is" } else { "are" })
}

/// Returns a remedy of the table as a sentence.
fn sentence(remedy: &str) -> String {
    let mut letters = remedy.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
