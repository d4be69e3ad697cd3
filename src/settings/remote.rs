//! What remote configuration changes in the settings of a tracer. The changed settings are a copy: the tracer keeps its
//! own, and gets them back when the changes are taken back.

use super::sampling::SamplingRule;
use super::{parse, Origin, Settings, Value, REJECTED_MAX};
use crate::level::Level;
use crate::redact;

/// Changes; `None` for what stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// `DD_TRACE_SAMPLE_RATE`.
    pub rate: Option<f64>,
    /// `DD_TRACE_SAMPLING_RULES`.
    pub rules: Option<Vec<SamplingRule>>,
    /// `DD_TAGS`.
    pub tags: Option<Vec<(String, String)>>,
    /// `DD_TRACE_ENABLED`. Turns tracing off; on only what another configuration has turned off.
    pub enabled: Option<bool>,
    /// `DD_LOGS_INJECTION`.
    pub logs_injection: Option<bool>,
    /// `DD_TRACE_DEBUG`.
    pub debug: Option<bool>,
    /// `DD_TRACE_LOG_LEVEL`, raised for a flare.
    pub level: Option<Level>,
}

impl Changes {
    /// Takes from a less specific configuration what this one does not say.
    pub fn or(self, other: &Changes) -> Changes {
        Changes {
            rate: self.rate.or(other.rate),
            rules: self.rules.or_else(|| other.rules.clone()),
            tags: self.tags.or_else(|| other.tags.clone()),
            enabled: self.enabled.or(other.enabled),
            logs_injection: self.logs_injection.or(other.logs_injection),
            debug: self.debug.or(other.debug),
            level: self.level.or(other.level),
        }
    }
}

impl Settings {
    /// Returns these settings with changes of remote configuration.
    pub fn changed(&self, changes: &Changes) -> Settings {
        let mut settings = self.clone();
        if let Some(rate) = changes.rate {
            settings.sampling.rate = Some(rate);
            settings.show("DD_TRACE_SAMPLE_RATE", rate.to_string());
        }
        if let Some(rules) = &changes.rules {
            settings.sampling.rules.clone_from(rules);
            let texts: Vec<&str> = rules.iter().map(|rule| rule.text.as_str()).collect();
            settings.show("DD_TRACE_SAMPLING_RULES", format!("[{}]", texts.join(",")));
        }
        if let Some(tags) = &changes.tags {
            // They do not change who the tracer is.
            let is_tag = |(key, _): &&(String, String)| !matches!(key.as_str(), "service" | "env" | "version");
            settings.tags = tags.iter().filter(is_tag).cloned().collect();
            let shown =
                |(key, value): &(String, String)| format!("{}:{}", redact::text(key), redact::value_of(key, value));
            settings.show("DD_TAGS", settings.tags.iter().map(shown).collect::<Vec<_>>().join(","));
        }
        if let Some(enabled) = changes.enabled {
            settings.enabled &= enabled;
            settings.show("DD_TRACE_ENABLED", settings.enabled.to_string());
        }
        if let Some(injection) = changes.logs_injection {
            settings.logs_injection = injection;
            settings.show("DD_LOGS_INJECTION", injection.to_string());
        }
        if let Some(debug) = changes.debug {
            settings.debug = debug;
            settings.show("DD_TRACE_DEBUG", debug.to_string());
        }
        if let Some(level) = changes.level {
            settings.log_level = settings.log_level.max(level);
            settings.show("DD_TRACE_LOG_LEVEL", settings.log_level.name().to_string());
        }
        settings
    }

    /// Shows a value of remote configuration, which must not contain secrets.
    fn show(&mut self, name: &str, text: String) {
        if let Some(value) = self.values.iter_mut().find(|value| value.name == name) {
            (value.value, value.origin) = (parse::shorten(text, REJECTED_MAX), Origin::Remote);
        }
    }

    /// Returns the values that differ from those of other settings of the same tracer.
    pub fn differing(&self, former: &Settings) -> Vec<&Value> {
        self.values.iter().zip(&former.values).filter(|(now, before)| now != before).map(|(now, _)| now).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(code: &[(&str, &str)]) -> Settings {
        let code: Vec<_> = code.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0
    }

    #[test]
    fn changes_are_shown_as_remote_and_leave_all_else() {
        let own = settings(&[("DD_SERVICE", "shop"), ("DD_TAGS", "team:core"), ("DD_TRACE_ENABLED", "false")]);
        let tags = [("service", "other"), ("api_key", "hunter2"), ("zone", "b")];
        let changes = Changes {
            rate: Some(0.25),
            rules: Some(vec![SamplingRule { text: "{\"sample_rate\":0}".into(), ..SamplingRule::default() }]),
            tags: Some(tags.map(|(key, value)| (key.to_string(), value.to_string())).to_vec()),
            enabled: Some(true),
            logs_injection: Some(false),
            debug: Some(true),
            level: Some(Level::Debug),
        };
        let changed = own.changed(&changes);
        let shown: Vec<_> = changed
            .differing(&own)
            .iter()
            .map(|value| (value.name, value.value.as_str(), value.origin.name()))
            .collect();
        let remote = "remote_config";
        let mut wanted = vec![
            ("DD_TRACE_SAMPLE_RATE", "0.25", remote),
            ("DD_TRACE_SAMPLING_RULES", "[{\"sample_rate\":0}]", remote),
            ("DD_TAGS", "api_key:<redacted>,zone:b", remote),
            ("DD_TRACE_ENABLED", "false", remote),
            ("DD_LOGS_INJECTION", "false", remote),
            ("DD_TRACE_DEBUG", "true", remote),
            ("DD_TRACE_LOG_LEVEL", "debug", remote),
        ];
        let place = |name: &str| own.values.iter().position(|value| value.name == name);
        wanted.sort_by_key(|(name, ..)| place(name));
        assert_eq!(shown, wanted);
        assert_eq!(changed.service, "shop");
        assert!(!changed.enabled, "what the settings turn off, remote configuration does not turn on");
        assert_eq!(changed.tags.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["api_key", "zone"]);
        assert_eq!(own.changed(&Changes::default()), own);
    }

    #[test]
    fn the_more_specific_configuration_wins_value_by_value() {
        let specific = Changes { rate: Some(0.1), ..Changes::default() };
        let general = Changes { rate: Some(0.9), debug: Some(true), ..Changes::default() };
        assert_eq!(specific.or(&general), Changes { rate: Some(0.1), debug: Some(true), ..Changes::default() });
    }
}
