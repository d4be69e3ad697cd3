//! Texts for each cause found in logs: what it means and what to do. A cause has the same text whichever line named it.

use super::config::Config;
use super::errors;
use super::ids;
use crate::out::counted;
use spanwire::companion::settings::address::DEFAULT_PORT;

/// Facts that the text of a cause can contain.
#[derive(Default)]
pub struct Told<'a> {
    /// Number of spans concerned; 0 if it is not known.
    pub spans: u64,
    /// The settings, if the log has a start-up line.
    pub config: Option<&'a Config>,
}

/// Returns the cause of a refused connection. The port is wrong if it is not the default port of an Agent and no Agent
/// was ever `known` there; otherwise the Agent is down. `port` is `None` for a socket file.
pub fn refused(port: Option<u16>, known: bool) -> &'static str {
    match port {
        Some(port) if port != DEFAULT_PORT && !known => "agent.wrong_port",
        _ => "agent.down",
    }
}

/// Returns what a cause means, and what to do.
pub fn describe(cause: &str, told: &Told<'_>) -> (String, String) {
    let url = told.config.and_then(|config| config.agent_url.as_deref());
    let at = url.map_or_else(|| "the Agent's address".to_owned(), str::to_owned);
    let spans = match told.spans {
        0 => "spans".to_owned(),
        spans => counted(spans as usize, "span"),
    };
    let (says, remedy): (String, &str) = match cause {
        "tracing.disabled" => (
            "the tracer logged that tracing is turned off, and no span was made".into(),
            "remove DD_TRACE_ENABLED=false from the environment, the code and configuration files; the start-up line \
             shows the result as \"enabled\"",
        ),
        "tracing.given_up" => (
            "the binding has turned tracing off; the line says why".into(),
            "correct what the line names, and restart the program",
        ),
        "tracing.not_started" => (
            "the tracer did not start, or spans were started before it or without it".into(),
            "start the tracer first (tracer.Start() in Go), check that DD_TRACE_ENABLED is not false, and correct what the \
             error in the log names",
        ),
        "sampling.rejected_all" => (
            "every trace in this log was rejected by a sampling rate or rule, so none will be seen".into(),
            "raise DD_TRACE_SAMPLE_RATE, or correct DD_TRACE_SAMPLING_RULES; an empty value is the rate 0 for some tracers",
        ),
        "sidecar.unreachable" => (
            "the helper process (sidecar) through which PHP's tracer sends cannot be reached, so traces are lost".into(),
            "check that the user of the process may start it and open its socket, and that nothing ends it; or set \
             DD_TRACE_SIDECAR_TRACE_SENDER=false",
        ),
        "agent.tls" => (
            format!("TLS was spoken at {at} to a port that speaks plain HTTP, or the other way round"),
            "use http:// in DD_TRACE_AGENT_URL: an Agent's port for traces has no TLS",
        ),
        "agent.not_an_agent" => (
            format!("the server at {at} answers, but not as an Agent does"),
            "find out what listens there (`ss -ltnp`), and correct host and port in DD_TRACE_AGENT_URL",
        ),
        "library.older" => (
            "the spanwire library that was loaded is of another release than the binding that loaded it".into(),
            "install libspanwire and the binding of the same release, and check that no older libspanwire.so.0 is found \
             first: LD_LIBRARY_PATH, SPANWIRE_LIBRARY, spanwire.library in php.ini",
        ),
        "library.missing" => (
            "the spanwire library could not be loaded, so nothing is traced".into(),
            "install libspanwire.so.0 in the loader's search path, or set its path: SPANWIRE_LIBRARY for Ruby, \
             spanwire.library in php.ini for PHP",
        ),
        "setting.rejected" => (
            "a setting has an invalid value; its default is used".into(),
            "correct the value that the line names; the documentation of settings lists the accepted values",
        ),
        "agent.bad_url" => (
            "the Agent's URL is invalid, so traces go to the default address or nowhere".into(),
            "set DD_TRACE_AGENT_URL to http://HOST:8126 or unix:///PATH/apm.socket, with the scheme",
        ),
        "settings.disagree" => (
            "tracers of one process or service have different settings".into(),
            "give all of them the same settings, in one place; if the settings were changed at a restart, read the log \
             only from that start on",
        ),
        "integration.failed" => (
            "an integration could not be loaded, so the library that it traces makes no spans".into(),
            "check the versions that the tracer supports, and the error in the line",
        ),
        "spans.none" => (
            "the log was written in debug mode, and no span was started".into(),
            "check that DD_TRACE_ENABLED is not false; send a request to the program; check that the integration of \
             its framework is loaded before the framework; or start spans in code",
        ),
        "spans.unfinished" => (
            format!("{spans} started but never finished; they are not sent, and in most tracers neither is their trace"),
            "finish every span on every path, also on errors (defer, ensure, finally, with, a guard), and before the \
             tracer shuts down",
        ),
        "agent.down" => (
            format!("nothing listens at {at}: connections are refused"),
            "start the Agent (check with `datadog-agent status` on its host) with APM enabled (apm_config.enabled), and \
             make it reachable from here: in a container, `localhost` is the container itself (set DD_AGENT_HOST); to try \
             without an Agent, run `spanwire agent`",
        ),
        "agent.wrong_port" => (
            format!("nothing listens at {at}; by default an Agent accepts traces on port 8126"),
            "correct the port in DD_TRACE_AGENT_URL or DD_TRACE_AGENT_PORT to the one of the Agent \
             (apm_config.receiver_port), or start the Agent",
        ),
        errors::NO_HTTP => (
            format!("the server at {at} is not an Agent: its answer is not HTTP, or not an Agent's"),
            "find out what listens on that port (`ss -ltnp`), and correct DD_TRACE_AGENT_URL: by default an Agent accepts \
             traces on port 8126",
        ),
        "agent.socket_permission" => (
            "this user may not open the Agent's socket".into(),
            "give the user write permission for the socket and access to its folders (`namei -l PATH` shows the owners), \
             or use http://localhost:8126",
        ),
        "agent.socket_missing" => (
            "the Agent's socket does not exist".into(),
            "check that the Agent creates it (apm_config.receiver_socket), that its folder is mounted into the container, \
             and that DD_TRACE_AGENT_URL has its path",
        ),
        "agent.name_not_resolved" => (
            "the Agent's host name cannot be resolved".into(),
            "correct the host in DD_TRACE_AGENT_URL or DD_AGENT_HOST, and try `getent hosts NAME` where the program runs",
        ),
        "agent.timeout" => (
            "the Agent does not answer in time".into(),
            "check the load and the log of the Agent, and whether a firewall in between drops packets",
        ),
        "agent.connection_closed" => (
            "connections to the Agent are closed before it has answered".into(),
            "check the log of the Agent for restarts, and whether there is a proxy in between; a TLS port closes plain \
             connections",
        ),
        "agent.http_404" => (
            format!("the server at {at} does not accept traces (404, 405 or 415): it is not an Agent, or too old"),
            "correct host, port and path in DD_TRACE_AGENT_URL (an Agent's URL has no path), or update the Agent",
        ),
        "agent.http_413" => (
            "payloads are larger than the Agent accepts (413)".into(),
            "make traces smaller (partial flush, shorter and fewer tags), or raise apm_config.max_payload_size and the \
             limit of a proxy in between",
        ),
        "agent.http_429" => (
            "the Agent is overloaded (429 or 408)".into(),
            "give the Agent more CPU and memory (apm_config.max_cpu_percent, max_memory), or send fewer spans; tracers \
             other than spanwire also have DD_TRACE_SAMPLE_RATE",
        ),
        "agent.http_credentials" => (
            "something between here and the Agent requires credentials (401, 403 or 407)".into(),
            "send to the Agent directly: correct DD_TRACE_AGENT_URL, and exclude its host from the proxy (NO_PROXY)",
        ),
        "agent.http_5xx" => (
            "the Agent, or a proxy in front of it, answers with a server error (5xx)".into(),
            "read the log of the Agent; for 502 and 504 check whether the proxy reaches the Agent",
        ),
        "agent.http_other" => (
            "the Agent refuses payloads".into(),
            "the line has the Agent's answer; the log of the Agent may have the reason",
        ),
        "agent.unreachable" => (
            format!("payloads do not reach the Agent at {at}"),
            "check that the Agent runs and listens there; debug mode (DD_TRACE_DEBUG=true) logs the reason, and \
             `spanwire doctor` without a file checks the Agent from this machine",
        ),
        "queue.full" => (
            "spans came faster than they were sent: the queue was full, and spans were dropped".into(),
            "find out why the Agent is slow or not reachable (see above); make fewer spans, or enlarge the queue: \
             SPANWIRE_QUEUE_MAX in spanwire, the buffer size in other tracers",
        ),
        "memory.full" => (
            "all memory for spans was in use, and spans were dropped".into(),
            "finish spans earlier, make fewer spans, or raise SPANWIRE_MEMORY_MAX",
        ),
        "spans.too_large" => (
            "single traces were larger than a payload may be, and were dropped".into(),
            "turn on partial flush, set fewer and shorter tags, and split long traces",
        ),
        "spans.shutdown" => (
            "the process ended before all spans were sent".into(),
            "give the shutdown more time (spanwire_tracer_shutdown in C, $tracer->shutdown() in PHP, c.shutdown_timeout \
             in Ruby; the shutdown timeout of other tracers), and check whether the Agent answers",
        ),
        "spans.undelivered" => (
            "finished spans were dropped because the Agent did not accept them".into(),
            "remove the cause that is named above",
        ),
        "spans.dropped" => (
            "finished spans were dropped; the lines name the reason".into(),
            "remove the reason that the lines name",
        ),
        "log.unwritable" => (
            "the log file cannot be written, so records are missing".into(),
            "create its folder, give the user of the process write permission, free disk space, and do not name a \
             symbolic link in DD_TRACE_LOG_FILE",
        ),
        "log.records_lost" => (
            "records of this log are missing: they came faster than they could be written".into(),
            "the counts in this report are too low; log to a file on a local disk, or log less (debug mode off)",
        ),
        "limits.threads" => (
            "the tracer could not start a thread; until it can, spans wait in the queue, or the log is not written".into(),
            "raise the limit of processes: `ulimit -u`, LimitNPROC= and TasksMax= of the service's unit, pids.max of the \
             container (--pids-limit)",
        ),
        "panic.caught" => (
            "the library has caught a panic of its own; the host continues".into(),
            "report the line and the version of the library; after five panics tracing turns itself off until the next start",
        ),
        _ => ids::find(cause).map_or((cause.into(), "see the lines"), |fault| (fault.means.into(), fault.remedy)),
    };
    (says, remedy.to_owned())
}
