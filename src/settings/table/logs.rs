//! The log's part of the table: debug mode, levels, sinks, files, and what is said how often.

use super::{computed, setting, Kind, Section, Setting};
use std::time::Duration;

/// A setting that only hosts in one language have.
const fn only(language: &'static str, setting: Setting) -> Setting {
    Setting { only: Some(language), ..setting }
}

pub(super) const LEVELS: Section = Section {
    title: "Debug mode and levels",
    about:
        "`DD_TRACE_DEBUG` wins over every level. At run time there are `spanwire_debug_set`, `spanwire_debug_set_for` \
            with a time limit, `spanwire_log_set_level` and `spanwire_log_set_logger_level`.",
    settings: LEVEL_SETTINGS,
};

pub(super) const SINKS: Section = Section {
    title: "Where records go",
    about: "A binding takes records from the ring and gives them to the host's own logger. What lands on standard error or \
            in a file needs no binding.",
    settings: SINK_SETTINGS,
};

pub(super) const FILES: Section = Section {
    title: "Log files",
    about: "The file that is used: Java's `logFile`, else `DD_TRACE_LOG_FILE`, else one in `DD_TRACE_LOG_DIRECTORY`, else \
            with .NET one in its default folder, else none. Sizes, backups and permissions that are set hold for any of \
            them.",
    settings: FILE_SETTINGS,
};

pub(super) const CONTENT: Section =
    Section { title: "What is logged, and how often", about: "", settings: CONTENT_SETTINGS };

pub(super) const JAVA: Section = Section {
    title: "How Java's logger prints",
    about: "Only for hosts in Java. The dotted names are system properties.",
    settings: JAVA_SETTINGS,
};

static LEVEL_SETTINGS: &[Setting] = &[
    setting(
        "DD_TRACE_DEBUG",
        Kind::Switch(|d, v| d.frozen.debug = v),
        "false",
        "Debug mode: a log line for each span, chunk and payload. Wins over `DD_TRACE_LOG_LEVEL`.",
    ),
    setting(
        "DD_TRACE_LOG_LEVEL",
        Kind::Levels(|d, v| d.level = Some(v)),
        "info",
        "What is logged while debug mode is off; with Node.js, what is logged within debug mode, by default `debug`. With \
         Java it is `warn` where start-up logs are off and no level is set.",
    ),
    setting(
        "DD_LOG_LEVEL",
        Kind::OtherLevels(|d, v| d.other_level = Some(v)),
        "",
        "Used where `DD_TRACE_LOG_LEVEL` is not set.",
    ),
    setting(
        "OTEL_LOG_LEVEL",
        Kind::OtelLevel(|d, v| d.otel_level = Some(v)),
        "",
        "The level where neither `DD_TRACE_LOG_LEVEL` nor `DD_LOG_LEVEL` is set. `debug`, `verbose`, `trace` and `all` \
         turn debug mode on where `DD_TRACE_DEBUG` is not set; with Java they are levels only.",
    ),
    only(
        "python",
        setting(
            "_DD_<LOGGER>_LOG_LEVEL",
            Kind::LoggerLevels,
            "",
            "The level of one of ddtrace's loggers and of those below it: `_DD_INTERNAL_WRITER_LOG_LEVEL` for \
             `ddtrace.internal.writer`. The nearest one wins, also over debug mode. Only for Python.",
        ),
    ),
    only(
        "java",
        setting(
            "datadog.slf4j.simpleLogger.defaultLogLevel",
            Kind::OtherLevels(|d, v| d.java_level = Some(v)),
            "",
            "Used where no other setting names a level. Only for Java.",
        ),
    ),
    only(
        "java",
        setting(
            "datadog.slf4j.simpleLogger.log.<logger>",
            Kind::LoggerLevels,
            "",
            "The level of a logger and of those below it, such as `datadog.trace.agent.core`. The nearest one wins, also \
             over debug mode. Only for Java.",
        ),
    ),
];

static SINK_SETTINGS: &[Setting] = &[
    computed(
        "SPANWIRE_LOG_SINKS",
        Kind::SinkNames(|d, v| d.sinks = v),
        "`stderr,ring`; with a log file `file,ring`; with Python see below",
        "Where log records go. `ring` is what a host polls or drains. Wins over the next three.",
    ),
    setting(
        "DD_TRACE_LOG_SINKS",
        Kind::DotnetSinks(|d, v| d.log_sinks = Some(v)),
        "",
        ".NET's names for the same: `console` is standard error. The ring stays.",
    ),
    setting(
        "DD_TRACE_LOG_STREAM_HANDLER",
        Kind::Switch(|d, v| d.stream_handler = v),
        "true",
        "With Python: whether records go to standard error, also beside a log file. Where the host stands in for ddtrace \
         before version 2, only with Python 3; before 1.3.2 see `DD_CALL_BASIC_CONFIG`.",
    ),
    setting(
        "DD_CALL_BASIC_CONFIG",
        Kind::Switch(|d, v| d.basic_config = v),
        "false",
        "With Python, where the host stands in for ddtrace before 1.3.2: whether records go to standard error.",
    ),
    computed(
        "SPANWIRE_LOG_DIALECT",
        Kind::Dialect(|d, v| d.frozen.log_dialect = v),
        "that of `SPANWIRE_LANGUAGE`, else `native`",
        "How a record reads: our own lines, one JSON object per line, or as the tracer of that language writes it: as its \
         documentation shows it, or with `@source` as its current source has it.",
    ),
];

