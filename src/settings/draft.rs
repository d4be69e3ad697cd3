//! Settings while they are being resolved. Holds values that depend on each other until all are known; `settings` then
//! combines them. The defaults are in `table`.

use super::address::AgentAddress;
use super::language::{LanguageSettings, Languages};
use super::levels::Levels;
use super::parse::Sinks;
use super::protocol::Protocol;
use super::rejection::Rejection;
use super::sampling::{OtelSampler, Sampling};
use super::version::Version;
use super::Settings;
use crate::level::Level;
use crate::propagation::{Config, Styles};
use std::path::PathBuf;
use std::time::Duration;

/// Settings that are being resolved.
pub struct Draft {
    /// The result.
    pub frozen: Settings,
    /// `DD_TRACE_AGENT_URL`, if it is set.
    pub url: Option<AgentAddress>,
    /// `DD_AGENT_HOST`.
    pub host: String,
    /// `DD_TRACE_AGENT_PORT`.
    pub port: u16,
    /// The known languages.
    pub languages: &'static Languages,
    /// The settings of the host's language.
    pub language: &'static LanguageSettings,
    /// The version of that language's tracer, if the host passed one.
    pub version: Option<Version>,
    /// `DD_TRACE_PROPAGATION_STYLE`.
    pub styles: Option<Styles>,
    /// `DD_TRACE_PROPAGATION_STYLE_EXTRACT`.
    pub styles_extract: Option<Styles>,
    /// `DD_TRACE_PROPAGATION_STYLE_INJECT`.
    pub styles_inject: Option<Styles>,
    /// `DD_PROPAGATION_STYLE_EXTRACT`.
    pub old_styles_extract: Option<Styles>,
    /// `DD_PROPAGATION_STYLE_INJECT`.
    pub old_styles_inject: Option<Styles>,
    /// `OTEL_SERVICE_NAME`.
    pub otel_service: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub otel_attributes: Vec<(String, String)>,
    /// Whether `OTEL_TRACES_EXPORTER` turns tracing off.
    pub otel_off: bool,
    /// Whether `OTEL_TRACES_EXPORTER` asks for OTLP.
    pub otel_otlp: bool,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub otlp: Option<AgentAddress>,
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`.
    pub otlp_traces: Option<AgentAddress>,
    /// `OTEL_PROPAGATORS`.
    pub otel_styles: Option<Styles>,
    /// `DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH`.
    pub tags_max: Option<u16>,
    /// `DD_TRACE_CONFIG_FILE`.
    pub config_file: Option<PathBuf>,
    /// `DD_APPLICATION_MONITORING_CONFIG_FILE_ENABLED`.
    pub stable_enabled: bool,
    /// `SPANWIRE_STABLE_CONFIG_LOCAL`.
    pub stable_local: Option<PathBuf>,
    /// `SPANWIRE_STABLE_CONFIG_FLEET`.
    pub stable_fleet: Option<PathBuf>,
    /// `DD_TRACE_LOG_LEVEL`.
    pub level: Option<Levels>,
    /// `DD_LOG_LEVEL`.
    pub other_level: Option<Levels>,
    /// `OTEL_LOG_LEVEL`.
    pub otel_level: Option<Levels>,
    /// The level of Java's logger itself.
    pub java_level: Option<Levels>,
    /// `SPANWIRE_LOG_SINKS`.
    pub sinks: Sinks,
    /// `DD_TRACE_LOG_SINKS`.
    pub log_sinks: Option<Sinks>,
    /// `DD_TRACE_LOG_STREAM_HANDLER`.
    pub stream_handler: bool,
    /// `DD_CALL_BASIC_CONFIG`.
    pub basic_config: bool,
    /// `DD_TRACE_LOG_DIRECTORY`.
    pub folder: Option<PathBuf>,
    /// `DD_TRACE_LOG_PATH`.
    pub log_path: Option<PathBuf>,
    /// The file of Java's logger.
    pub java_file: Option<PathBuf>,
    /// `DD_MAX_LOGFILE_SIZE`.
    pub managed_max: u64,
    /// `DD_TRACE_LOGFILE_RETENTION_DAYS`.
    pub retention_days: u64,
    /// `SPANWIRE_LOG_FILE_MODE`.
    pub file_mode: u32,
    /// `DD_LOG_FORMAT_JSON`.
    pub json_enabled: bool,
    /// Parts of the value that was read last that cannot be used: their text, and why.
    pub left_out: Vec<(String, Rejection)>,
    /// `DD_SPAN_SAMPLING_RULES_FILE`.
    pub span_rules_file: Option<PathBuf>,
    /// `OTEL_TRACES_SAMPLER`, and whether that sampler follows the parent.
    pub otel_sampler: Option<(OtelSampler, bool)>,
    /// `OTEL_TRACES_SAMPLER_ARG`.
    pub otel_ratio: Option<f64>,
}

/// Returns a draft without any values, not even defaults.
pub(super) fn blank(languages: &'static Languages) -> Draft {
    let frozen = Settings {
        service: String::new(),
        env: String::new(),
        version: String::new(),
        tags: Vec::new(),
        hostname: String::new(),
        report_hostname: false,
        process_tags: false,
        external_env: None,
        git_repository_url: None,
        git_commit_sha: None,
        enabled: false,
        agent: AgentAddress::tcp("", 0),
        protocol: Protocol::default(),
        otlp_headers: Vec::new(),
        otlp_gzip: false,
        sampling: Sampling::default(),
        trace_id_128: false,
        propagation: Config::default(),
        baggage_tag_keys: Vec::new(),
        logs_injection: false,
        log_trace_id_128: false,
        partial_flush_enabled: false,
        partial_flush_min_spans: 0,
        flush_interval: Duration::ZERO,
        flush_bytes: 0,
        payload_max_bytes: 0,
        queue_max_bytes: 0,
        queue_max_chunks: 0,
        memory_max: 0,
        control: false,
        connect_timeout: Duration::ZERO,
        request_timeout: Duration::ZERO,
        retry_for: Duration::ZERO,
        remote_configuration: false,
        remote_interval: Duration::ZERO,
        debug: false,
        debug_level: Level::Off,
        log_level: Level::Off,
        log_level_given: false,
        log_rules: Vec::new(),
        startup_logs: false,
        startup_extra: Vec::new(),
        debug_abandoned_spans: false,
        abandoned_span_timeout: Duration::ZERO,
        log_dialect: String::new(),
        log_stderr: false,
        log_ring: false,
        log_to_file: false,
        log_file: None,
        log_file_size: 0,
        log_file_backups: 0,
        log_file_level: Level::Trace,
        log_place: None,
        log_native_place: None,
        logging_rate: None,
        gather_errors: None,
        once_logs: false,
        log_layout: Vec::new(),
        language: String::new(),
        language_version: String::new(),
        interpreter: String::new(),
        interpreter_vendor: String::new(),
        tracer_version: String::new(),
        unsupported: Vec::new(),
        config_ids: [None, None],
        values: Vec::new(),
    };
    let sinks = Sinks { stderr: false, file: false, ring: false };
    Draft {
        frozen,
        url: None,
        host: String::new(),
        port: 0,
        languages,
        language: (languages.of_host)(""),
        version: None,
        styles: None,
        styles_extract: None,
        styles_inject: None,
        old_styles_extract: None,
        old_styles_inject: None,
        otel_service: None,
        otel_attributes: Vec::new(),
        otel_off: false,
        otel_otlp: false,
        otlp: None,
        otlp_traces: None,
        otel_styles: None,
        tags_max: None,
        config_file: None,
        stable_enabled: false,
        stable_local: None,
        stable_fleet: None,
        level: None,
        other_level: None,
        otel_level: None,
        java_level: None,
        sinks,
        log_sinks: None,
        stream_handler: false,
        basic_config: false,
        folder: None,
        log_path: None,
        java_file: None,
        managed_max: 0,
        retention_days: 0,
        file_mode: 0,
        json_enabled: false,
        left_out: Vec::new(),
        span_rules_file: None,
        otel_sampler: None,
        otel_ratio: None,
    }
}
