//! Finds the texts in a log record in JSON: any logger may have written the message, as any of its members.

use serde_json::Value;

/// Records within records that are opened: a container's log driver wraps the record of a logger.
const DEPTH: usize = 3;

/// The texts of a record.
pub struct Members {
    /// The texts, in the order of the record.
    pub texts: Vec<String>,
    /// The member with the message or the whole line, if it has one of the usual names.
    pub message: Option<String>,
}

/// Returns the texts of the record that is in the line, if the byte at `first` is within it.
pub fn of(line: &[u8], first: usize) -> Option<Members> {
    let start = line.windows(2).position(|two| two == b"{\"")?;
    if start > first {
        return None;
    }
    let object: Value = serde_json::Deserializer::from_slice(line.get(start..)?).into_iter().next()?.ok()?;
    let members = object.as_object()?;
    let message =
        ["log", "message", "msg", "MESSAGE", "text", "event"].iter().find_map(|name| members.get(*name)?.as_str());
    let message = message.map(|text| text.trim_end().to_owned());
    let mut texts = Vec::new();
    collect(&object, DEPTH, &mut texts);
    Some(Members { texts, message })
}

/// Whether a tracer itself or the Agent writes such records: ours and Java's. Their readers take the whole record.
pub fn is_own(line: &[u8]) -> bool {
    let has = |word: &[u8]| line.windows(word.len()).any(|part| part == word);
    has(b"\"logger.name\":\"") || has(b"{\"agent\":\"") || has(b"{\"time\":\"") && has(b"\"kind\":\"")
}

fn collect(value: &Value, depth: usize, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => match of(text.trim_end().as_bytes(), usize::MAX) {
            // A text that is a record itself.
            Some(inner) if depth > 0 && text.starts_with('{') => {
                if is_own(text.as_bytes()) {
                    texts.push(text.clone())
                } else {
                    texts.extend(inner.texts)
                }
            }
            _ => texts.push(text.clone()),
        },
        Value::Array(values) => values.iter().for_each(|value| collect(value, depth, texts)),
        Value::Object(members) => members.values().for_each(|value| collect(value, depth, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_at_any_depth_and_without_their_escapes() {
        let line = br#"web-1 | {"log":"{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\"}\n","stream":"stderr"}"#;
        let members = of(line, 30).expect("a record");
        assert!(members.message.is_some_and(|text| text.starts_with("{\"level\"")));
        assert_eq!(members.texts, ["error", "a \"b\"", "stderr"]);
        assert!(of(b"DATADOG TRACER CONFIGURATION - {\"a\":\"b\"}", 0).is_none(), "the words are before the record");
        assert!(of(b"{\"cut\":\"off", 3).is_none());
    }
}
