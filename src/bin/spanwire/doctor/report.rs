//! The doctor's report: findings as data, printed as text for people or as one JSON object for scripts.

use super::ids;
use crate::out::{counted, Failure, Out};
use serde_json::{json, Map, Value};
use std::fmt::Write;

/// Width of the text in columns.
const WIDTH: usize = 100;
/// Largest number of evidence lines of a finding.
pub const EVIDENCE_MAX: usize = 3;

/// Importance of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is wrong.
    Good,
    /// Worth knowing; the user need not do anything.
    Note,
    /// A fault, with a remedy.
    Bad,
}

impl Standing {
    /// Returns the name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Good => "good",
            Standing::Note => "note",
            Standing::Bad => "bad",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Standing::Good => "ok     ",
            Standing::Note => "note   ",
            Standing::Bad => "FAULT  ",
        }
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Importance.
    pub standing: Standing,
    /// A stable id such as `agent.unreachable`.
    pub cause: &'static str,
    /// One or two sentences about what was found.
    pub says: String,
    /// What to do; empty if nothing has to be done.
    pub remedy: String,
    /// Log lines or facts that prove it, redacted, at most [`EVIDENCE_MAX`].
    pub evidence: Vec<String>,
}

impl Finding {
    /// Returns a finding that nothing is wrong.
    pub fn good(cause: &'static str, says: impl Into<String>) -> Finding {
        Finding { standing: Standing::Good, cause, says: says.into(), remedy: String::new(), evidence: Vec::new() }
    }

    /// Returns a finding that is worth knowing.
    pub fn note(cause: &'static str, says: impl Into<String>) -> Finding {
        Finding { standing: Standing::Note, ..Finding::good(cause, says) }
    }

    /// Returns a fault and what to do about it.
    pub fn bad(cause: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { standing: Standing::Bad, remedy: remedy.into(), ..Finding::good(cause, says) }
    }

    /// Adds evidence, up to [`EVIDENCE_MAX`] lines.
    pub fn showing(mut self, evidence: impl IntoIterator<Item = String>) -> Finding {
        self.evidence.extend(evidence);
        self.evidence.truncate(EVIDENCE_MAX);
        self
    }
}

/// Findings below one heading.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The heading: a question or a name, without a final colon.
    pub title: String,
    /// The findings, in the order in which they are printed.
    pub findings: Vec<Finding>,
}

/// The whole report.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The sections, in the order in which they are printed.
    pub sections: Vec<Section>,
    /// Numbers and settings, for JSON.
    pub facts: Map<String, Value>,
}

impl Report {
    /// Prints the report as text.
    pub fn print(&self, out: Out) -> Result<(), Failure> {
        out.write(&self.text(out))
    }

    /// Returns the report as one object: `status` (the exit status), `causes` (ids of all faults), `sections`, `facts`.
    pub fn json(&self) -> Value {
        let sections: Vec<Value> = self
            .sections
            .iter()
            .map(|section| {
                let findings: Vec<Value> = section.findings.iter().map(object).collect();
                json!({ "title": section.title, "findings": findings })
            })
            .collect();
        json!({ "status": self.exit_status(), "causes": self.causes(), "sections": sections, "facts": self.facts })
    }

    /// Returns 0 if nothing is wrong, 1 if a cause was found, or an error that the doctor does not understand.
    pub fn exit_status(&self) -> u8 {
        for finding in self.sections.iter().flat_map(|section| &section.findings) {
            debug_assert!(ids::is_known(finding.cause, finding.standing == Standing::Bad), "{}", finding.cause);
        }
        u8::from(!self.causes().is_empty() || self.not_understood())
    }

    /// Whether the log has errors that the doctor does not understand.
    fn not_understood(&self) -> bool {
        let mut findings = self.sections.iter().flat_map(|section| &section.findings);
        findings.any(|finding| finding.cause == "log.not_understood")
    }

