//! Ids of everything that the doctor can find, in logs and on the machine. Ids are stable, for scripts and for searches.
//! Each fault has a short meaning and remedy, from which the table in docs/troubleshooting.md is generated.

/// A cause: something that must be corrected.
pub struct Fault {
    /// The id, as in `causes` of a report.
    pub id: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const fn fault(id: &'static str, means: &'static str, remedy: &'static str) -> Fault {
    Fault { id, means, remedy }
}

/// All causes, in the order of a trace's way to the Agent.
pub const FAULTS: &[Fault] = &[
    fault("tracing.disabled", "tracing is turned off", "`DD_TRACE_ENABLED=true`, or unset it"),
    fault("tracing.given_up", "a binding has turned tracing off", "correct what its line names"),
    fault(
        "tracing.not_started",
        "spans were started without a tracer, or the tracer did not start",
        "start the tracer first; correct what its error names",
    ),
    fault("library.older", "library and binding are of different releases", "install both from the same release"),
    fault("library.missing", "the library cannot be loaded", "install it, or set its path"),
    fault("setting.rejected", "a value is invalid, so the default is used", "correct the value"),
    fault("setting.misspelt", "the name of a variable is nearly that of a setting", "rename it"),
    fault(
        "settings.disagree",
        "tracers of one process or service have different settings",
        "set all of them in one place",
    ),
    fault("integration.failed", "an integration could not be loaded", "check the versions that the tracer supports"),
    fault("spans.none", "debug mode is on, and no span was started", "load integrations early, or start spans in code"),
    fault("spans.unfinished", "spans were started and never finished", "finish them on every path"),
    fault(
        "sampling.rejected_all",
        "a sampling rate or rule rejected every trace, so none will be seen",
        "raise `DD_TRACE_SAMPLE_RATE` or correct `DD_TRACE_SAMPLING_RULES`",
    ),
    fault(
        "sidecar.unreachable",
        "the helper process that sends PHP's traces cannot be reached",
        "check that it may start and stay; or set `DD_TRACE_SIDECAR_TRACE_SENDER=false`",
    ),
    fault("agent.bad_url", "the Agent's URL is invalid", "`http://HOST:8126` or `unix:///PATH`"),
    fault("agent.name_not_resolved", "the Agent's host name has no address", "correct `DD_AGENT_HOST` or the URL"),
    fault("agent.down", "nothing listens at the Agent's address", "start the Agent; in a container set its host"),
    fault("agent.wrong_port", "no Agent listens at that port", "correct the URL; by default an Agent listens on 8126"),
    fault(
        "agent.socket_missing",
        "the Agent's socket does not exist",
        "check `apm_config.receiver_socket`; mount its folder",
    ),
    fault("agent.socket_permission", "this user may not open the socket", "give the user write permission"),
    fault("agent.socket_not_a_socket", "the path is not a stream socket", "set the Agent's socket for traces"),
    fault("agent.socket_path_too_long", "the path has more than 107 bytes", "move the socket"),
    fault(
        "agent.tls",
        "TLS to a port that speaks plain HTTP, or the other way round",
        "use `http://` for the Agent's port",
    ),
    fault(
        "agent.not_an_agent",
        "the answer was 200, but its body is not one of an Agent",
        "find out what listens there, and correct the URL",
    ),
    fault("agent.timeout", "no connection or no answer in time", "check the Agent's load, and for a firewall"),
    fault("agent.connection_closed", "connections are closed before an answer", "check for restarts, proxies and TLS"),
    fault(
        "agent.unreachable",
        "the Agent cannot be reached, for another or an unknown reason",
        "the evidence may name the reason; run `spanwire doctor` on that machine",
    ),
    fault("agent.takes_no_traces", "the Agent runs without APM", "`apm_config.enabled: true`"),
    fault(
        "agent.http_404",
        "the server does not accept traces (404, 405, 415)",
        "correct host, port, path; update the Agent",
    ),
    fault(
        "agent.http_413",
        "payloads are too large (413)",
        "make smaller traces, or raise the limit in the Agent or proxy",
    ),
    fault("agent.http_429", "the Agent is overloaded (429, 408)", "give it more CPU and memory, or send fewer spans"),
    fault("agent.http_credentials", "a proxy requires credentials (401, 403, 407)", "exclude the Agent from the proxy"),
    fault("agent.http_5xx", "the Agent or a proxy answers with a server error (5xx)", "read its log"),
    fault("agent.http_other", "the Agent refuses payloads with another status", "the Agent's answer says why"),
    fault("agent.file_unwritable", "a trace file cannot be written", "use a folder with write permission"),
    fault("queue.full", "spans come faster than they are sent", "find out why the Agent is slow; enlarge the queue"),
    fault("memory.full", "all memory for spans was in use", "finish spans earlier, or raise `SPANWIRE_MEMORY_MAX`"),
    fault("spans.too_large", "single traces were too large", "turn on partial flush; set fewer and shorter tags"),
    fault("spans.shutdown", "the process ended before all spans were sent", "give the shutdown more time"),
    fault(
        "spans.undelivered",
        "spans were dropped because the Agent did not accept them",
        "remove the cause that the report names",
    ),
    fault("spans.dropped", "spans were dropped for another reason", "the lines name the reason"),
    fault("clock.differs", "this machine's clock and the Agent's are minutes apart", "synchronise both by NTP"),
    fault(
        "log.unwritable",
        "the log file or folder cannot be written",
        "use an existing folder with write permission, and no symbolic link",
    ),
    fault("log.cannot_rotate", "the log file can be written, but not renamed", "use a folder for the log alone"),
    fault("log.disk_space", "log files may outgrow the disk", "free disk space, or lower the limits"),
    fault("log.no_answer", "the file system does not answer", "check the mounts"),
    fault("log.records_lost", "records of the log are missing", "log to a local disk, or log less"),
    fault("log.of_agent", "the file is the Agent's log, not a tracer's", "read the log of the traced process"),
    fault("log.no_tracer_lines", "the file has no line of a tracer", "find the right file; turn on debug mode"),
    fault("panic.caught", "the library caught a panic of its own", "report the line"),
    fault("limits.files", "the limit of open files is too low", "raise `ulimit -n`"),
    fault("limits.threads", "no more threads can be started", "raise `ulimit -u` or the container's limit"),
    fault("limits.memory", "spans may use more memory than the process has", "lower `SPANWIRE_MEMORY_MAX`"),
    fault("limits.no_answer", "the file system does not answer", "check the mounts"),
];

/// Ids of findings that are not faults.
pub const REMARKS: &[&str] = &[
    "agent.accepted",
    "agent.answers",
    "agent.file",
    "agent.name_resolved",
    "agent.no_answer_logged",
    "agent.no_info",
    "agent.not_logged",
    "agent.reachable",
    "agent.socket_for_root",
    "clock.agrees",
    "clock.unknown",
    "debug.off",
    "flare.by_hand",
    "flare.counters",
    "flare.no_log",
    "flare.no_settings",
    "flare.too_old",
    "limits.core",
    "limits.enough",
    "log.directory",
    "log.host_only",
    "log.not_to_file",
    "log.not_understood",
    "log.read",
    "log.stderr",
    "log.unbounded",
    "log.writable",
    "process.environment_overwritten",
    "process.forked",
    "process.found",
    "process.no_recorder",
    "process.other_network",
    "process.other_user",
    "sampling.rate_limited",
    "settings.code_unknown",
    "settings.in_force",
    "settings.not_read",
    "settings.read",
    "settings.remote",
    "settings.two_agents",
    "settings.unread_name",
    "settings.unsupported",
    "spans.made",
    "spans.not_logged",
    "spans.not_made",
    "spans.not_sent",
    "spans.open",
    "spans.waiting",
    "startup.not_logged",
    "trace.accepted",
    "trace.not_sent",
    "trace.old_endpoint",
    "tracer.none",
    "tracer.started",
];

/// Returns the cause with this id.
pub fn find(id: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.id == id)
}

/// Whether a finding may have this id. The id of a fault must be a cause.
pub fn is_known(id: &str, is_fault: bool) -> bool {
    find(id).is_some() || !is_fault && REMARKS.contains(&id)
}

#[cfg(test)]
mod tests;
