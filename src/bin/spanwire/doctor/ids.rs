//! The ids of all that the doctor can find, whichever way it looks: stable names, for scripts and for people who search.
//! A fault has a meaning and a remedy in a few words; the documentation's table is made of these. No finding is made here.

/// A cause: something to be mended.
pub struct Fault {
    /// As in `causes` of a report.
    pub id: &'static str,
    /// What is so.
    pub means: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const fn fault(id: &'static str, means: &'static str, remedy: &'static str) -> Fault {
    Fault { id, means, remedy }
}

/// All causes, in the order of the way that a trace takes.
pub const FAULTS: &[Fault] = &[
    fault("tracing.disabled", "tracing is turned off", "`DD_TRACE_ENABLED=true`, or unset it"),
    fault("tracing.given_up", "a binding has turned tracing off", "mend what its line names"),
    fault("library.older", "library and binding are of different releases", "install both of one release"),
    fault("library.missing", "the library cannot be loaded", "install it, or name its path"),
    fault("setting.rejected", "a value cannot be used, so the default is in force", "correct the value"),
    fault("setting.misspelt", "a variable is no setting, but nearly one", "rename it"),
    fault("settings.disagree", "tracers of one process or service differ", "set all of them in one place"),
    fault("integration.failed", "an integration could not be loaded", "compare versions"),
    fault("spans.none", "debug mode is on, and no span was started", "load integrations early, or start spans by hand"),
    fault("spans.unfinished", "spans were started and never finished", "finish them on every path"),
    fault("agent.bad_url", "the Agent's URL cannot be used", "`http://HOST:8126` or `unix:///PATH`"),
    fault("agent.name_not_resolved", "the Agent's host name has no address", "correct `DD_AGENT_HOST` or the URL"),
    fault("agent.down", "nobody listens at the Agent's address", "start the Agent; in a container name its host"),
    fault("agent.wrong_port", "nobody, or no Agent, is at that port", "an Agent takes traces on 8126; correct the URL"),
    fault(
        "agent.socket_missing",
        "the Agent's socket is not there",
        "see `apm_config.receiver_socket`; mount its folder",
    ),
    fault("agent.socket_permission", "this user may not open the socket", "let the user write to it"),
    fault("agent.socket_not_a_socket", "the path is of another kind", "name the Agent's socket for traces"),
    fault("agent.socket_path_too_long", "more than 107 bytes of path", "move the socket"),
    fault("agent.timeout", "no connection or no answer in time", "look at the Agent's load, and for a firewall"),
    fault("agent.connection_closed", "connections end before an answer", "look for restarts, proxies and TLS"),
    fault(
        "agent.unreachable",
        "it cannot be reached, for another or an unknown reason",
        "the evidence has the reason; run `spanwire doctor` there",
    ),
    fault("agent.takes_no_traces", "an Agent without APM", "`apm_config.enabled: true`"),
    fault(
        "agent.http_404",
        "what answers takes no traces (404, 405, 415)",
        "correct host, port, path; update the Agent",
    ),
    fault("agent.http_413", "payloads are too large (413)", "smaller traces, or a larger limit in the Agent or proxy"),
    fault("agent.http_429", "the Agent has too much to do (429, 408)", "give it more CPU and memory, or send less"),
    fault(
        "agent.http_credentials",
        "something asks for credentials (401, 403, 407)",
        "leave the Agent out of the proxy",
    ),
    fault("agent.http_5xx", "the Agent or a proxy fails (5xx)", "look in its log"),
    fault("agent.http_other", "any other refusal", "the Agent's answer says why"),
    fault("agent.file_unwritable", "a trace file cannot be written", "name one in a folder that can"),
    fault("queue.full", "spans come faster than they leave", "see why the Agent is slow; enlarge the queue"),
    fault("memory.full", "all memory for spans was in use", "finish spans sooner, or raise `SPANWIRE_MEMORY_MAX`"),
    fault("spans.too_large", "single traces were too large", "partial flush; fewer and shorter tags"),
    fault("spans.shutdown", "spans did not leave before the end", "give the shutdown more time"),
    fault("spans.undelivered", "spans were dropped, since the Agent did not take them", "mend what kept it from that"),
    fault("spans.dropped", "spans were dropped for another reason", "the lines name it"),
    fault("clock.differs", "our clock and the Agent's are minutes apart", "set both by NTP"),
    fault(
        "log.unwritable",
        "the log cannot be written where it should be",
        "a folder that exists, rights to it, no symbolic link",
    ),
    fault("log.cannot_rotate", "the log can be written, but not renamed", "a folder of its own"),
    fault("log.disk_space", "log files may outgrow the disk", "free space, or lower the limits"),
    fault("log.no_answer", "the file system does not answer", "look at the mounts"),
    fault("log.records_lost", "records of the log are missing", "a local disk, or less to log"),
    fault("log.no_tracer_lines", "no line of a tracer is in the file", "look for the right file; turn debug mode on"),
    fault("panic.caught", "the library failed inside, and went on", "report the line"),
    fault("limits.files", "too few open files allowed", "raise `ulimit -n`"),
    fault("limits.threads", "no more threads can be started", "raise `ulimit -u` or the container's limit"),
    fault("limits.memory", "spans may occupy more memory than there is", "lower `SPANWIRE_MEMORY_MAX`"),
    fault("limits.no_answer", "the file system does not answer", "look at the mounts"),
];

/// What is as it should be, or only worth knowing.
pub const REMARKS: &[&str] = &[
    "agent.accepted",
    "agent.answers",
    "agent.file",
    "agent.name_resolved",
    "agent.no_info",
    "agent.not_logged",
    "agent.reachable",
    "agent.socket_for_root",
    "clock.agrees",
    "clock.unknown",
    "debug.off",
    "limits.core",
    "limits.enough",
    "log.directory",
    "log.host_only",
    "log.not_to_file",
    "log.read",
    "log.stderr",
    "log.unbounded",
    "log.writable",
    "settings.in_force",
    "settings.two_agents",
    "settings.unread_name",
    "settings.unsupported",
    "spans.made",
    "spans.not_logged",
    "spans.not_made",
    "spans.open",
    "startup.not_logged",
    "trace.accepted",
    "trace.not_sent",
    "trace.old_endpoint",
    "tracer.started",
];

/// The cause of this id.
pub fn find(id: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.id == id)
}

/// Whether a finding may have this id; one of a fault has to be a cause.
pub fn is_known(id: &str, is_fault: bool) -> bool {
    find(id).is_some() || !is_fault && REMARKS.contains(&id)
}

#[cfg(test)]
mod tests;
