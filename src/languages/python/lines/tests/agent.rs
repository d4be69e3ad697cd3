//! Tests of the Python dialect: requests to the agent, its answers, and dropped spans.

use super::{at, nothing, page, records, source};
use crate::counters::Reason;
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{DropDetail, Event, QueueView, SendError};
use crate::languages::language::Form;
use crate::languages::limits::HeldBack;
use crate::languages::python::LANGUAGE;
use crate::languages::worked::{self, about, held, texts};
use crate::os_error::OsError;
use std::time::Duration;

#[test]
fn payloads_read_as_in_both_forms() {
    nothing(Form::Page, &worked::sending());
    // Today's tracer sends from its native part, which does not log it.
    nothing(Form::Source, &worked::sending());
    let to = "http://localhost:8126/v0.4/traces";
    assert_eq!(
        page(&worked::sent(false)),
        format!("DEBUG [ddtrace.internal.writer] [writer.py:405] - sent 1.61KB in 0.02605s to {to}")
    );
    let updated =
        "DEBUG [ddtrace._trace.sampler] [sampler.py:132] - Updated DatadogSampler with 1 service based sampling \
                   rates (provided by the agent)";
    assert_eq!(source(&worked::sent(true)), updated);
    let Event::PayloadSent { url, bytes, traces, spans, status, answer, attempt, recovered, totals, .. } =
        worked::sent(false)
    else {
        unreachable!()
    };
    let time = Duration::from_secs(1);
    let slow = Event::PayloadSent { url, bytes, traces, spans, time, status, answer, attempt, recovered, totals };
    assert!(page(&slow).starts_with("WARNING "), "{}", page(&slow));
    // Without rates in the answer nothing tells that it was taken.
    let Event::PayloadSent { url, bytes, traces, spans, time, status, attempt, recovered, totals, .. } = slow else {
        unreachable!()
    };
    let answer = "OK";
    nothing(
        Form::Source,
        &Event::PayloadSent { url, bytes, traces, spans, time, status, answer, attempt, recovered, totals },
    );
    nothing(Form::Source, &Event::AgentReachable { url: to, after: Duration::from_secs(1) });
}

#[test]
fn refusals_read_as_in_both_forms() {
    let too_large = worked::refused(413, "too large");
    let rest = "http://localhost:8126/v0.4/traces: HTTP error status 413, reason Request Entity Too Large";
    assert_eq!(
        page(&too_large),
        format!("ERROR [ddtrace.internal.writer] [writer.py:483] - failed to send traces to Datadog Agent at {rest}")
    );
    let dropping =
        "ERROR [ddtrace.internal.writer.writer] [writer.py:112] - failed to send, dropping 2 traces to intake \
                    at http://localhost:8126/v0.4/traces:";
    assert_eq!(source(&too_large), format!("{dropping} Error code: 413 Payload Too Large, Response: too large"));
    let unsupported = worked::refused(404, "");
    assert_eq!(
        page(&unsupported),
        "ERROR [ddtrace.internal.writer] [writer.py:458] - unsupported endpoint 'v0.4/traces': received response 404 \
         from Datadog Agent (http://localhost:8126)"
    );
    assert_eq!(source(&unsupported), format!("{dropping} Error code: 404 Not Found, Response: "));
    let downgrade = |status| match worked::refused(status, "") {
        Event::AgentRefused { url, status, answer, bytes, traces, spans, attempt, totals, .. } => {
            Event::AgentRefused { url, status, answer, bytes, traces, spans, attempt, retry: true, totals }
        }
        _ => unreachable!(),
    };
    assert_eq!(
        page(&downgrade(404)),
        "WARNING [ddtrace.internal.writer] [writer.py:454] - calling endpoint 'v0.4/traces' but received 404; \
         downgrading API"
    );
    assert!(page(&downgrade(503)).ends_with("HTTP error status 503, reason Service Unavailable"));
}

