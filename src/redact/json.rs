//! Redacts values of JSON by the names of their fields.

use super::replaced::Replaced;
use super::{text_counted, value_counted, REDACTED};
use crate::sort;
use serde_json::Value;

/// Redacts a value whose field has this name, and everything inside it.
pub fn json(name: &str, value: Value) -> Value {
    json_counted(name, value, &mut Replaced::default())
}

/// The same, and counts what it replaces.
pub fn json_counted(name: &str, value: Value, counts: &mut Replaced) -> Value {
    match value {
        Value::String(text) => value_counted(name, &text, counts).into(),
        Value::Array(values) => values.into_iter().map(|value| json_counted(name, value, counts)).collect(),
        // If the name is that of a secret, hide the whole object: the names inside say less.
        Value::Object(_) if super::value_of(name, "object") == REDACTED => {
            counts.named += 1;
            REDACTED.into()
        }
        Value::Object(fields) => {
            let field = |(name, value): (String, Value)| {
                let value = json_counted(&name, value, counts);
                (text_counted(&name, counts).into_owned(), value)
            };
            sort::object(&mut fields.into_iter().map(field)).into()
        }
        Value::Number(number) => {
            let text = number.to_string();
            match value_counted(name, &text, counts) {
                shown if shown == text => Value::Number(number),
                shown => shown.into(),
            }
        }
        other => other,
    }
}
