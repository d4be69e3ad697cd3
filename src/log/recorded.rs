//! Writes rare events to the flight recorder, whatever the level is. The tracer records spans and chunks itself.

use crate::counters::REASON_NAMES;
use crate::event::Event;
use crate::recorder::kind::{letters, Kind, Trouble};
use crate::recorder::Recorder;

pub(super) fn keep(recorder: &Recorder, event: &Event<'_>) {
    if let Some((kind, first, second)) = facts(event) {
        recorder.rare(kind, first, second);
    }
}

fn facts(event: &Event<'_>) -> Option<(Kind, u64, u64)> {
    Some(match *event {
        Event::PayloadSending { bytes, traces, attempt, .. } => {
            (Kind::PayloadSending, bytes, traces << 16 | u64::from(attempt.min(0xffff)))
        }
        Event::PayloadSent { bytes, spans, .. } => (Kind::PayloadSent, bytes, spans),
        Event::AgentRefused { status, spans, .. } => (Kind::AgentRefused, status.into(), spans),
        Event::AgentUnreachable { error, spans, .. } => (Kind::AgentUnreachable, trouble(error) as u64, spans),
        Event::AgentReachable { after, .. } => (Kind::AgentReachable, after.as_millis() as u64, 0),
        // There is one for each trace or span in an overload: only the beginning and the end of the loss are recorded.
        Event::SpansDropped { reason: "queue_full" | "memory" | "invalid", .. } => return None,
        Event::LossBegan { reason } => (Kind::LossBegan, number_of(reason), 0),
        Event::SpansDropped { reason, spans, .. } => (Kind::SpansDropped, number_of(reason), spans),
        Event::LossEnded { reason, spans } => (Kind::LossEnded, number_of(reason), spans),
        Event::SpansAbandoned { spans, .. } => (Kind::SpansAbandoned, spans, 0),
        Event::TracerStopped { sent, spans_lost, spans_unknown, .. } => {
            let half = |spans: u64| spans.min(u32::MAX.into());
            (Kind::TracerStopped, sent, half(spans_unknown) << 32 | half(spans_lost))
        }
        Event::SettingRejected { name, .. } => {
            // Most names begin alike.
            let from = name.char_indices().rev().nth(15).map_or(0, |(at, _)| at);
            let (first, second) = letters(&name[from..]);
            (Kind::SettingRejected, first, second)
        }
        Event::PanicCaught { .. } => (Kind::PanicCaught, 0, 0),
        Event::RecordsLost { records, .. } => (Kind::RecordsLost, records, 0),
        // The tracer records forks, with their number.
        _ => return None,
    })
}

fn number_of(reason: &str) -> u64 {
    REASON_NAMES.iter().position(|&name| name == reason).map_or(u64::MAX, |index| index as u64)
}

/// What kind of trouble the sentence tells of: the only place where it is known is the sentence.
fn trouble(error: &str) -> Trouble {
    // Behind the last parenthesis stands where the agent is; its name may be any word.
    let error = error.rsplit_once(" (").map_or(error, |(sentence, _)| sentence).to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["refused"]) {
        Trouble::Refused
    } else if says(&["no such file", "permission denied", "read-only", "not there"]) {
        Trouble::NotThere
    } else if says(&["within", "timed out"]) {
        Trouble::TimedOut
    } else if says(&["resolve"]) {
        Trouble::Unresolved
    } else if says(&["reset", "closed", "broken pipe"]) {
        Trouble::Broken
    } else {
        Trouble::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::kind::spelled;

    #[test]
    fn a_rejected_setting_is_kept_by_the_end_of_its_name() {
        let event = |name| Event::SettingRejected { name, value: "x", origin: "env", why: "" };
        for (name, kept) in [("DD_TRACE_AGENT_PORT", "TRACE_AGENT_PORT"), ("DD_ENV", "DD_ENV"), ("", "")] {
            let (kind, first, second) = facts(&event(name)).expect("kept");
            assert_eq!((kind, spelled(first, second).as_str()), (Kind::SettingRejected, kept));
        }
    }

    #[test]
    fn every_reason_for_a_loss_is_told_apart() {
        for (index, reason) in REASON_NAMES.into_iter().enumerate() {
            assert_eq!(facts(&Event::LossBegan { reason }), Some((Kind::LossBegan, index as u64, 0)));
            assert_eq!(facts(&Event::LossEnded { reason, spans: 3 }), Some((Kind::LossEnded, index as u64, 3)));
        }
        let dropped = |reason| Event::SpansDropped { reason, spans: 3, traces: 1, detail: "", queue: None };
        assert_eq!(facts(&dropped("refused")), Some((Kind::SpansDropped, 3, 3)));
        assert_eq!(facts(&dropped("queue_full")), None, "a full queue pushes out the agent's story");
    }

    #[test]
    fn the_kind_of_trouble_is_taken_from_the_sentence_and_not_from_the_agents_name() {
        let kept = [
            ("connection refused (timed out.example:8126)", Trouble::Refused),
            ("no answer within 2s (http://refused:1)", Trouble::TimedOut),
            ("no such file or directory (unix:///a)", Trouble::NotThere),
            ("connection closed before the answer was complete (x)", Trouble::Broken),
            ("cannot resolve agent.test: try again", Trouble::Unresolved),
            ("not an HTTP answer: bad status (closed)", Trouble::Other),
        ];
        kept.into_iter().for_each(|(sentence, kind)| assert_eq!(trouble(sentence), kind, "{sentence}"));
    }
}
