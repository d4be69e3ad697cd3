//! How the Java tracer's logger lays out a record: a clone of SLF4J's SimpleLogger, with a JSON layout beside the text.
//! `settings.rs` reads the properties about files and levels: `logFile`, `defaultLogLevel` and `log.<name>`.

use super::date::Pattern;
use crate::languages::language::Form;
use crate::languages::line::{Frame, Line};
use crate::languages::text::inline;
use crate::level::Level;
use crate::settings::Rejection;
use crate::sys;
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::OnceLock;

/// The date pattern that the agent sets by default.
const AGENT_DATE: &str = "'[dd.trace 'yyyy-MM-dd HH:mm:ss:SSS Z']'";
/// The same for the JSON layout.
const JSON_DATE: &str = "yyyy-MM-dd'T'HH:mm:ss.SSSZ";

/// How the Java tracer's logger is set up. By default as the page shows it, without a date; in the current source's
/// form, with the date that the agent sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `None` if the form decides.
    show_date_time: Option<bool>,
    date_time_format: Option<Pattern>,
    show_thread_name: bool,
    show_log_name: bool,
    show_short_log_name: bool,
    level_in_brackets: bool,
    warn_level_string: Option<String>,
    json_enabled: bool,
    embed_exception: bool,
}

impl Default for Layout {
    fn default() -> Layout {
        started_ns();
        Layout {
            show_date_time: None,
            date_time_format: None,
            show_thread_name: true,
            show_log_name: true,
            show_short_log_name: false,
            level_in_brackets: false,
            warn_level_string: None,
            json_enabled: false,
            embed_exception: false,
        }
    }
}

/// A record before it is laid out. All texts are redacted and on one line.
pub(super) struct Record<'a> {
    pub level: Level,
    /// The level's name if it is none of the usual ones.
    pub shown: Option<&'static str>,
    pub thread: &'a str,
    pub logger: Cow<'static, str>,
    pub message: &'a str,
    pub exception: Option<&'a Exception>,
}

/// An exception without a stack.
pub(super) struct Exception {
    pub class: &'static str,
    pub message: String,
}

