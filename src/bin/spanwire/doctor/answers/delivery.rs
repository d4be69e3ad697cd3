//! The third answer: whether payloads reached the Agent, and if not, why.

use super::{told_with, Answer, Teller};
use crate::doctor::causes;
use crate::doctor::config::Config;
use crate::doctor::errors;
use crate::doctor::report::{Finding, Standing};
use crate::doctor::tally::Trouble;
use crate::out::counted;

impl Teller<'_> {
    /// Answers the third question: did the spans reach the Agent?
    pub(super) fn delivered(&self) -> (Answer, Vec<Finding>) {
        let story = self.story;
        let mut findings = Vec::new();
        let sent = story.payloads_sent();
        if sent > 0 {
            let mut facts = Vec::new();
            for (count, noun) in
                [(story.traces_sent(), "trace"), (story.spans_sent, "span"), (story.bytes_sent, "byte")]
            {
                if count > 0 {
                    facts.push(counted(count as usize, noun));
                }
            }
            let facts = if facts.is_empty() { String::new() } else { format!(": {}", facts.join(", ")) };
            let says =
                format!("{}: the Agent accepted {}{facts}", self.tongue.name(), counted(sent as usize, "payload"));
            findings.push(Finding::good("agent.accepted", says));
        }
        let agent = self.agent_troubles();
        // A bad URL alone does not lose a trace if the tracer takes the default address instead.
        let url_only = story.troubles.get("agent.bad_url").is_some_and(|trouble| !trouble.lost);
        let bad = agent.iter().any(|f| f.standing == Standing::Bad && !(url_only && f.cause == "agent.bad_url"));
        findings.extend(agent);
        let hinted = if bad || sent > 0 { Vec::new() } else { self.hinted() };
        let hinted_any = !hinted.is_empty();
        findings.extend(hinted);
        let drops =
            ["queue.full", "memory.full", "spans.too_large", "spans.shutdown", "spans.undelivered", "spans.dropped"];
        let drops: Vec<Finding> = drops.iter().filter_map(|cause| self.fault(cause)).collect();
        let lost = !drops.is_empty();
        findings.extend(drops);
        let unknown = self.not_understood();
        let errors = story.unknown_errors.count > 0;
        findings.extend(unknown);
        let answer = match (sent > 0 || story.sent_before, bad || lost) {
            (_, false) if hinted_any || errors => Answer::Unknown,
            (false, false) if story.rates_after_spans => {
                let says =
                    format!("{}: the Agent answered with sampling rates after spans were finished", self.tongue.name());
                findings.push(Finding::good("agent.accepted", says));
                Answer::Yes
            }
            (true, false) => Answer::Yes,
            (true, true) => Answer::Partly,
            // Rates come with the answer to a payload.
            (false, true) if story.rates_after_spans => Answer::Partly,
            (false, true) => Answer::No,
            (false, false) => {
                findings.push(self.nothing_told());
                Answer::Unknown
            }
        };
        (answer, findings)
    }

    /// Returns what other requests say about the Agent, if the log does not say what became of the traces.
    fn hinted(&self) -> Vec<Finding> {
        let story = self.story;
        let unanswered = story.payloads_sending > story.payloads_sent() + story.failures();
        if !story.agent_hint && !unanswered {
            return Vec::new();
        }
        let found = |(cause, trouble): (&&'static str, &Trouble)| {
            let (told, cause) = self.meant(cause, trouble);
            let mut finding = Finding { cause, ..self.bad(told, 0, trouble.evidence.clone()) };
            finding.says = told_with(finding.says, trouble.count);
            finding.says.push_str("; other requests of the tracer failed for this reason, and the log does not say what became of its traces");
            finding
        };
        story.hints.iter().map(found).collect()
    }

    /// Returns notes with the errors and warnings of the tracer that the doctor does not understand.
    fn not_understood(&self) -> Vec<Finding> {
        let name = self.tongue.name();
        let note = |trouble: &Trouble, what: &str| {
            let says = format!("{name}: {} that the doctor does not understand", counted(trouble.count as usize, what));
            Finding::note("log.not_understood", says).showing(trouble.evidence.clone())
        };
        let unknown = [(&self.story.unknown_errors, "error"), (&self.story.unknown_warnings, "warning")];
        unknown.iter().filter(|(trouble, _)| trouble.count > 0).map(|(trouble, what)| note(trouble, what)).collect()
    }

    /// Returns a note for a log that says neither that payloads were sent nor that they failed.
    fn nothing_told(&self) -> Finding {
        let name = self.tongue.name();
        let says = match (self.tongue.reader().logs_success, self.story.payloads_sending) {
            (_, 0) if self.story.spans() == 0 && self.made_none() => format!("{name}: there was nothing to send"),
            (_, 0) if self.story.spans() == 0 => format!(
                "{name}: not known: the log has no failure, and only a log in debug mode shows what is sent"
            ),
            (true, 0) => format!("{name}: no line says that a payload was sent or failed; the process may have ended before its first flush"),
            (_, 0) => format!("{name}: this tracer logs only failures, and the log has none"),
            (true, count) => format!(
                "{name}: {} sent, and no line says what became of it; Node.js's tracer tries for 17 seconds before it logs a failure, and a shorter program never does",
                counted(count as usize, "payload")
            ),
            (_, count) => format!("{name}: {} sent, and no failure was logged; this kind of log has no line for success", counted(count as usize, "payload")),
        };
        let unanswered = self.tongue.reader().logs_success && self.story.payloads_sending > 0;
        Finding::note(if unanswered { "agent.no_answer_logged" } else { "agent.not_logged" }, says)
    }

    /// Returns what prevented payloads from reaching the Agent. It is a note if later payloads were accepted and
    /// nothing was lost.
    fn agent_troubles(&self) -> Vec<Finding> {
        let story = self.story;
        let named = story.troubles.keys().any(|cause| is_specific(cause));
        let mut findings = Vec::new();
        let mut troubles = story.troubles.clone();
        if let Some(unexplained) = story.troubles.get("agent.unreachable").filter(|_| !named) {
            // Other requests to the same Agent name the reason.
            if !story.hints.is_empty() {
                troubles.remove("agent.unreachable");
            }
            for (cause, hint) in &story.hints {
                let mut trouble = Trouble { lost: unexplained.lost, last: unexplained.last, ..hint.clone() };
                trouble.evidence.splice(0..0, unexplained.evidence.first().cloned());
                troubles.insert(cause, trouble);
            }
        }
        for (cause, trouble) in &troubles {
            // Without a thread nothing is sent either.
            let concerns = cause.starts_with("agent.") || ["limits.threads", "sidecar.unreachable"].contains(cause);
            if !concerns || (*cause == "agent.unreachable" && named) {
                continue;
            }
            // The start-up lines of Node.js say the same of both causes; other lines tell them apart.
            let vague = |line: &String| line.contains("DATADOG TRACER ");
            let elsewhere = *cause == "agent.connection_closed" && troubles.contains_key("agent.timeout");
            if elsewhere && trouble.evidence.iter().all(vague) {
                continue;
            }
            let (told, cause) = self.meant(cause, trouble);
            let lost = trouble.lost && !self.tries_again();
            let over = !lost && story.last_sent.is_some_and(|sent| sent > trouble.last);
            let mut finding = Finding { cause, ..self.bad(told, 0, trouble.evidence.clone()) };
            finding.says = told_with(finding.says, trouble.count);
            if over {
                finding.standing = Standing::Note;
                finding.says.push_str("; later payloads were accepted, and no line says that spans were lost");
                finding.remedy.clear();
            }
            findings.push(finding);
        }
        findings
    }

    /// Whether failed payloads were sent again, whatever the line says. A spanwire tracer logs the lines of a tracer
    /// that does not retry, and logs every loss with its own line.
    fn tries_again(&self) -> bool {
        let ours = self.story.configs.iter().any(|config| config.spanwire_version.is_some());
        ours && self.story.dropped.is_empty()
    }

    /// Returns the cause of an error at this Agent's address: whose text is used, and the id that is reported.
    fn meant(&self, cause: &'static str, trouble: &Trouble) -> (&'static str, &'static str) {
        let over_tcp =
            || self.config.and_then(|config| config.agent_url.as_deref()).is_some_and(|url| url.starts_with("http"));
        let cause = match cause {
            errors::REFUSED => {
                let known = self.story.last_sent.is_some() || self.story.described;
                let told = || trouble.evidence.iter().find_map(|line| port_in(line));
                causes::refused(self.config.and_then(Config::port).or_else(told), known)
            }
            errors::NO_HTTP => return (cause, "agent.wrong_port"),
            // A firewall or a sandbox denies TCP connections.
            "agent.socket_permission" if over_tcp() => "agent.unreachable",
            cause => cause,
        };
        (cause, cause)
    }
}

/// Whether a cause says more than that the Agent was not reached.
fn is_specific(cause: &str) -> bool {
    cause.starts_with("agent.") && cause != "agent.unreachable"
}

/// Returns the port of the first URL or address in a line.
fn port_in(line: &str) -> Option<u16> {
    let places = ["http://", "localhost:", "127.0.0.1:", "/127.0.0.1:"];
    places.iter().find_map(|place| {
        let rest = &line[line.find(place)?..];
        let digits =
            &rest[rest.trim_start_matches("http:").find(':')? + if rest.starts_with("http:") { 6 } else { 1 }..];
        digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
    })
}
