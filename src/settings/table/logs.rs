//! Settings for the log: debug mode, levels, sinks, files, contents and repetition.

use super::{computed, setting, Kind, Section, Setting};
use std::time::Duration;

/// Restricts a setting to hosts in one language.
const fn only(language: &'static str, setting: Setting) -> Setting {
    Setting { only: Some(language), ..setting }
}

pub(super) const LEVELS: Section = Section {
    title: "Debug mode and levels",
    about:
        "`DD_TRACE_DEBUG` overrides every level. A running process changes them with `spanwire_debug_set`, \
            `spanwire_debug_set_for` (with a time limit), `spanwire_log_set_level` and `spanwire_log_set_logger_level`.",
    settings: LEVEL_SETTINGS,
};

pub(super) const SINKS: Section = Section {
    title: "Where records go",
    about:
        "A binding pulls records from the ring and passes them to the host's own logger. The library itself writes to \
            standard error and to files.",
    settings: SINK_SETTINGS,
};

pub(super) const FILES: Section = Section {
    title: "Log files",
    about: "The log file is the first of these that is set: Java's `logFile`, `DD_TRACE_LOG_FILE`, a file in \
            `DD_TRACE_LOG_DIRECTORY`. If none is set, .NET hosts use a file in their default folder, and other hosts \
            none. Settings for size, backups and permissions apply to each of them.",
    settings: FILE_SETTINGS,
};

pub(super) const CONTENT: Section = Section { title: "Contents and repetition", about: "", settings: CONTENT_SETTINGS };

pub(super) const JAVA: Section = Section {
    title: "Format of Java's logger",
    about: "Only for hosts in Java. The dotted names are system properties.",
    settings: JAVA_SETTINGS,
};

static LEVEL_SETTINGS: &[Setting] = &[
    setting(
        "DD_TRACE_DEBUG",
        Kind::Switch(|d, v| d.frozen.debug = v),
        "false",
        "Debug mode: a log line for each span, chunk and payload. Overrides `DD_TRACE_LOG_LEVEL`.",
    ),
    setting(
        "DD_TRACE_LOG_LEVEL",
        Kind::Levels(|d, v| d.level = Some(v)),
        "info",
        "The lowest level that is logged while debug mode is off. Node.js: the lowest level that debug mode logs, by \
         default `debug`. Java: `warn` if start-up logs are off and no level is set.",
    ),
    setting(
        "DD_LOG_LEVEL",
        Kind::OtherLevels(|d, v| d.other_level = Some(v)),
        "",
        "Used if `DD_TRACE_LOG_LEVEL` is not set.",
    ),
    setting(
        "OTEL_LOG_LEVEL",
        Kind::OtelLevel(|d, v| d.otel_level = Some(v)),
        "",
        "The level if neither `DD_TRACE_LOG_LEVEL` nor `DD_LOG_LEVEL` is set. `debug`, `verbose`, `trace` and `all` also \
         turn on debug mode if `DD_TRACE_DEBUG` is not set, except with Java.",
    ),
    only(
        "python",
        setting(
            "_DD_<LOGGER>_LOG_LEVEL",
            Kind::LoggerLevels,
            "",
            "The level of one of ddtrace's loggers and of those below it: `_DD_INTERNAL_WRITER_LOG_LEVEL` for \
             `ddtrace.internal.writer`. The nearest logger with a level decides, also in debug mode. Only for Python.",
        ),
    ),
    only(
        "java",
        setting(
            "datadog.slf4j.simpleLogger.defaultLogLevel",
            Kind::OtherLevels(|d, v| d.java_level = Some(v)),
            "",
            "Used if no other setting sets a level. Only for Java.",
        ),
    ),
    only(
        "java",
        setting(
            "datadog.slf4j.simpleLogger.log.<logger>",
            Kind::LoggerLevels,
            "",
            "The level of a logger and of those below it, such as `datadog.trace.agent.core`. The nearest logger with a \
             level decides, also in debug mode. Only for Java.",
        ),
    ),
];