static FILE_SETTINGS: &[Setting] = &[
    setting(
        "DD_TRACE_LOG_FILE",
        Kind::Path(|d, v| d.frozen.log_file = Some(v)),
        "",
        "The log file. `/dev/stdout`, `/dev/stderr` and `/dev/fd/N` mean a copy of that descriptor.",
    ),
    setting(
        "DD_TRACE_LOG_FILE_SIZE_BYTES",
        Kind::Number(0..=1_099_511_627_776, "bytes", |d, v| d.frozen.log_file_size = v),
        "15728640",
        "The size at which the log file is rotated; 0 means never. Where it is not set, the files of PHP, Go and Java are \
         never rotated.",
    ),
    computed(
        "DD_TRACE_LOG_FILE_LEVEL",
        Kind::FileLevel(|d, v| d.frozen.log_file_level = v),
        "everything that is logged",
        "The least important level that goes to the log file.",
    ),
    computed(
        "DD_TRACE_LOG_DIRECTORY",
        Kind::Folder(|d, v| d.folder = Some(v)),
        "not set; with .NET `/var/log/datadog/dotnet`, in an injected container `/datadog-lib/logs`, in an Azure App \
         Service `/home/LogFiles/datadog`",
        "The folder of log files. With .NET there are two, for managed and native code; where it cannot be used, they are \
         in the system's temporary folder. With Go it is `ddtrace.log`, and the folder must exist. Elsewhere it is \
         `spanwire-<process>-<pid>.log`.",
    ),
    setting(
        "DD_TRACE_LOG_PATH",
        Kind::Path(|d, v| d.log_path = Some(v)),
        "",
        "Deprecated: its folder is used where `DD_TRACE_LOG_DIRECTORY` is not set.",
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
        "Files in the folder of log files that nobody has written to for so many days are deleted when a log file is \
         opened; 0 means never. Without .NET only where it is set.",
    ),
    setting(
        "SPANWIRE_LOG_FILE_BACKUPS",
        Kind::Number(0..=100, "files", |d, v| d.frozen.log_file_backups = v as u32),
        "1",
        "How many rotated files are kept beside the log file; with .NET 30 where it is not set.",
    ),
    setting(
        "SPANWIRE_LOG_FILE_MODE",
        Kind::FileMode(|d, v| d.file_mode = v),
        "0600",
        "The permissions of a new log file, whatever the umask. The owner must be able to write. Processes of several \
         users need `0666` to share a file.",
    ),
    only(
        "java",
        setting(
            "datadog.slf4j.simpleLogger.logFile",
            Kind::JavaFile(|d, v| d.java_file = Some(v)),
            "",
            "The log file. Folders on its way are made, and it begins anew. Where it cannot be opened, records go to \
             standard error. Only for Java.",
        ),
    ),
];

static CONTENT_SETTINGS: &[Setting] = &[
    setting(
        "DD_TRACE_STARTUP_LOGS",
        Kind::Switch(|d, v| d.frozen.startup_logs = v),
        "true",
        "The start-up line, `DATADOG TRACER CONFIGURATION`, once the Agent has first answered or failed.",
    ),
    setting(
        "SPANWIRE_STARTUP_EXTRA",
        Kind::JsonObject(|d, v| d.frozen.startup_extra = v),
        "",
        "What the host adds to the start-up line: a JSON object, whose fields replace those of the same name.",
    ),
    setting(
        "DD_TRACE_DEBUG_ABANDONED_SPANS",
        Kind::Switch(|d, v| d.frozen.debug_abandoned_spans = v),
        "false",
        "Looks for spans that nobody finishes: logs them once a minute, and all that are open at the end.",
    ),
    setting(
        "DD_TRACE_ABANDONED_SPAN_TIMEOUT",
        Kind::GoDuration(|d, v| d.frozen.abandoned_span_timeout = v),
        "10m",
        "How long a span is open before it counts as one of them.",
    ),
    computed(
        "DD_TRACE_LOGGING_RATE",
        Kind::Number(0..=86_400, "seconds", |d, v| d.frozen.logging_rate = Some(v)),
        "60 with Python, 0 with .NET",
        "For how long repetitions of a record are held back, with Python and .NET; 0 means that all are logged.",
    ),
    computed(
        "DD_LOGGING_RATE",
        Kind::Number(0..=86_400, "seconds", |d, v| d.frozen.gather_errors = Some(Duration::from_secs(v))),
        "60 with Go, else not set",
        "For how long errors are gathered before they are logged with their number; 0 means each at once.",
    ),
    setting(
        "DD_TRACE_ONCE_LOGS",
        Kind::Switch(|d, v| d.frozen.once_logs = v),
        "true",
        "Logs a rejected setting, and what PHP's tracer says once only, once in a process.",
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
            "One JSON object per line. `datadog.slf4j.simpleLogger.jsonEnabled` is the same.",
        ),
    ),
    layout("datadog.slf4j.simpleLogger.showDateTime", "showDateTime", "The time in front."),
    layout("datadog.slf4j.simpleLogger.dateTimeFormat", "dateTimeFormat", "How the time is written."),
    layout("datadog.slf4j.simpleLogger.showThreadName", "showThreadName", "The thread's name."),
    layout("datadog.slf4j.simpleLogger.showLogName", "showLogName", "The logger's name."),
    layout("datadog.slf4j.simpleLogger.showShortLogName", "showShortLogName", "Its last part only."),
    layout("datadog.slf4j.simpleLogger.levelInBrackets", "levelInBrackets", "The level in brackets."),
    layout("datadog.slf4j.simpleLogger.warnLevelString", "warnLevelString", "The word for the level of warnings."),
    layout("datadog.slf4j.simpleLogger.embedException", "embedException", "Exceptions on the line of their message."),
    layout("datadog.slf4j.simpleLogger.cacheOutputStream", "cacheOutputStream", "Taken, and changes nothing."),
];
