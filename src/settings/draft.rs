//! Settings while they are read. What several of them decide together is kept apart until all are known; deciding it is
//! the parent module's business, the defaults are the table's.

use super::address::AgentAddress;
use super::parse::Sinks;
use super::Settings;
use crate::log::level::Level;
use std::time::Duration;

/// Settings so far.
pub struct Draft {
    /// What is frozen in the end.
    pub frozen: Settings,
    /// `DD_TRACE_AGENT_URL`, if it is set.
    pub url: Option<AgentAddress>,
    /// `DD_AGENT_HOST`.
    pub host: String,
    /// `DD_TRACE_AGENT_PORT`.
    pub port: u16,
    /// `SPANWIRE_LOG_SINKS`.
    pub sinks: Sinks,
}

/// Nothing is set, not even the defaults.
pub(super) fn blank() -> Draft {
    let frozen = Settings {
        service: String::new(),
        env: String::new(),
        version: String::new(),
        tags: Vec::new(),
        hostname: String::new(),
        report_hostname: false,
        external_env: None,
        git_repository_url: None,
        git_commit_sha: None,
        enabled: false,
        agent: AgentAddress::tcp("", 0),
        trace_id_128: false,
        partial_flush_enabled: false,
        partial_flush_min_spans: 0,
        flush_interval: Duration::ZERO,
        flush_bytes: 0,
        payload_max_bytes: 0,
        queue_max_bytes: 0,
        queue_max_chunks: 0,
        memory_max: 0,
        connect_timeout: Duration::ZERO,
        request_timeout: Duration::ZERO,
        retry_for: Duration::ZERO,
        debug: false,
        log_level: Level::Off,
        startup_logs: false,
        log_dialect: String::new(),
        log_stderr: false,
        log_ring: false,
        log_to_file: false,
        log_file: None,
        log_file_size: 0,
        log_file_backups: 0,
        log_file_mode: 0,
        language: String::new(),
        language_version: String::new(),
        interpreter: String::new(),
        interpreter_vendor: String::new(),
        tracer_version: String::new(),
        values: Vec::new(),
    };
    let sinks = Sinks { stderr: false, file: false, ring: false };
    Draft { frozen, url: None, host: String::new(), port: 0, sinks }
}