static SINK_SETTINGS: &[Setting] = &[
    computed(
        "SPANWIRE_LOG_SINKS",
        Kind::SinkNames(|d, v| d.sinks = v),
        "`stderr,ring`; with a log file `file,ring`; with Python see below",
        "Where log records go. The host polls or drains the `ring`. Overrides the next three settings.",
    ),
    setting(
        "DD_TRACE_LOG_SINKS",
        Kind::DotnetSinks(|d, v| d.log_sinks = Some(v)),
        "",
        ".NET's names for the same: `console` is standard error. The ring stays in use.",
    ),
    setting(
        "DD_TRACE_LOG_STREAM_HANDLER",
        Kind::Switch(|d, v| d.stream_handler = v),
        "true",
        "Python: whether records go to standard error, in addition to a log file. If the host replaces ddtrace before \
         version 2, only with Python 3; before 1.3.2 see `DD_CALL_BASIC_CONFIG`.",
    ),
    setting(
        "DD_CALL_BASIC_CONFIG",
        Kind::Switch(|d, v| d.basic_config = v),
        "false",
        "Python, if the host replaces ddtrace before 1.3.2: whether records go to standard error.",
    ),
    computed(
        "SPANWIRE_LOG_DIALECT",
        Kind::Dialect(|d, v| d.frozen.log_dialect = v),
        "that of `SPANWIRE_LANGUAGE`, else `native`",
        "The format of records: `native`, one JSON object per line, or the lines of that language's tracer, as its \
         documentation shows them, or with `@source` as its current source code writes them.",
    ),
];

static FILE_SETTINGS: &[Setting] = &[
    setting(
        "DD_TRACE_LOG_FILE",
        Kind::Path(|d, v| d.frozen.log_file = Some(v)),
        "",
        "The log file. `/dev/stdout`, `/dev/stderr` and `/dev/fd/N` write to a copy of that descriptor.",
    ),
    setting(
        "DD_TRACE_LOG_FILE_SIZE_BYTES",
        Kind::Number(0..=1_099_511_627_776, "bytes", |d, v| d.frozen.log_file_size = v),
        "15728640",
        "The size at which the log file is rotated; 0 means never. If it is not set, the files of PHP, Go and Java are \
         never rotated.",
    ),
    computed(
        "DD_TRACE_LOG_FILE_LEVEL",
        Kind::FileLevel(|d, v| d.frozen.log_file_level = v),
        "everything that is logged",
        "The lowest level that goes to the log file.",
    ),
    computed(
        "DD_TRACE_LOG_DIRECTORY",
        Kind::Folder(|d, v| d.folder = Some(v)),
        "not set; with .NET `/var/log/datadog/dotnet`, in an injected container `/datadog-lib/logs`, in an Azure App \
         Service `/home/LogFiles/datadog`",
        "The folder of log files. .NET writes two files, for managed and native code; if the folder cannot be used, they \
         are in the system's temporary folder. Go writes `ddtrace.log`, and the folder must exist. Other hosts write \
         `spanwire-<process>-<pid>.log`.",
    ),
    setting(
        "DD_TRACE_LOG_PATH",
        Kind::Path(|d, v| d.log_path = Some(v)),
        "",
        "Deprecated: its folder is used if `DD_TRACE_LOG_DIRECTORY` is not set.",
    ),
    setting(
        "DD_MAX_LOGFILE_SIZE",
        Kind::Number(0..=1_099_511_627_776, "bytes", |d, v| d.managed_max = v),
        "10485760",
        "The size at which .NET's file of managed code is rotated; 0 means never.",
    ),
    setting(
        "DD_TRACE_LOGFILE_RETENTION_DAYS",
        Kind::Number(0..=36_500, "days", |d, v| d.retention_days = v),
        "32",
        "When a log file is opened, log files in the folder that were not written to for so many days are deleted; 0 means \
         never. Hosts other than .NET delete files only if this is set.",
    ),
    setting(
        "SPANWIRE_LOG_FILE_BACKUPS",
        Kind::Number(0..=100, "files", |d, v| d.frozen.log_file_backups = v as u32),
        "1",
        "The number of rotated files that are kept; .NET keeps 30 if it is not set.",
    ),
    setting(
        "SPANWIRE_LOG_FILE_MODE",
        Kind::FileMode(|d, v| d.file_mode = v),
        "0600",
        "The permissions of a new log file, independent of the umask. The owner must be able to write. Processes of several \
         users need `0666` to share a file.",
    ),
    only(
        "java",
        setting(
            "datadog.slf4j.simpleLogger.logFile",
            Kind::JavaFile(|d, v| d.java_file = Some(v)),
            "",
            "The log file. Missing folders are created, and the file is truncated. If it cannot be opened, records go to \
             standard error. Only for Java.",
        ),
    ),
];

