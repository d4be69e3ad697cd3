//! Answers the three questions from what was counted in one tracer's log lines, and makes findings.

mod delivery;

use super::causes::{describe, Told};
use super::config::Config;
use super::flares;
use super::lines::Tongue;
use super::report::Finding;
use super::settings;
use super::shown::shown;
use super::tally::{drop_cause, Story};
use crate::out::counted;
use serde_json::{json, Map, Value};

/// The answer to one of the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    Partly,
    No,
    Unknown,
}

impl Answer {
    pub fn name(self) -> &'static str {
        match self {
            Answer::Yes => "yes",
            Answer::Partly => "partly",
            Answer::No => "no",
            Answer::Unknown => "unknown",
        }
    }
}

/// The answers for one tracer.
pub struct Answers {
    pub started: (Answer, Vec<Finding>),
    pub spans: (Answer, Vec<Finding>),
    pub delivered: (Answer, Vec<Finding>),
    /// Findings that belong to none of the questions.
    pub beside: Vec<Finding>,
    /// Numbers and settings, for JSON.
    pub facts: Value,
}

/// Returns one tracer's answers.
pub fn of(tongue: Tongue, story: &Story) -> Answers {
    let teller = Teller { tongue, story, config: story.configs.last() };
    let disabled = teller.disabled();
    let started = teller.started(disabled);
    let spans = teller.spans(disabled);
    let delivered = teller.delivered();
    let beside = ["panic.caught", "log.unwritable", "log.records_lost"];
    let mut beside: Vec<Finding> = beside.iter().filter_map(|cause| teller.fault(cause)).collect();
    beside.extend(teller.config.and_then(|config| flares::advice(tongue.name(), config, delivered.0)));
    let facts = teller.facts([started.0, spans.0, delivered.0]);
    Answers { started, spans, delivered, beside, facts }
}

struct Teller<'a> {
    tongue: Tongue,
    story: &'a Story,
    config: Option<&'a Config>,
}

