//! Reads JSON of unknown size within bounds. A value in memory is many times larger than its text, so that the number of
//! values is checked before they are made. The parser itself bounds the depth.

use crate::event::remote::{RemoteFault, RemotePart, Unreadable};
use serde_json::Value;

/// The most values of one document.
pub const VALUES_MAX: usize = 50_000;

/// Reads an object. A text of blanks is an empty one.
pub fn object(part: RemotePart, text: &[u8]) -> Result<Value, RemoteFault> {
    let unreadable = |why| RemoteFault::Unreadable { part, why };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    // Each value but the first has one of these in front of it. Some stand in texts: then the count is too high.
    let values = text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b':')).count();
    if values > VALUES_MAX {
        return Err(unreadable(Unreadable::TooManyValues { max: VALUES_MAX }));
    }
    match serde_json::from_slice(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(unreadable(Unreadable::NotObject)),
        Err(error) => Err(unreadable(Unreadable::NotJson { error: error.to_string() })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_or_too_much_is_refused() {
        let read = |text: &str| object(RemotePart::Content, text.as_bytes());
        assert_eq!(read(" \n").map(|value| value.to_string()), Ok("{}".into()));
        assert!(read("{\"a\":[1,2]}").is_ok());
        for wrong in ["[]", "null", "{", "{}{}", "\u{0}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let many = format!("{{\"a\":[{}1]}}", "1,".repeat(VALUES_MAX));
        let why = Unreadable::TooManyValues { max: VALUES_MAX };
        assert_eq!(read(&many), Err(RemoteFault::Unreadable { part: RemotePart::Content, why }));
        assert!(read(&"{\"a\":".repeat(10_000)).is_err());
    }
}