#[test]
fn an_agent_that_is_away_reads_as_in_both_forms() {
    let unreachable = |error, attempt, retry| Event::AgentUnreachable {
        url: worked::TRACES_URL,
        error,
        bytes: 1608,
        traces: 2,
        spans: 2,
        attempt,
        retry,
        first: false,
        totals: Default::default(),
    };
    let away = unreachable(&worked::REFUSED, 4, false);
    assert_eq!(
        page(&away),
        "ERROR [ddtrace.internal.writer] [writer.py:567] - failed to send traces to Datadog Agent at \
         http://localhost:8126/v0.4/traces\nConnectionRefusedError: [Errno 111] Connection refused"
    );
    // The native part's line names the error of the system, and the tracer's line does not.
    let native = "2026-11-24T16:06:35.147563Z ERROR ThreadId(03) libdd_data_pipeline::trace_exporter: \
                  /.cargo/git/checkouts/libdatadog-fb268e227e330049/8fffdf9/libdd-data-pipeline/src/trace_exporter/\
                  mod.rs:879: Error sending traces err=";
    let dropping = "2026-11-24 16:06:35,147 ERROR [ddtrace.internal.writer.writer] [writer.py:112] - failed to send, \
                    dropping 2 traces to intake at http://localhost:8126/v0.4/traces:";
    let now = |error| {
        let records = records(Form::Source, &unreachable(error, 4, false));
        texts(&records).iter().map(|text| text.to_string()).collect::<Vec<_>>()
    };
    let closed = &SendError::new(SendErrorKind::Closed, Peer::Unnamed);
    let missing = &SendError::new(SendErrorKind::System(OsError::Errno(libc::ENOENT)), Peer::Unnamed);
    for (error, cause, reason) in [
        (
            &worked::REFUSED,
            "Network(Network(client error (Connect)\n\nCaused by:\n    0: tcp connect error\n    1: Connection refused \
             (os error 111)), 4)",
            "Network error: client error (Connect)",
        ),
        (
            worked::not_resolved(),
            "Network(Network(client error (Connect)\n\nCaused by:\n    0: dns error\n    1: failed to lookup address \
             information: Name or service not known), 4)",
            "Network error: client error (Connect)",
        ),
        (
            missing,
            "Network(Network(client error (Connect)\n\nCaused by:\n    No such file or directory (os error 2)), 4)",
            "Network error: client error (Connect)",
        ),
        (
            closed,
            "Network(Network(client error (SendRequest)\n\nCaused by:\n    connection closed before message completed), 4)",
            "Network error: client error (SendRequest)",
        ),
        (worked::no_answer(), "Timeout(4)", "timed out"),
    ] {
        assert_eq!(now(error), [format!("{native}{cause}"), format!("{dropping} {reason}")]);
    }
    let late = unreachable(worked::no_connection(), 1, false);
    assert!(page(&late).ends_with("\nsocket.timeout: timed out"));
    assert!(now(worked::no_connection())[1].ends_with(": timed out"));
    // Nothing is dropped yet, and the tracer has no line for that.
    let again = source(&unreachable(&worked::REFUSED, 1, true));
    assert!(again.starts_with("ERROR [ddtrace] [spanwire:0] - spanwire: "), "{again}");
    assert!(again.contains("it will be tried again") && !again.contains("dropping"), "{again}");
}

#[test]
fn drops_read_as_in_both_forms() {
    assert_eq!(
        page(&worked::queue_full()),
        "WARNING [ddtrace.internal.writer] [writer.py:530] - trace buffer (2 traces 1608b/8388608b) cannot fit trace of \
         size 804b, dropping"
    );
    assert_eq!(
        source(&worked::queue_full()),
        "WARNING [ddtrace.internal.writer.writer] [writer.py:112] - trace buffer (2 traces 1608b/8388608b) cannot fit \
         trace of size 804b, dropping (writer status: running)"
    );
    let queue = QueueView { chunks: 0, bytes: 0, max_bytes: 8_388_608, chunk_bytes: 9_000_000 };
    let detail = &DropDetail::NoRoom(queue);
    at(
        &Event::SpansDropped { reason: Reason::QueueFull, spans: 1, traces: 1, detail },
        "writer.py:440",
        "writer.py:112",
        "WARNING [ddtrace.internal.writer.writer] [writer.py:440] - trace (9000000b) larger than payload buffer item \
         limit (8388608b), dropping",
    );
    at(
        &worked::dropped(Reason::TooLarge, 1),
        "writer.py:440",
        "writer.py:112",
        "WARNING [ddtrace.internal.writer.writer] [writer.py:440] - trace larger than payload buffer item limit, \
         dropping",
    );
    nothing(Form::Page, &worked::dropped(Reason::Unreachable, 1));
}

#[test]
fn what_a_limit_held_back_is_counted_behind_the_message() {
    let held_back = HeldBack { events: 12, minutes: 1, quiet_minutes: 1 };
    let about = about("python", "2.0.0");
    let away = held(&LANGUAGE, Form::Page, &about, false, held_back, &worked::unreachable(true));
    assert!(
        away[0].text.contains("/v0.4/traces [12 skipped]\nConnectionRefusedError: "),
        "the count belongs to the message, not to the exception: {}",
        away[0].text
    );
    let refused = held(&LANGUAGE, Form::Source, &about, false, held_back, &worked::refused(500, ""));
    assert!(refused[0].text.ends_with("Internal Server Error, Response:  [12 skipped]"));
}