impl Layout {
    /// Makes the layout with these properties. Values that cannot be used were rejected when the settings were read.
    pub fn of(properties: &[(&'static str, String)]) -> Layout {
        let mut layout = Layout::default();
        for (property, value) in properties {
            let _ = layout.set(property, value);
        }
        layout
    }

    /// Sets one of SimpleLogger's properties, named without `datadog.slf4j.simpleLogger.`: `showDateTime`,
    /// `dateTimeFormat`, `showThreadName`, `showLogName`, `showShortLogName`, `levelInBrackets`, `warnLevelString`,
    /// `jsonEnabled`, `embedException`; `cacheOutputStream` is accepted and changes nothing.
    ///
    /// # Errors
    /// Returns why the value cannot be used, or that the layout has no such property; then nothing has changed.
    pub fn set(&mut self, property: &str, value: &str) -> Result<(), Rejection> {
        match property {
            "showDateTime" => self.show_date_time = Some(flag(value)?),
            "dateTimeFormat" => self.date_time_format = Some(Pattern::parse(value)?),
            "showThreadName" => self.show_thread_name = flag(value)?,
            "showLogName" => self.show_log_name = flag(value)?,
            "showShortLogName" => self.show_short_log_name = flag(value)?,
            "levelInBrackets" => self.level_in_brackets = flag(value)?,
            "warnLevelString" if value.chars().any(char::is_control) => {
                return Err(Rejection::ControlCharacterInLevelName);
            }
            "warnLevelString" => self.warn_level_string = Some(value.into()),
            "jsonEnabled" => self.json_enabled = flag(value)?,
            "embedException" => self.embed_exception = flag(value)?,
            "cacheOutputStream" => {
                flag(value)?;
            }
            other => return Err(Rejection::UnknownLayoutProperty { name: other.into() }),
        }
        Ok(())
    }

    /// Lays out a record.
    pub(super) fn line(&self, form: Form, frame: &Frame<'_>, record: Record<'_>) -> Line {
        if self.json_enabled {
            return self.json(frame, record);
        }
        let mut prefix = String::with_capacity(96 + record.logger.len());
        // Setting the date's format turns the date on.
        if self.show_date_time.unwrap_or(form == Form::Source || self.date_time_format.is_some()) {
            match (&self.date_time_format, self.show_date_time) {
                (Some(pattern), _) => pattern.print(&frame.local(), &mut prefix),
                (None, Some(_)) if form == Form::Page => {
                    let _ = write!(prefix, "{}", since_start(frame.time_ns, started_ns()));
                }
                (None, _) => agent_date().print(&frame.local(), &mut prefix),
            }
            prefix.push(' ');
        }
        if self.show_thread_name {
            let _ = write!(prefix, "[{}] ", inline(record.thread));
        }
        let level = record.shown.unwrap_or_else(|| self.level(record.level));
        if self.level_in_brackets {
            let _ = write!(prefix, "[{level}] ");
        } else {
            let _ = write!(prefix, "{level} ");
        }
        let logger = self.name(&record.logger);
        if !logger.is_empty() {
            let _ = write!(prefix, "{logger} - ");
        }
        let Some(exception) = record.exception else {
            return Line::new(record.level, record.logger, prefix, record.message);
        };
        let message = if self.embed_exception {
            format!("{} [exception:{}: {}.]", record.message, exception.class, exception.message)
        } else {
            format!("{}\n{}: {}", record.message, exception.class, exception.message)
        };
        Line::new(record.level, record.logger, prefix, &message)
    }

    fn json(&self, frame: &Frame<'_>, record: Record<'_>) -> Line {
        let mut text = String::with_capacity(192 + record.message.len());
        text.push_str("{\"origin\":\"dd.trace\"");
        if self.show_date_time != Some(false) {
            let mut date = String::with_capacity(32);
            self.date_time_format.as_ref().unwrap_or(json_date()).print(&frame.local(), &mut date);
            member(&mut text, "date", &date);
        }
        if self.show_thread_name {
            member(&mut text, "logger.thread_name", &inline(record.thread));
        }
        member(&mut text, "level", record.shown.unwrap_or_else(|| self.level(record.level)));
        let logger = self.name(&record.logger);
        if !logger.is_empty() {
            member(&mut text, "logger.name", logger);
        }
        member(&mut text, "message", record.message);
        if let Some(exception) = record.exception {
            text.push_str(",\"exception\":{\"message\":");
            quote(&mut text, &exception.message);
            text.push_str(",\"stackTrace\":[]}");
        }
        text.push('}');
        // The whole object is the message: a logger of the host adds nothing in front.
        Line::new(record.level, record.logger, String::new(), &text)
    }

    fn level(&self, level: Level) -> &str {
        match (level, &self.warn_level_string) {
            (Level::Warn, Some(word)) => word,
            (Level::Off | Level::Error, _) => "ERROR",
            (Level::Warn, None) => "WARN",
            (Level::Info, _) => "INFO",
            (Level::Debug, _) => "DEBUG",
            (Level::Trace, _) => "TRACE",
        }
    }

    fn name<'a>(&self, logger: &'a str) -> &'a str {
        match (self.show_short_log_name, self.show_log_name) {
            (true, _) => logger.rsplit('.').next().unwrap_or(logger),
            (false, true) => logger,
            (false, false) => "",
        }
    }
}

/// Reads true or false. Java takes every other text for false; here it is an error.
fn flag(value: &str) -> Result<bool, Rejection> {
    match value.trim() {
        value if value.eq_ignore_ascii_case("true") => Ok(true),
        value if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Rejection::NotTrueOrFalse),
    }
}

fn member(out: &mut String, key: &str, value: &str) {
    let _ = write!(out, ",\"{key}\":");
    quote(out, value);
}

fn quote(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns the milliseconds since the log began.
fn since_start(time_ns: u64, started_ns: u64) -> u64 {
    time_ns.saturating_sub(started_ns) / 1_000_000
}

fn started_ns() -> u64 {
    static STARTED: OnceLock<u64> = OnceLock::new();
    *STARTED.get_or_init(sys::wall_ns)
}

fn agent_date() -> &'static Pattern {
    static PATTERN: OnceLock<Pattern> = OnceLock::new();
    PATTERN.get_or_init(|| sys::outliving(|| own(AGENT_DATE)))
}

fn json_date() -> &'static Pattern {
    static PATTERN: OnceLock<Pattern> = OnceLock::new();
    PATTERN.get_or_init(|| sys::outliving(|| own(JSON_DATE)))
}

