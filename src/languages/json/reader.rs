//! Reads lines of the json dialect. Does not parse objects about single spans, which are nearly all lines of a debug
//! log.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, word_after, LogReader, Seen};
use serde_json::Value;

pub static READER: LogReader = LogReader {
    name: "spanwire (JSON)",
    logs_success: true,
    logs_spans: true,
    logs_ends: true,
    marks: &[("\"kind\":\"", |place| read(place.line).map(|seen| ("json", seen)))],
};

fn read(line: &str) -> Option<Seen<'_>> {
    let start = line.find("{\"time\":\"")?;
    let line = &line[start..];
    let kind = word_after(line, "\"kind\":\"")?;
    // Other programs' objects have kinds too.
    if !line.get(..140).unwrap_or(line).contains("\"pid\":") {
        return None;
    }
    match kind {
        "span.started" => return Some(Seen::Started(word_after(line, "\"span_id\":\"")?)),
        "trace.decided" => return Some(Seen::Decided),
        "span.finished" => return Some(Seen::Finished(word_after(line, "\"span_id\":\"")?)),
        _ => {}
    }
    let Ok(object) = serde_json::from_str::<Value>(line) else { return Some(Seen::Line) };
    let number = |name: &str| object[name].as_u64().unwrap_or(0);
    let reason = || after(line, "\"reason\":\"").and_then(|rest| rest.split('"').next());
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    Some(match kind {
        "startup" => Seen::Config(Config::of(object["config"].as_object()?).into()),
        "setting" if object["name"].is_string() => native::rejected(text("name")),
        "setting" => native::setting(text("text")),
        "integration" => Seen::Integration,
        "chunk.enqueued" => Seen::Written(number("spans")),
        "payload.sending" => Seen::Sending { traces: number("traces") },
        "payload.sent" => {
            Seen::Sent { traces: Some(number("traces")), spans: number("spans"), bytes: number("bytes"), echo: false }
        }
        "agent.refused" | "agent.unreachable" => {
            let cause = object["status"].as_u64().map(errors::refusal).or_else(|| errors::cause(text("error")));
            let lost = object["retry"] == false;
            Seen::Failed { cause, traces: number("traces"), lost, echo: false }
        }
        "agent.reachable" => Seen::Reachable,
        "agent.info" => Seen::Described,
        "agent.unusable" => Seen::Trouble("agent.bad_url"),
        "spans.dropped" => Seen::Dropped { reason: reason()?, spans: number("spans"), traces: number("traces") },
        "loss.began" => Seen::Dropped { reason: reason()?, spans: 0, traces: 0 },
        "loss.ended" => Seen::LossEnded { reason: reason()?, spans: number("spans") },
        "spans.abandoned" => Seen::Unfinished { spans: number("spans"), sure: true },
        "spans.overdue" => Seen::Unfinished { spans: number("spans"), sure: object["stopping"] == true },
        "tracer.stopped" => Seen::Stopped { lost: number("spans_lost").saturating_add(number("spans_unknown")) },
        "panic" => Seen::Trouble("panic.caught"),
        // Without an errno, the event says that the thread runs at last.
        "limits.threads" if object["errno"].is_number() => Seen::Trouble("limits.threads"),
        "log.lost" => Seen::RecordsLost(number("records").max(1)),
        "log.file" if object["path"].is_string() => Seen::Line,
        "log.file" => Seen::Trouble("log.unwritable"),
        _ => Seen::Line,
    })
}
