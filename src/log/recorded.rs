//! Writes rare events to the flight recorder, whatever the level is. The tracer records spans and chunks itself.

use crate::counters::Reason;
use crate::event::send_error::{SendError, SendErrorKind};
use crate::event::Event;
use crate::os_error::{FileFault, OsError};
use crate::recorder::kind::{letters, Kind, SendErrorNumber};
use crate::recorder::Recorder;
use std::io;

pub(super) fn keep(recorder: &Recorder, event: &Event<'_>) {
    if let Some((kind, first, second)) = numbers(event) {
        recorder.rare(kind, first, second);
    }
}

/// Returns the event's kind and the two numbers that the recorder keeps. `None` for events that it does not keep.
fn numbers(event: &Event<'_>) -> Option<(Kind, u64, u64)> {
    Some(match *event {
        Event::PayloadSending { bytes, traces, attempt, .. } => {
            (Kind::PayloadSending, bytes, traces << 16 | u64::from(attempt.min(0xffff)))
        }
        Event::PayloadSent { bytes, spans, .. } => (Kind::PayloadSent, bytes, spans),
        Event::AgentRefused { status, spans, .. } => (Kind::AgentRefused, status.into(), spans),
        Event::AgentUnreachable { error, spans, .. } => (Kind::AgentUnreachable, number_of(error) as u64, spans),
        Event::AgentReachable { after, .. } => (Kind::AgentReachable, after.as_millis() as u64, 0),
        // There is one for each trace or span in an overload: only the beginning and the end of the loss are recorded.
        Event::SpansDropped { reason: Reason::QueueFull | Reason::Memory | Reason::Invalid, .. } => return None,
        Event::LossBegan { reason } => (Kind::LossBegan, reason as u64, 0),
        Event::SpansDropped { reason, spans, .. } => (Kind::SpansDropped, reason as u64, spans),
        Event::LossEnded { reason, spans } => (Kind::LossEnded, reason as u64, spans),
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
        // `ProcessForked` is recorded by the tracer's state, which knows how many forks there were.
        // The tracer records forks, with their number.
        _ => return None,
    })
}

/// The number under which the recorder keeps a send error.
fn number_of(error: &SendError) -> SendErrorNumber {
    match &error.kind {
        SendErrorKind::NoConnection(_) | SendErrorKind::NoAnswer(_) => SendErrorNumber::TimedOut,
        SendErrorKind::NotResolved(_) => SendErrorNumber::Unresolved,
        SendErrorKind::Closed => SendErrorNumber::Broken,
        SendErrorKind::System(error) | SendErrorKind::NotWritten(error) => of_system(error),
        _ => SendErrorNumber::Other,
    }
}

fn of_system(error: &OsError) -> SendErrorNumber {
    match (error, error.kind()) {
        (OsError::File(FileFault::NotAnOutput) | OsError::DescriptorTaken, _) => SendErrorNumber::Broken,
        (_, io::ErrorKind::ConnectionRefused) => SendErrorNumber::Refused,
        (_, io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            SendErrorNumber::NotThere
        }
        (_, io::ErrorKind::TimedOut) => SendErrorNumber::TimedOut,
        (_, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => SendErrorNumber::Broken,
        _ => SendErrorNumber::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::REASON_NAMES;
    use crate::event::dropped::DropDetail;
    use crate::event::send_error::{NameError, Peer};
    use crate::recorder::kind::spelled;
    use crate::settings::{Origin, Rejection};
    use std::time::Duration;

    #[test]
    fn a_rejected_setting_is_kept_by_the_end_of_its_name() {
        let why = Rejection::NotSwitch;
        let event = |name| Event::SettingRejected { name, value: "x", origin: Origin::Env, why: &why };
        for (name, kept) in [("DD_TRACE_AGENT_PORT", "TRACE_AGENT_PORT"), ("DD_ENV", "DD_ENV"), ("", "")] {
            let (kind, first, second) = numbers(&event(name)).expect("kept");
            assert_eq!((kind, spelled(first, second).as_str()), (Kind::SettingRejected, kept));
        }
    }

    #[test]
    fn every_reason_for_a_loss_is_told_apart() {
        use Reason::*;
        let reasons = [QueueFull, Memory, Unreachable, Refused, TooLarge, Shutdown, Invalid, UnknownFate];
        for (index, reason) in reasons.into_iter().enumerate() {
            assert_eq!(reason.name(), REASON_NAMES[index]);
            assert_eq!(numbers(&Event::LossBegan { reason }), Some((Kind::LossBegan, index as u64, 0)));
            assert_eq!(numbers(&Event::LossEnded { reason, spans: 3 }), Some((Kind::LossEnded, index as u64, 3)));
        }
        let detail = DropDetail::Answered(400);
        let dropped = |reason| Event::SpansDropped { reason, spans: 3, traces: 1, detail: &detail };
        assert_eq!(numbers(&dropped(Refused)), Some((Kind::SpansDropped, 3, 3)));
        assert_eq!(numbers(&dropped(QueueFull)), None, "a full queue pushes out the agent's story");
    }

    #[test]
    fn the_number_of_a_send_error_does_not_depend_on_where_the_agent_is() {
        let errno = |errno| SendErrorKind::System(OsError::Errno(errno));
        let lookup = || NameError::Failed(OsError::Words("try again".into()));
        for (kind, number) in [
            (errno(libc::ECONNREFUSED), SendErrorNumber::Refused),
            (SendErrorKind::NoAnswer(Duration::from_secs(2)), SendErrorNumber::TimedOut),
            (SendErrorKind::NoConnection(Duration::from_secs(1)), SendErrorNumber::TimedOut),
            (errno(libc::ENOENT), SendErrorNumber::NotThere),
            (SendErrorKind::NotWritten(OsError::Errno(libc::EACCES)), SendErrorNumber::NotThere),
            (SendErrorKind::NotWritten(OsError::Kind(io::ErrorKind::TimedOut)), SendErrorNumber::TimedOut),
            (SendErrorKind::Closed, SendErrorNumber::Broken),
            (errno(libc::ECONNRESET), SendErrorNumber::Broken),
            (errno(libc::EPIPE), SendErrorNumber::Broken),
            (SendErrorKind::NotResolved(lookup()), SendErrorNumber::Unresolved),
            (SendErrorKind::InvalidAnswer { error: "bad status".into() }, SendErrorNumber::Other),
            (errno(libc::ENETUNREACH), SendErrorNumber::Other),
        ] {
            for peer in ["http://timed out.example:8126", "http://refused:1", "unix:///closed", "http://resolve:1"] {
                let error = SendError::new(kind.clone(), Peer::Url(peer.into()));
                assert_eq!(number_of(&error), number, "{error}");
            }
        }
    }
}