/// Parses one of the patterns above. A test shows that both are valid.
fn own(pattern: &str) -> Pattern {
    Pattern::parse(pattern).unwrap_or(Pattern::EMPTY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::limits::HeldBack;
    use crate::languages::worked::{about, TIME_NS};
    use crate::zone::Zone;

    fn line(layout: &Layout, form: Form, level: Level, message: &str, exception: bool) -> Line {
        let (about, zone) = (about("jvm", "1.64.0"), Zone::default());
        let held_back = HeldBack::default();
        let frame = Frame {
            time_ns: TIME_NS,
            pid: 476,
            thread: "main",
            held_back,
            debug: true,
            about: &about,
            zone: &zone,
            remembered: None,
        };
        let thrown = Exception { class: "java.io.IOException", message: "a \"b\"".into() };
        let exception = exception.then_some(&thrown);
        layout.line(
            form,
            &frame,
            Record { level, shown: None, thread: "main", logger: "dd.a.Cart".into(), message, exception },
        )
    }

    fn text(set: &[(&str, &str)], form: Form, level: Level) -> String {
        let mut layout = Layout::default();
        for (property, value) in set {
            layout.set(property, value).expect("a property of the layout");
        }
        line(&layout, form, level, "msg", false).text
    }

    #[test]
    fn the_page_shows_no_date_and_the_source_the_agents() {
        assert_eq!(text(&[], Form::Page, Level::Debug), "[main] DEBUG dd.a.Cart - msg");
        let today = "[dd.trace 2026-11-24 16:06:35:147 +0000] [main] WARN dd.a.Cart - msg";
        assert_eq!(text(&[], Form::Source, Level::Warn), today);
    }

    #[test]
    fn each_property_does_what_simple_logger_says() {
        let page = |property, value, level| text(&[(property, value)], Form::Page, level);
        assert_eq!(page("showThreadName", "false", Level::Info), "INFO dd.a.Cart - msg");
        assert_eq!(page("showLogName", "FALSE", Level::Info), "[main] INFO msg");
        assert_eq!(page("showShortLogName", "true", Level::Info), "[main] INFO Cart - msg");
        assert_eq!(page("levelInBrackets", "true", Level::Error), "[main] [ERROR] dd.a.Cart - msg");
        assert_eq!(page("warnLevelString", "WARNING", Level::Warn), "[main] WARNING dd.a.Cart - msg");
        assert_eq!(page("warnLevelString", "WARNING", Level::Trace), "[main] TRACE dd.a.Cart - msg");
        assert_eq!(page("dateTimeFormat", "HH:mm", Level::Info), "16:06 [main] INFO dd.a.Cart - msg");
        let hidden = [("dateTimeFormat", "HH:mm"), ("showDateTime", "false")];
        assert_eq!(text(&hidden, Form::Source, Level::Info), "[main] INFO dd.a.Cart - msg");
    }

    #[test]
    fn a_date_without_a_format_counts_from_the_start() {
        assert_eq!(since_start(5_900_000, 2_000_000), 3);
        let shown = text(&[("showDateTime", "true")], Form::Page, Level::Info);
        let (count, rest) = shown.split_once(' ').expect("a count in front");
        assert!(count.parse::<u64>().is_ok() && rest == "[main] INFO dd.a.Cart - msg", "{shown}");
    }

    #[test]
    fn json_has_its_keys_in_the_tracers_order() {
        let mut layout = Layout::default();
        assert_eq!(layout.set("jsonEnabled", "true"), Ok(()));
        let line = line(&layout, Form::Page, Level::Debug, "say \"hi\" \\n", true);
        let want =
            "{\"origin\":\"dd.trace\",\"date\":\"2026-11-24T16:06:35.147+0000\",\"logger.thread_name\":\"main\",\
                    \"level\":\"DEBUG\",\"logger.name\":\"dd.a.Cart\",\"message\":\"say \\\"hi\\\" \\\\n\",\
                    \"exception\":{\"message\":\"a \\\"b\\\"\",\"stackTrace\":[]}}";
        assert_eq!((line.text.as_str(), line.message_at, line.logger.as_ref()), (want, 0, "dd.a.Cart"));
        assert!(serde_json::from_str::<serde_json::Value>(&line.text).is_ok());
    }

    #[test]
    fn exceptions_come_behind_the_line_or_in_it() {
        let mut layout = Layout::default();
        let behind = line(&layout, Form::Page, Level::Debug, "msg", true);
        assert_eq!(behind.text, "[main] DEBUG dd.a.Cart - msg\njava.io.IOException: a \"b\"");
        assert_eq!(layout.set("embedException", "true"), Ok(()));
        let inside = line(&layout, Form::Page, Level::Debug, "msg", true);
        assert_eq!(inside.text, "[main] DEBUG dd.a.Cart - msg [exception:java.io.IOException: a \"b\".]");
    }

    #[test]
    fn what_cannot_be_set_is_told_and_changes_nothing() {
        let mut layout = Layout::default();
        for (property, value) in [
            ("logFile", "System.out"),
            ("showdatetime", "true"),
            ("showDateTime", "yes"),
            ("dateTimeFormat", "yyyy 'T"),
            ("warnLevelString", "a\nb"),
        ] {
            assert!(layout.set(property, value).is_err(), "{property}");
        }
        assert_eq!(layout, Layout::default());
        assert_eq!(layout.set("cacheOutputStream", "true"), Ok(()));
        assert_ne!((agent_date(), json_date()), (&Pattern::EMPTY, &Pattern::EMPTY));
    }
}