static CONTENT_SETTINGS: &[Setting] = &[
    setting(
        "DD_TRACE_STARTUP_LOGS",
        Kind::Switch(|d, v| d.frozen.startup_logs = v),
        "true",
        "Logs the start-up line, `DATADOG TRACER CONFIGURATION`, once the Agent has first answered or failed.",
    ),
    setting(
        "SPANWIRE_STARTUP_EXTRA",
        Kind::JsonObject(|d, v| d.frozen.startup_extra = v),
        "",
        "Fields that the host adds to the start-up line: a JSON object. They replace fields of the same name.",
    ),
    setting(
        "DD_TRACE_DEBUG_ABANDONED_SPANS",
        Kind::Switch(|d, v| d.frozen.debug_abandoned_spans = v),
        "false",
        "Logs abandoned spans once a minute, and all open spans at the end.",
    ),
    setting(
        "DD_TRACE_ABANDONED_SPAN_TIMEOUT",
        Kind::GoDuration(|d, v| d.frozen.abandoned_span_timeout = v),
        "10m",
        "The time after which an open span counts as abandoned.",
    ),
    computed(
        "DD_TRACE_LOGGING_RATE",
        Kind::Number(0..=86_400, "seconds", |d, v| d.frozen.logging_rate = Some(v)),
        "60 with Python, 0 with .NET",
        "Python and .NET: the time in which a record is not repeated; 0 means that all are logged.",
    ),
    computed(
        "DD_LOGGING_RATE",
        Kind::Number(0..=86_400, "seconds", |d, v| d.frozen.gather_errors = Some(Duration::from_secs(v))),
        "60 with Go, else not set",
        "The time in which errors of one kind are gathered before they are logged with their number; 0 means each at once.",
    ),
    setting(
        "DD_TRACE_ONCE_LOGS",
        Kind::Switch(|d, v| d.frozen.once_logs = v),
        "true",
        "Logs a rejected setting, and the messages that PHP's tracer limits, only once in a process.",
    ),
];

const fn layout(name: &'static str, property: &'static str, about: &'static str) -> Setting {
    only("java", setting(name, Kind::JavaLayout(property), "", about))
}

static JAVA_SETTINGS: &[Setting] = &[
    only(
        "java",
        setting(
            "DD_LOG_FORMAT_JSON",
            Kind::Switch(|d, v| d.json_enabled = v),
            "false",
            "Writes one JSON object per line. `datadog.slf4j.simpleLogger.jsonEnabled` is the same.",
        ),
    ),
    layout("datadog.slf4j.simpleLogger.showDateTime", "showDateTime", "Whether a line begins with the time."),
    layout("datadog.slf4j.simpleLogger.dateTimeFormat", "dateTimeFormat", "The format of the time."),
    layout("datadog.slf4j.simpleLogger.showThreadName", "showThreadName", "Whether a line has the thread's name."),
    layout("datadog.slf4j.simpleLogger.showLogName", "showLogName", "Whether a line has the logger's name."),
    layout(
        "datadog.slf4j.simpleLogger.showShortLogName",
        "showShortLogName",
        "Whether a line has only the last part of the logger's name.",
    ),
    layout("datadog.slf4j.simpleLogger.levelInBrackets", "levelInBrackets", "Whether the level is in brackets."),
    layout("datadog.slf4j.simpleLogger.warnLevelString", "warnLevelString", "The word for the level of warnings."),
    layout(
        "datadog.slf4j.simpleLogger.embedException",
        "embedException",
        "Whether exceptions are on the line of their message.",
    ),
    layout("datadog.slf4j.simpleLogger.cacheOutputStream", "cacheOutputStream", "Accepted without effect."),
];

/// Fields for the application's own log.
pub(super) static CORRELATION: &[Setting] = &[
    setting(
        "DD_LOGS_INJECTION",
        Kind::Switch(|d, v| d.frozen.logs_injection = v),
        "true",
        "`spanwire_log_correlation()`, and the integrations for loggers that call it, write `dd.trace_id`, `dd.span_id`, \
         `dd.service`, `dd.env` and `dd.version` for the application's log; `false`: they write nothing.",
    ),
    setting(
        "DD_TRACE_128_BIT_TRACEID_LOGGING_ENABLED",
        Kind::Switch(|d, v| d.frozen.log_trace_id_128 = v),
        "true",
        "`dd.trace_id` of an id with 128 bits is 32 hexadecimal digits; `false`: its low 64 bits in decimal.",
    ),
];
