//! The third answer: whether payloads reached the agent, and if not, what kept them from it.

use super::{told_with, Answer, Teller};
use crate::doctor::causes;
use crate::doctor::config::Config;
use crate::doctor::errors;
use crate::doctor::report::{Finding, Standing};
use crate::doctor::tally::Trouble;
use crate::out::counted;

impl Teller<'_> {
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
            let says = format!("{}: the Agent took {}{facts}", self.tongue.name(), counted(sent as usize, "payload"));
            findings.push(Finding::good("agent.accepted", says));
        }
        let agent = self.agent_troubles();
        let bad = agent.iter().any(|finding| finding.standing == Standing::Bad);
        findings.extend(agent);
        let drops =
            ["queue.full", "memory.full", "spans.too_large", "spans.shutdown", "spans.undelivered", "spans.dropped"];
        let drops: Vec<Finding> = drops.iter().filter_map(|cause| self.fault(cause)).collect();
        let lost = !drops.is_empty();
        findings.extend(drops);
        let answer = match (sent > 0, bad || lost) {
            (true, false) => Answer::Yes,
            (true, true) => Answer::Partly,
            (false, true) => Answer::No,
            (false, false) => {
                findings.push(self.nothing_told());
                Answer::Unknown
            }
        };
        (answer, findings)
    }

    fn nothing_told(&self) -> Finding {
        let name = self.tongue.name();
        let says = match (self.tongue.reader().logs_success, self.story.payloads_sending) {
            (_, 0) if self.story.spans() == 0 && self.made_none() => format!("{name}: nothing was there to be sent"),
            (_, 0) if self.story.spans() == 0 => format!(
                "{name}: this log cannot tell: no failure is here, and only a log of debug mode tells what is sent"
            ),
            (true, 0) => format!("{name}: no line tells that a payload was sent, nor of a failure; did the process end before its first flush?"),
            (_, 0) => format!("{name}: this tracer logs failures only, and there is none"),
            (_, count) => format!("{name}: {} left and no failure was logged; this form of log has no line for success", counted(count as usize, "payload")),
        };
        Finding::note("agent.not_logged", says)
    }

    /// What kept payloads from the agent; a note where it was over and nothing was lost.
    fn agent_troubles(&self) -> Vec<Finding> {
        let story = self.story;
        let named = story.troubles.keys().any(|cause| is_specific(cause));
        let mut findings = Vec::new();
        for (cause, trouble) in &story.troubles {
            // Without a thread nothing is sent, either.
            let concerns = cause.starts_with("agent.") || *cause == "limits.threads";
            if !concerns || (*cause == "agent.unreachable" && named) {
                continue;
            }
            let (told, cause) = self.meant(cause, trouble);
            let lost = trouble.lost && !self.tries_again();
            let over = !lost && story.last_sent.is_some_and(|sent| sent > trouble.last);
            let mut finding = Finding { cause, ..self.bad(told, 0, trouble.evidence.clone()) };
            finding.says = told_with(finding.says, trouble.count);
            if over {
                finding.standing = Standing::Note;
                finding.says.push_str("; later payloads were taken, and no line says that something was lost");
                finding.remedy.clear();
            }
            findings.push(finding);
        }
        findings
    }

    /// Whether what failed was tried again, whatever its line says: this library speaks as a tracer that would not, and
    /// says in its own words when something is lost.
    fn tries_again(&self) -> bool {
        let ours = self.story.configs.iter().any(|config| config.spanwire_version.is_some());
        ours && self.story.dropped.is_empty()
    }

    /// What an error's words come to at this agent's address: by which cause it is told, and the id of that.
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
            // A firewall's or sandbox's doing.
            "agent.socket_permission" if over_tcp() => "agent.unreachable",
            cause => cause,
        };
        (cause, cause)
    }
}

fn is_specific(cause: &str) -> bool {
    cause.starts_with("agent.") && cause != "agent.unreachable"
}

/// The port of the first URL or address in a line.
fn port_in(line: &str) -> Option<u16> {
    let places = ["http://", "localhost:", "127.0.0.1:", "/127.0.0.1:"];
    places.iter().find_map(|place| {
        let rest = &line[line.find(place)?..];
        let digits =
            &rest[rest.trim_start_matches("http:").find(':')? + if rest.starts_with("http:") { 6 } else { 1 }..];
        digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
    })
}
