//! What each cause means and what to do about it, in words. One place, so that a cause reads the same whichever line
//! told of it. Decides nothing.

use super::config::Config;
use super::errors;
use super::ids;
use crate::out::counted;
use spanwire::settings::address::DEFAULT_PORT;

/// What a cause is told with.
#[derive(Default)]
pub struct Told<'a> {
    /// Spans that it concerns, where that is known.
    pub spans: u64,
    /// The settings, if a start-up line told them.
    pub config: Option<&'a Config>,
}

/// What it means that nobody listens at a port: that the Agent is down, or, where none was ever `known` there and it is
/// not an Agent's usual one, that it is not the Agent's. `None` for a socket file.
pub fn refused(port: Option<u16>, known: bool) -> &'static str {
    match port {
        Some(port) if port != DEFAULT_PORT && !known => "agent.wrong_port",
        _ => "agent.down",
    }
}

/// What is so, and what to do.
pub fn words(cause: &str, told: &Told<'_>) -> (String, String) {
    let url = told.config.and_then(|config| config.agent_url.as_deref());
    let at = url.map_or_else(|| "the Agent's address".to_owned(), str::to_owned);
    let spans = match told.spans {
        0 => "spans".to_owned(),
        spans => counted(spans as usize, "span"),
    };
    let (says, remedy): (String, &str) = match cause {
        "tracing.disabled" => (
            "tracing is turned off: the tracer says so, and no span was made".into(),
            "remove DD_TRACE_ENABLED=false, and what sets it in code or in a configuration file; the start-up line \
             has \"enabled\"",
        ),
        "tracing.given_up" => (
            "the binding has turned tracing off; its line says why".into(),
            "repair what the line names, and start the program again",
        ),
        "library.older" => (
            "the spanwire library that was found is not of the same release as the binding that loads it".into(),
            "install libspanwire and the binding of one release, and look whether an older libspanwire.so.0 comes first in \
             the loader's path: LD_LIBRARY_PATH, SPANWIRE_LIBRARY, spanwire.library in php.ini",
        ),
        "library.missing" => (
            "the spanwire library could not be loaded, so nothing is traced".into(),
            "install libspanwire.so.0 where the loader looks, or name its path: SPANWIRE_LIBRARY for Ruby, \
             spanwire.library in php.ini for PHP",
        ),
        "setting.rejected" => (
            "a setting has a value that cannot be used; its default is in force".into(),
            "correct the value that the line names; the documentation of settings has the accepted ones",
        ),
        "agent.bad_url" => (
            "the Agent's URL cannot be used, so that traces go to the default address or nowhere".into(),
            "set DD_TRACE_AGENT_URL to http://HOST:8126 or unix:///PATH/apm.socket, with its scheme",
        ),
        "settings.disagree" => (
            "tracers of one process or service have settings that differ".into(),
            "give all of them the same settings, in one place; if only a new start brought other settings, look at the \
             log from that start on",
        ),
        "integration.failed" => (
            "an integration could not be loaded; its library makes no spans".into(),
            "look at the versions that the tracer supports, and at the error in the line",
        ),
        "spans.none" => (
            "the log is one of debug mode, and no span was started".into(),
            "see that DD_TRACE_ENABLED is not false; make a request to the program while it is traced; see that the integration of its framework is loaded, before \
             the framework itself is, or start spans by hand",
        ),
        "spans.unfinished" => (
            format!("{spans} started but never finished; neither they nor, in most tracers, their traces are sent"),
            "finish every span on every path, errors included (defer, ensure, finally, with, a guard), and before the \
             tracer is shut down",
        ),
        "agent.down" => (
            format!("nothing listens at {at}: connections are refused"),
            "start the Agent (`datadog-agent status` on its host tells), with APM on (apm_config.enabled) and reachable from \
             here: from a container, `localhost` is the container itself (DD_AGENT_HOST); to try without one, run \
             `spanwire agent`",
        ),
        "agent.wrong_port" => (
            format!("nothing listens at {at}, and an Agent takes traces on port 8126 unless told otherwise"),
            "start the Agent, or correct the port in DD_TRACE_AGENT_URL or DD_TRACE_AGENT_PORT, or see which one the Agent has \
             (apm_config.receiver_port)",
        ),
        errors::NO_HTTP => (
            format!("what answers at {at} is not an Agent: its answer is no HTTP, or none of an Agent"),
            "see what listens on that port (`ss -ltnp`), and correct DD_TRACE_AGENT_URL: an Agent takes traces on port 8126",
        ),
        "agent.socket_permission" => (
            "this user may not open the Agent's socket".into(),
            "let the user write to the socket and enter its folders (`namei -l PATH` shows whose they are), or use \
             http://localhost:8126",
        ),
        "agent.socket_missing" => (
            "the Agent's socket is not there".into(),
            "see that the Agent makes it (apm_config.receiver_socket), that its folder is mounted into the container, and that \
             DD_TRACE_AGENT_URL has its path",
        ),
        "agent.name_not_resolved" => (
            "the Agent's host name cannot be resolved".into(),
            "correct the host in DD_TRACE_AGENT_URL or DD_AGENT_HOST, and try `getent hosts NAME` where the program runs",
        ),
        "agent.timeout" => (
            "the Agent does not answer in time".into(),
            "look at the load and at the log of the Agent, and for a firewall that drops packets between here and there",
        ),
        "agent.connection_closed" => (
            "connections to the Agent end before it has answered".into(),
            "look in the log of the Agent for restarts, and for a proxy in between; a TLS port closes plain connections",
        ),
        "agent.http_404" => (
            format!("what answers at {at} does not take traces (404, 405 or 415): no Agent, or one too old"),
            "correct host, port and path in DD_TRACE_AGENT_URL (an Agent's has no path), or update the Agent",
        ),
        "agent.http_413" => (
            "payloads are larger than the Agent takes (413)".into(),
            "make traces smaller: partial flush, shorter and fewer tags; or raise apm_config.max_payload_size, and the limit of \
             a proxy in between",
        ),
        "agent.http_429" => (
            "the Agent has too much to do (429 or 408)".into(),
            "give the Agent more CPU and memory (apm_config.max_cpu_percent, max_memory), or send less: fewer \
             spans, or in other tracers than spanwire a lower DD_TRACE_SAMPLE_RATE",
        ),
        "agent.http_credentials" => (
            "something between here and the Agent asks for credentials (401, 403 or 407)".into(),
            "send to the Agent directly: correct DD_TRACE_AGENT_URL, and leave its host out of the proxy (NO_PROXY)",
        ),
        "agent.http_5xx" => (
            "the Agent, or a proxy before it, fails (5xx)".into(),
            "look in the log of the Agent; for 502 and 504 see whether the proxy reaches it",
        ),
        "agent.http_other" => (
            "the Agent does not take payloads".into(),
            "the line has its answer; look in the log of the Agent for the reason",
        ),
        "agent.unreachable" => (
            format!("payloads do not reach the Agent at {at}"),
            "see that the Agent runs and listens there; debug mode (DD_TRACE_DEBUG=true) logs the reason, and `spanwire doctor` \
             without a file tries the Agent from here",
        ),
        "queue.full" => (
            "spans come faster than they leave: the queue was full, and spans were dropped".into(),
            "see why the Agent is slow or away (above); make fewer spans, or let the queue hold more: \
             SPANWIRE_QUEUE_MAX here, the buffer size of the other tracers",
        ),
        "memory.full" => (
            "all memory for spans was in use, and spans were dropped".into(),
            "finish spans sooner, make fewer, or raise SPANWIRE_MEMORY_MAX",
        ),
        "spans.too_large" => (
            "single traces were larger than a payload may be, and were dropped".into(),
            "turn partial flush on, set fewer and shorter tags, and end traces that go on for long",
        ),
        "spans.shutdown" => (
            "spans did not leave before the process ended".into(),
            "give the shutdown more time (spanwire_tracer_shutdown in C, $tracer->shutdown() in PHP, c.shutdown_timeout in Ruby; \
             the other tracers' shutdown timeout), and see whether the Agent answers",
        ),
        "spans.undelivered" => (
            "finished spans were dropped, since the Agent did not take them".into(),
            "remove the cause that is named above",
        ),
        "spans.dropped" => (
            "finished spans were dropped; the lines have the reason".into(),
            "remove the reason that the lines name",
        ),
        "log.unwritable" => (
            "the log file cannot be written, so that records are missing".into(),
            "create its folder, let the user of the process write there, free some space, and name no symbolic link in \
             DD_TRACE_LOG_FILE",
        ),
        "log.records_lost" => (
            "records of this log are missing: it was written more slowly than they came".into(),
            "counts in this report are too low; log to a file on a local disk, or less (debug mode off)",
        ),
        "limits.threads" => (
            "the tracer could not start a thread; without it spans wait in the queue, or the log is not written".into(),
            "raise the limit of processes: `ulimit -u`, LimitNPROC= and TasksMax= of the service's unit, pids.max of the \
             container (--pids-limit)",
        ),
        "panic.caught" => (
            "the library has failed inside and has caught it; the host goes on".into(),
            "report the line with the version in use; after five of them tracing turns itself off until the next start",
        ),
        _ => ids::find(cause).map_or((cause.into(), "see the lines"), |fault| (fault.means.into(), fault.remedy)),
    };
    (says, remedy.to_owned())
}
