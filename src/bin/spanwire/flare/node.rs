//! The log in flares of Node.js's tracer. The tracer writes the word `undefined` in place of each message of the level
//! `error`; the error that follows is whole (dd-trace 5.132.0). This puts back the message where its meaning is certain.

use spanwire::companion::languages::reading::after;

/// What the tracer writes for a message of the level `error`.
const LOST: &str = "undefined";
/// The message about a payload.
const PAYLOAD: &str = "Error sending payload to the agent (status code: undefined)";

/// Whether a text has such lines.
pub fn has_lost_words(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == LOST && lines.peek().is_some_and(|next| next.starts_with("Error: ")) {
            return true;
        }
    }
    false
}

/// Puts back the messages about payloads. Other requests fail with the same two lines: so a failure is that of a payload only
/// while one is on its way, or if its error names the path for traces.
pub fn restored(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let (mut out, mut unanswered) = (String::with_capacity(text.len()), 0u64);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut line = line;
        if line.starts_with("Request to the agent: ") && line.contains("/traces\"") {
            unanswered += 1;
        } else if line.starts_with("Response from the agent: ") {
            unanswered = unanswered.saturating_sub(1);
        } else if line == LOST {
            let error = lines.peek().and_then(|next| next.strip_prefix("Error: "));
            let named = error.and_then(|error| after(error, "Error from ")).and_then(|url| url.split(": ").next());
            let of_traces = match named {
                Some(url) => url.ends_with("/traces"),
                None => error.is_some() && unanswered > 0,
            };
            if of_traces {
                (line, unanswered) = (PAYLOAD, unanswered.saturating_sub(1));
            }
        }
        out.push_str(line);
        out.push('\n');
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_payload_on_its_way_can_have_failed() {
        let request = "Request to the agent: {\"path\":\"/v0.4/traces\"}\n";
        let (lost, error) = ("undefined\n", "Error: connect ECONNREFUSED 127.0.0.1:8126\n");
        let text = [lost, error, request, lost, error, lost, error].concat();
        let restored = String::from_utf8(restored(text.as_bytes())).expect("a text");
        assert_eq!(restored, [lost, error, request, PAYLOAD, "\n", error, lost, error].concat());
        assert!(has_lost_words(text.as_bytes()) && !has_lost_words(b"undefined\nand more\n"));
    }

    #[test]
    fn an_error_that_names_its_path_is_that_of_this_path() {
        let error = |path: &str| format!("undefined\nError: Error from http://h:8126{path}: 413 Payload Too Large.\n");
        let of = |path: &str| String::from_utf8(restored(error(path).as_bytes())).expect("a text");
        assert!(of("/v0.4/traces").starts_with(PAYLOAD));
        assert_eq!(of("/v0.7/config"), error("/v0.7/config"));
    }
}