    /// Returns the ids of all faults, each once, in the order of the report.
    pub fn causes(&self) -> Vec<&'static str> {
        let mut causes = Vec::new();
        for finding in self.sections.iter().flat_map(|section| &section.findings) {
            if finding.standing == Standing::Bad && !causes.contains(&finding.cause) {
                causes.push(finding.cause);
            }
        }
        causes
    }

    fn text(&self, out: Out) -> String {
        let mut text = String::new();
        for section in &self.sections {
            let _ = writeln!(text, "{}", out.paint.strong(&section.title));
            for finding in &section.findings {
                finding_text(&mut text, finding, out);
            }
            text.push('\n');
        }
        let causes = self.causes();
        let verdict = match causes.len() {
            0 if self.not_understood() => {
                "No known fault was found, but the log has errors or warnings that the doctor does not understand."
                    .to_owned()
            }
            0 => "Nothing wrong was found.".to_owned(),
            count => format!("{} found: {}.", counted(count, "fault"), causes.join(", ")),
        };
        let _ = writeln!(text, "{}", out.paint.strong(&verdict));
        text
    }
}

fn object(finding: &Finding) -> Value {
    json!({
        "standing": finding.standing.name(),
        "cause": finding.cause,
        "says": finding.says,
        "remedy": finding.remedy,
        "evidence": finding.evidence,
    })
}

fn finding_text(text: &mut String, finding: &Finding, out: Out) {
    let mark = match finding.standing {
        Standing::Good => out.paint.time(finding.standing.mark()),
        Standing::Note => out.paint.dim(finding.standing.mark()),
        Standing::Bad => out.paint.bad(finding.standing.mark()),
    };
    for (n, line) in wrapped(&format!("{} ({})", finding.says, finding.cause), WIDTH - 9).iter().enumerate() {
        let _ = writeln!(text, "  {}{line}", if n == 0 { mark.as_str() } else { "       " });
    }
    for (n, line) in wrapped(&finding.remedy, WIDTH - 13).iter().enumerate() {
        let _ = writeln!(text, "         {}{line}", if n == 0 { "do: " } else { "    " });
    }
    for line in &finding.evidence {
        let _ = writeln!(text, "         {}", out.paint.dim(&format!("| {line}")));
    }
}

/// Breaks `text` into lines of at most `width` columns, at blanks. A longer word gets a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::Color;

    fn report() -> Report {
        let many = (1..=5).map(|n| format!("line {n}"));
        let fault = Finding::bad("agent.unreachable", "nobody answers", "start the Agent").showing(many);
        let findings = vec![Finding::good("tracer.started", "it started"), fault.clone(), fault];
        Report { sections: vec![Section { title: "Did it start?".into(), findings }], facts: Map::new() }
    }

    #[test]
    fn scripts_learn_whether_and_what_is_wrong() {
        let object = report().json();
        assert_eq!((&object["status"], &object["causes"]), (&1.into(), &json!(["agent.unreachable"])));
        assert_eq!(object["sections"][0]["findings"][1]["evidence"], json!(["line 1", "line 2", "line 3"]));
        assert_eq!(Report::default().json()["status"], 0);
        let note = Section { title: "t".into(), findings: vec![Finding::note("debug.off", "s")] };
        assert_eq!(Report { sections: vec![note], facts: Map::new() }.exit_status(), 0, "a note is no fault");
    }

    #[test]
    fn people_see_the_fault_its_remedy_and_its_evidence_within_the_width() {
        let mut report = report();
        report.sections[0].findings[1].remedy = "word ".repeat(60);
        let text = report.text(Out::new(Color::Never));
        assert!(text.contains("  FAULT  nobody answers (agent.unreachable)\n         do: word word"), "{text}");
        assert!(text.contains("         | line 3\n") && !text.contains("line 4"), "{text}");
        assert!(text.ends_with("1 fault found: agent.unreachable.\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(Report::default().text(Out::new(Color::Never)).contains("Nothing wrong"));
    }
}