impl Teller<'_> {
    /// Whether the tracer logged that tracing is off, and made no span.
    fn disabled(&self) -> bool {
        let said = self.config.is_some_and(|config| config.enabled == Some(false)) || self.story.off > 0;
        // Some tracers log spans all the same.
        let off = self.config.is_some_and(|config| config.enabled == Some(false));
        let made = self.story.finished > 0 || self.story.written > 0;
        said && (off || !made) && self.story.payloads_sent() == 0
    }

    /// Answers the first question: did the tracer start?
    fn started(&self, disabled: bool) -> (Answer, Vec<Finding>) {
        let mut findings = Vec::new();
        let given_up: Vec<Finding> =
            ["library.older", "library.missing", "tracing.given_up"].iter().filter_map(|c| self.fault(c)).collect();
        let stale = self.story.configs.iter().find(|config| config.library_is_older());
        let answer = match self.config {
            Some(config) => {
                findings.push(Finding::good("tracer.started", self.introduce(config)));
                Answer::Yes
            }
            None if !given_up.is_empty() => Answer::No,
            None => {
                let says = format!(
                    "{}: the log has lines of the tracer, but no start-up line; it begins later, or \
                     DD_TRACE_STARTUP_LOGS is false",
                    self.tongue.name()
                );
                findings.push(Finding::note("startup.not_logged", says));
                if self.story.spans() + self.story.payloads_sent() > 0 {
                    Answer::Yes
                } else {
                    Answer::Unknown
                }
            }
        };
        if disabled {
            findings.push(self.bad("tracing.disabled", 0, Vec::new()));
        }
        findings
            .extend(self.fault("tracing.not_started").filter(|_| !self.story.troubles.contains_key("agent.bad_url")));
        if let Some(config) = stale.filter(|_| given_up.is_empty()) {
            let version = |version: &Option<String>| version.clone().unwrap_or_default();
            let says = format!(
                "start-up line: version {}, spanwire_version {}",
                version(&config.version),
                version(&config.spanwire_version)
            );
            findings.push(self.bad("library.older", 0, vec![shown(&says)]));
        }
        findings.extend(given_up);
        findings.extend(["setting.rejected", "settings.disagree"].iter().filter_map(|cause| self.fault(cause)));
        if self.config.is_some_and(|config| config.debug == Some(false)) && self.story.spans() == 0 {
            let says = "debug mode is off, so this log contains little; DD_TRACE_DEBUG=true turns it on";
            findings.push(Finding::note("debug.off", says));
        }
        (answer, findings)
    }

    /// Describes the tracer by its start-up line.
    fn introduce(&self, config: &Config) -> String {
        let version = config.version.as_ref().map(|version| format!(" {}", shown(version))).unwrap_or_default();
        let facts = [
            ("service", &config.service),
            ("env", &config.env),
            ("version", &config.service_version),
            ("agent", &config.agent_url),
        ];
        let facts: Vec<String> = facts
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} {}", shown(value))))
            .collect();
        let starts = match self.story.configs.len() {
            1 => String::new(),
            count => format!(", {count} times"),
        };
        format!("{}: tracer{version} started{starts}; {}", self.tongue.name(), facts.join(", "))
    }

    /// Answers the second question: did it make spans?
    fn spans(&self, disabled: bool) -> (Answer, Vec<Finding>) {
        let story = self.story;
        let mut findings = Vec::new();
        let made = story.spans();
        let answer = if made > 0 {
            let parts =
                [(story.started, "started"), (story.finished, "finished"), (story.written, "handed on to be sent")];
            let parts: Vec<String> = parts.iter().filter(|p| p.0 > 0).map(|(n, what)| format!("{n} {what}")).collect();
            let says = format!("{}: {} ({})", self.tongue.name(), counted(made as usize, "span"), parts.join(", "));
            findings.push(Finding::good("spans.made", says));
            Answer::Yes
        } else if story.payloads_sent() > 0 {
            let says = format!(
                "{}: payloads were sent, so there were spans; this log has no lines for spans",
                self.tongue.name()
            );
            findings.push(Finding::good("spans.made", says));
            Answer::Yes
        } else if story.traces_lost + story.failures() > 0 && story.payloads_failed > 0 {
            let says = format!(
                "{}: the tracer tried to send payloads, so there were spans; this log has no lines for spans",
                self.tongue.name()
            );
            findings.push(Finding::good("spans.made", says));
            Answer::Yes
        } else if disabled || self.no_start() {
            findings.push(Finding::note("spans.not_made", "no span was made, because tracing is off"));
            Answer::No
        } else if self.tongue.reader().logs_spans && self.would_tell_of_spans() && !self.cut_short() {
            findings.push(self.bad("spans.none", 0, Vec::new()));
            Answer::No
        } else {
            let says = format!(
                "{}: no line mentions a span; only a log in debug mode does{}",
                self.tongue.name(),
                if self.tongue.reader().logs_spans { "" } else { ", and this tracer's log never does" }
            );
            findings.push(Finding::note("spans.not_logged", says));
            Answer::Unknown
        };
        findings.extend(self.unfinished());
        findings.extend(self.fault("integration.failed"));
        let (kept, rejected) = story.priorities;
        if rejected > 0 && kept == 0 {
            findings.push(self.bad("sampling.rejected_all", rejected, Vec::new()));
        }
        if let Some(limited) = &story.rate_limited {
            let says = told_with("the limit of traces per second dropped traces".to_owned(), limited.count);
            findings.push(Finding::note("sampling.rate_limited", says).showing(limited.evidence.clone()));
        }
        (answer, findings)
    }

    /// Whether the log has failures of the tracer's start only.
    fn cut_short(&self) -> bool {
        ["tracing.not_started", "agent.bad_url"].iter().any(|c| self.story.troubles.get(c).is_some_and(|t| t.lost))
    }

    /// Whether the absence of span lines in this log means that there were no spans.
    fn made_none(&self) -> bool {
        self.disabled() || self.no_start() || (self.tongue.reader().logs_spans && self.would_tell_of_spans())
    }

    /// Whether this log was written in debug mode. The line about the tracer's end is logged only then.
    fn would_tell_of_spans(&self) -> bool {
        // An excerpt with another tracer's start-up lines alone ends too soon. A log of the library itself counts as whole.
        let ours = self.config.is_some_and(|config| config.spanwire_version.is_some());
        let goes_on = ours || self.story.lines > 2 * self.story.configs.len() as u64 || self.story.stopped;
        let known = |config: &Config| goes_on && config.debug.unwrap_or(self.story.stopped);
        self.config.is_some_and(known)
    }

    /// Whether a binding logged that it does not trace.
    fn no_start(&self) -> bool {
        ["library.older", "library.missing", "tracing.given_up"]
            .iter()
            .any(|cause| self.story.troubles.contains_key(cause))
    }

    /// Returns a finding about spans that did not finish.
    fn unfinished(&self) -> Option<Finding> {
        let story = self.story;
        let open = story.still_open();
        let told = story.troubles.get("spans.unfinished");
        if let (Some(trouble), true) = (told, story.unfinished_surely) {
            let mut evidence = trouble.evidence.clone();
            evidence.extend(story.open_examples());
            return Some(self.bad("spans.unfinished", story.unfinished.max(open), evidence));
        }
        let spans = open.max(story.unfinished);
        if spans == 0 {
            return None;
        }
        // If the tracer has ended in this log, or no span has an end line, then the missing ends will not come in a
        // later part of the log.
        let logs_ends = self.tongue.reader().logs_ends || story.finished > 0;
        if logs_ends && (story.stopped || story.finished == 0) {
            return Some(self.bad("spans.unfinished", spans, story.open_examples()));
        }
        let says = format!("{} had not finished when this log ends", counted(spans as usize, "span"));
        Some(Finding::note("spans.open", says).showing(story.open_examples()))
    }

    /// Returns the fault for a cause, if the log shows it.
    fn fault(&self, cause: &'static str) -> Option<Finding> {
        let trouble = self.story.troubles.get(cause)?;
        let mut finding = self.bad(cause, 0, trouble.evidence.clone());
        finding.says = told_with(finding.says, trouble.count);
        let spans = self.dropped_by(cause);
        if spans > 0 {
            finding.says.push_str(&format!("; {} dropped for this reason", counted(spans as usize, "span")));
        }
        Some(finding)
    }

    /// Returns how many finished spans were dropped for a reason that belongs to this cause.
    fn dropped_by(&self, cause: &str) -> u64 {
        let losses = self.story.dropped.iter().filter(|(reason, _)| drop_cause(reason) == cause);
        losses.map(|(_, loss)| loss.spans.max(loss.told)).sum()
    }

    fn bad(&self, cause: &'static str, spans: u64, evidence: Vec<String>) -> Finding {
        let safe =
            self.config.map(|config| Config { agent_url: config.agent_url.as_deref().map(shown), ..config.clone() });
        let (says, remedy) = describe(cause, &Told { spans, config: safe.as_ref() });
        Finding::bad(cause, says, remedy).showing(evidence)
    }

    fn facts(&self, [started, spans, delivered]: [Answer; 3]) -> Value {
        let story = self.story;
        let dropped: Map<String, Value> = story
            .dropped
            .iter()
            .map(|(reason, loss)| {
                (reason.clone(), json!({ "spans": loss.spans.max(loss.told), "traces": loss.traces }))
            })
            .collect();
        let configs: Vec<Value> = story.configs.iter().take(20).map(settings::facts).collect();
        json!({
            "language": self.tongue.name(),
            "answers": { "started": started.name(), "spans": spans.name(), "delivered": delivered.name() },
            "lines": story.lines,
            "startup_lines": story.configs.len(),
            "settings": configs,
            "integrations": story.integrations,
            "spans_started": story.started,
            "spans_finished": story.finished,
            "spans_written": story.written,
            "spans_open": story.still_open(),
            "payloads_sending": story.payloads_sending,
            "payloads_sent": story.payloads_sent(),
            "traces_sent": story.traces_sent(),
            "spans_sent": story.spans_sent,
            "bytes_sent": story.bytes_sent,
            "payloads_failed": story.failures(),
            "traces_lost": story.traces_lost,
            "dropped": dropped,
            "records_lost": story.records_lost,
        })
    }
}

/// Appends the number of lines if there are several.
fn told_with(mut says: String, count: u64) -> String {
    if count > 1 {
        says.push_str(&format!(" ({count} lines)"));
    }
    says
}
