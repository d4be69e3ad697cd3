//! Formats settings for the start-up line: one JSON object that begins with the fields that readers look for first. The
//! values are redacted already. The dialect logs the line.

use super::{address, Origin, Settings, Value};
use crate::{host, redact, sort, sys};
use serde_json::{json, Value as Json};

impl Settings {
    /// Returns the whole configuration as one line of JSON, with the origin of every setting. `runtime_id` is this
    /// process's id; `agent_error` is the first error of the Agent, or `None`.
    pub fn config_json(&self, runtime_id: &str, agent_error: Option<&str>) -> String {
        let fields = self.fields(runtime_id, agent_error, |_| true);
        let shown: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}:{value}", Json::from(&**name))).collect();
        format!("{{{}}}", shown.join(","))
    }

    /// Returns the fields of the start-up line: those of `config_json`, but only the settings that are set, to keep the
    /// line readable. Fields of the host (`SPANWIRE_STARTUP_EXTRA`) follow, or replace those of the same name.
    pub fn startup_fields(&self, runtime_id: &str, agent_error: Option<&str>) -> Vec<(String, Json)> {
        let mut fields = self.fields(runtime_id, agent_error, |origin| origin != Origin::Default);
        for (name, value) in &self.startup_extra {
            let value = redact::json::json(name, value.clone());
            let name = redact::text(name);
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => fields.push((name.into_owned(), value)),
            }
        }
        fields
    }

    /// Returns the fields in order, with the settings for which `shown` is true.
    fn fields(&self, runtime_id: &str, agent_error: Option<&str>, shown: fn(Origin) -> bool) -> Vec<(String, Json)> {
        let (year, month, day, hour, minute, second) = sys::utc_time(sys::wall_ns());
        let tag =
            |(key, value): &(String, String)| (redact::text(key).into_owned(), redact::value_of(key, value).into());
        let tags: Json = sort::object(&mut self.tags.iter().map(tag)).into();
        let shown = self.values.iter().filter(|value| shown(value.origin));
        let setting = |value: &Value| {
            let mut shown = json!({ "value": value.value, "origin": value.origin.name() });
            if let (Some(id), Json::Object(fields)) = (self.config_id(value.origin), &mut shown) {
                fields.insert("config_id".into(), redact::text(id).into());
            }
            (value.name.to_string(), shown)
        };
        let settings = sort::object(&mut shown.map(setting));
        // In the order in which people read them; a map of serde_json would be sorted by name.
        let fields = [
            ("date", format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z").into()),
            ("os_name", "Linux".into()),
            ("os_version", host::kernel_release().into()),
            ("architecture", std::env::consts::ARCH.into()),
            ("version", redact::text(&self.tracer_version).into()),
            ("spanwire_version", env!("CARGO_PKG_VERSION").into()),
            ("lang", redact::text(&self.language).into()),
            ("lang_version", redact::text(&self.language_version).into()),
            ("interpreter", redact::text(&self.interpreter).into()),
            ("env", redact::text(&self.env).into()),
            ("enabled", self.enabled.into()),
            ("service", redact::text(&self.service).into()),
            ("dd_version", redact::text(&self.version).into()),
            ("agent_url", address::shown(&self.agent).into()),
            ("agent_error", agent_error.map(redact::text).into()),
            ("debug", self.debug.into()),
            ("tags", tags),
            ("runtime_id", runtime_id.into()),
            ("partial_flush_enabled", self.partial_flush_enabled.into()),
            ("partial_flush_min_spans", self.partial_flush_min_spans.into()),
            ("report_hostname", self.report_hostname.into()),
            ("settings", settings.into()),
        ];
        fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }
}
