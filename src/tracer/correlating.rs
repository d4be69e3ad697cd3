//! The fields that connect a line of the application's log with a trace.

use super::contexts::Context;
use super::error::Error;
use super::state::State;
use crate::settings::Settings;

/// How the fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `name=value`, separated by blanks.
    Text,
    /// Members of a JSON object.
    Json,
}

/// Writes the fields piece by piece. `span`: ids of the span and the index of its tracer, as `spans::ids` returns them.
/// Tracer 0 is the span's.
pub fn fields(
    state: &State,
    tracer: u64,
    span: Option<(Context, u32)>,
    form: Form,
    write: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    let index = match tracer {
        0 => span.map(|(_, index)| index),
        number => Some(state.tracers.find(number)?.0),
    };
    let metadata = index.and_then(|index| state.shared.account(index).metadata());
    let Some(metadata) = metadata.filter(|metadata| metadata.settings.logs_injection) else { return Ok(()) };
    let settings = &metadata.settings;
    let mut line = Line { form, write, any: false };
    if let Some((ids, _)) = span {
        line.field("dd.trace_id", &trace_id(settings, ids.trace_id_high, ids.trace_id_low));
        line.field("dd.span_id", &ids.span_id.to_string());
    }
    let optional = [("dd.service", &settings.service), ("dd.env", &settings.env), ("dd.version", &settings.version)];
    optional.iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| line.field(name, value));
    Ok(())
}

/// The trace id as `dd.trace_id` has it.
fn trace_id(settings: &Settings, high: u64, low: u64) -> String {
    match high {
        high if high != 0 && settings.log_trace_id_128 => format!("{high:016x}{low:016x}"),
        _ => low.to_string(),
    }
}

struct Line<'a> {
    form: Form,
    write: &'a mut dyn FnMut(&[u8]),
    any: bool,
}

impl Line<'_> {
    fn field(&mut self, name: &str, value: &str) {
        match self.form {
            Form::Text => {
                self.all(&[if self.any { " " } else { "" }, name, "="]);
                // A blank would end the value for readers of logs; the Agent makes the same change to services.
                for (n, part) in value.split(char::is_whitespace).enumerate() {
                    self.all(&[if n == 0 { "" } else { "_" }, part]);
                }
            }
            Form::Json => {
                self.all(&[if self.any { ", \"" } else { "\"" }, name, "\": "]);
                self.all(&[&serde_json::Value::from(value).to_string()]);
            }
        }
        self.any = true;
    }

    fn all(&mut self, texts: &[&str]) {
        texts.iter().for_each(|text| (self.write)(text.as_bytes()));
    }
}
