//! Settings as the start-up line shows them: one JSON object, the fields that every tracer's reader looks for first.
//! What is shown is already redacted where it is kept; how the line is logged is the dialect's business.

use super::{address, Origin, Settings};
use crate::{host, redact, sort, sys};
use serde_json::{json, Value as Json};

impl Settings {
    /// The whole configuration as one JSON object on one line, every setting with its origin among it. `runtime_id` is
    /// this process's id; `agent_error` is what the agent's first failure said, `None` while there was none.
    pub fn config_json(&self, runtime_id: &str, agent_error: Option<&str>) -> String {
        let fields = self.fields(runtime_id, agent_error, |_| true);
        let shown: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}:{value}", Json::from(&**name))).collect();
        format!("{{{}}}", shown.join(","))
    }

    /// The fields of the start-up line: the same, but of the settings only those that somebody set. What everybody has
    /// would bury them. Behind them, or in place of one of the same name, what the host adds (`SPANWIRE_STARTUP_EXTRA`).
    pub fn startup_fields(&self, runtime_id: &str, agent_error: Option<&str>) -> Vec<(String, Json)> {
        let mut fields = self.fields(runtime_id, agent_error, |origin| origin != Origin::Default);
        for (name, value) in &self.startup_extra {
            let value = hidden(name, value.clone());
            let name = redact::text(name);
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => fields.push((name.into_owned(), value)),
            }
        }
        fields
    }

    fn fields(&self, runtime_id: &str, agent_error: Option<&str>, shown: fn(Origin) -> bool) -> Vec<(String, Json)> {
        let (year, month, day, hour, minute, second) = sys::utc_time(sys::wall_ns());
        let tag =
            |(key, value): &(String, String)| (redact::text(key).into_owned(), redact::value_of(key, value).into());
        let tags: Json = sort::object(&mut self.tags.iter().map(tag)).into();
        let shown = self.values.iter().filter(|value| shown(value.origin));
        let settings = sort::object(
            &mut shown
                .map(|value| (value.name.to_string(), json!({ "value": value.value, "origin": value.origin.name() }))),
        );
        // The order is that in which people read it; serde_json's own maps are sorted by name.
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

/// A fact of the host's without what looks like a secret.
fn hidden(name: &str, value: Json) -> Json {
    match value {
        Json::String(text) => redact::value_of(name, &text).into(),
        Json::Array(values) => values.into_iter().map(|value| hidden(name, value)).collect(),
        // What is inside has names of its own, which say less.
        Json::Object(_) if redact::value_of(name, "object") == redact::REDACTED => redact::REDACTED.into(),
        Json::Object(fields) => {
            let field = |(name, value): (String, Json)| (redact::text(&name).into_owned(), hidden(&name, value));
            sort::object(&mut fields.into_iter().map(field)).into()
        }
        Json::Number(number) => {
            let text = number.to_string();
            match redact::value_of(name, &text) {
                shown if shown == text => Json::Number(number),
                shown => shown.into(),
            }
        }
        other => other,
    }
}
