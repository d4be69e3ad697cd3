//! Translates a tracer's settings into the configuration of the process's log.

use super::state::State;
use crate::event::Event;
use crate::host;
use crate::log::{About, Dialect, LogConfig, Zone};
use crate::redact;
use crate::settings::{Rejected, Settings};

/// Configures the log for the first tracer, and logs which settings of a tracer are invalid or unsupported.
pub(super) fn configure(state: &State, settings: &Settings, tz: Option<&str>, rejected: &[Rejected]) {
    let logs = &state.shared.logs;
    if !logs.configure(&config(settings, tz)) {
        logs.emit(&Event::LogSettingsDiffer);
    }
    if !settings.unsupported.is_empty() {
        logs.emit(&Event::SettingsUnsupported { names: &settings.unsupported });
    }
    for Rejected { name, value, origin, why } in rejected {
        logs.emit(&Event::SettingRejected { name, value, origin: *origin, why });
    }
}

/// Makes the log's configuration. `tz` is the environment variable `TZ`.
fn config(settings: &Settings, tz: Option<&str>) -> LogConfig {
    let named = Dialect::from_name(&settings.log_dialect);
    let dialect = named.unwrap_or_else(|| Dialect::of_language(&settings.language));
    LogConfig {
        level: settings.log_level,
        level_given: settings.log_level_given,
        debug: settings.debug,
        debug_level: settings.debug_level,
        rules: settings.log_rules.clone(),
        dialect,
        about: about(settings),
        zone: if dialect.needs_local_time() { Zone::of_process(tz) } else { Zone::default() },
        stderr: settings.log_stderr,
        ring: settings.log_ring,
        file: settings.log_place.clone(),
        file_level: settings.log_file_level,
        native_file: settings.log_native_place.clone(),
        rate: settings.logging_rate,
        once: settings.once_logs,
        aggregate: settings.gather_errors,
    }
}

/// Collects what log lines say about the process, redacted.
pub(super) fn about(settings: &Settings) -> About {
    let shown = |text: &str| redact::text(text).into_owned();
    About {
        service: shown(&settings.service),
        env: shown(&settings.env),
        version: shown(&settings.version),
        language: shown(&settings.language),
        language_version: shown(&settings.language_version),
        interpreter: shown(&settings.interpreter),
        tracer_version: shown(&settings.tracer_version),
        process: shown(&host::process_name()),
        calls: Dialect::of_language(&settings.language).language.calls,
        layout: settings.log_layout.clone(),
        once: settings.once_logs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;
    use std::path::Path;
    use std::time::Duration;

    fn config_of(settings: &[(&str, &str)]) -> LogConfig {
        let code: Vec<(String, String)> =
            settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (settings, rejected) = Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS);
        assert_eq!(rejected, []);
        config(&settings, None)
    }

    #[test]
    fn what_the_settings_say_reaches_the_log() {
        let dotnet = config_of(&[
            ("SPANWIRE_LANGUAGE", "dotnet"),
            ("DD_TRACE_LOG_DIRECTORY", "/srv/logs"),
            ("DD_TRACE_LOG_FILE_LEVEL", "warn"),
            ("DD_TRACE_LOGGING_RATE", "30"),
            ("DD_TRACE_ONCE_LOGS", "false"),
        ]);
        assert_eq!(dotnet.file.as_ref().and_then(|file| file.path.parent()), Some(Path::new("/srv/logs")));
        assert!(dotnet.native_file.is_some() && !dotnet.stderr && dotnet.ring);
        assert_eq!((dotnet.file_level, dotnet.rate, dotnet.once), (Level::Warn, Some(30), false));
        assert!(!dotnet.about.once);
        let node = config_of(&[("SPANWIRE_LANGUAGE", "nodejs"), ("logLevel", "error"), ("DD_TRACE_DEBUG", "1")]);
        assert_eq!((node.debug, node.debug_level, node.level_given), (true, Level::Error, false));
        let php = config_of(&[("SPANWIRE_LANGUAGE", "php"), ("datadog.trace.log_level", "warn,span=trace")]);
        assert_eq!(
            (php.level, php.level_given, php.rules.clone()),
            (Level::Warn, true, vec![("span".into(), Level::Trace)])
        );
        assert!(php.about.calls.counts.starts_with("$tracer"));
        assert_eq!(config_of(&[("SPANWIRE_LANGUAGE", "go")]).aggregate, Some(Duration::from_secs(60)));
        let java = [("SPANWIRE_LANGUAGE", "java"), ("datadog.slf4j.simpleLogger.jsonEnabled", "true")];
        assert_eq!(config_of(&java).about.layout, [("jsonEnabled", "true".into())]);
    }
}
