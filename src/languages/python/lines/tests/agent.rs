//! Tests of the Python dialect: requests to the agent, its answers, and dropped spans.

use super::{both, nothing, page, source};
use crate::counters::Reason;
use crate::event::{DropDetail, Event, QueueView};
use crate::languages::language::Form;
use crate::languages::limits::HeldBack;
use crate::languages::python::LANGUAGE;
use crate::languages::worked::{self, about, held};
use std::time::Duration;

#[test]
fn payloads_read_as_in_both_forms() {
    nothing(Form::Page, &worked::sending());
    assert_eq!(
        source(&worked::sending()),
        // The Python tracer uses PUT; spanwire does not.
        "DEBUG [ddtrace.internal.writer.writer] [writer.py:322] - Sending request: Method=POST Endpoint=v0.4/traces \
         Headers={'X-Datadog-Trace-Count': '2', 'Content-Type': 'application/msgpack'} PayloadSize=1.61KB"
    );
    let to = "http://localhost:8126/v0.4/traces";
    assert_eq!(
        page(&worked::sent(false)),
        format!("DEBUG [ddtrace.internal.writer] [writer.py:405] - sent 1.61KB in 0.02605s to {to}")
    );
    assert_eq!(
        source(&worked::sent(true)),
        format!(
            "DEBUG [ddtrace.internal.writer.writer] [writer.py:339] - Got response: 200 OK sent 1.61KB in 0.02605s to \
             {to}"
        )
    );
    let Event::PayloadSent { url, bytes, traces, spans, status, answer, attempt, recovered, totals, .. } =
        worked::sent(false)
    else {
        unreachable!()
    };
    let time = Duration::from_secs(1);
    let slow = Event::PayloadSent { url, bytes, traces, spans, time, status, answer, attempt, recovered, totals };
    assert!(page(&slow).starts_with("WARNING "), "{}", page(&slow));
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
    assert_eq!(
        source(&too_large),
        format!("ERROR [ddtrace.internal.writer.writer] [writer.py:407] - failed to send traces to intake at {rest}")
    );
    let unsupported = worked::refused(404, "");
    assert_eq!(
        page(&unsupported),
        "ERROR [ddtrace.internal.writer] [writer.py:458] - unsupported endpoint 'v0.4/traces': received response 404 \
         from Datadog Agent (http://localhost:8126)"
    );
    assert_eq!(
        source(&unsupported),
        "ERROR [ddtrace.internal.writer.writer] [writer.py:993] - unsupported endpoint 'v0.4/traces': received response \
         404 from intake (http://localhost:8126)"
    );
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
    assert_eq!(
        source(&away),
        "ERROR [ddtrace.internal.writer.writer] [writer.py:543] - failed to send, dropping 2 traces to intake at \
         http://localhost:8126/v0.4/traces after 3 retries\nConnectionRefusedError: [Errno 111] Connection refused"
    );
    let late = unreachable(worked::no_connection(), 1, false);
    assert!(page(&late).ends_with("\nsocket.timeout: timed out"));
    assert!(source(&late).ends_with("\nTimeoutError: timed out"));
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
        "WARNING [ddtrace.internal.writer.writer] [writer.py:451] - trace buffer (2 traces 1608b/8388608b) cannot fit \
         trace of size 804b, dropping (writer status: running)"
    );
    let queue = QueueView { chunks: 0, bytes: 0, max_bytes: 8_388_608, chunk_bytes: 9_000_000 };
    let detail = &DropDetail::NoRoom(queue);
    both(
        &Event::SpansDropped { reason: Reason::QueueFull, spans: 1, traces: 1, detail },
        "WARNING [ddtrace.internal.writer.writer] [writer.py:440] - trace (9000000b) larger than payload buffer item \
         limit (8388608b), dropping",
    );
    both(
        &worked::dropped(Reason::TooLarge, 1),
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
    assert!(refused[0].text.ends_with("reason Internal Server Error [12 skipped]"));
}
