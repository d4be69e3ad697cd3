//! Constructors of findings for the checks of this machine. All texts pass through the redactor here.

use crate::doctor::report::{Finding, Standing};
use spanwire::companion::redact;
use std::fmt::Display;
use std::io;
use std::time::Duration;

/// Characters of a foreign answer that are shown.
const QUOTE_MAX: usize = 120;

/// Returns a finding that nothing is wrong.
pub fn good(cause: &'static str, says: impl Display) -> Finding {
    finding(Standing::Good, cause, says, "")
}

/// Returns a finding that is worth knowing but prevents nothing.
pub fn note(cause: &'static str, says: impl Display, remedy: impl Display) -> Finding {
    finding(Standing::Note, cause, says, remedy)
}

/// Returns a finding about a fault that loses traces or logs.
pub fn bad(cause: &'static str, says: impl Display, remedy: impl Display) -> Finding {
    finding(Standing::Bad, cause, says, remedy)
}

fn finding(standing: Standing, cause: &'static str, says: impl Display, remedy: impl Display) -> Finding {
    let clean = |text: String| redact::text(&text).into_owned();
    Finding { standing, cause, says: clean(says.to_string()), remedy: clean(remedy.to_string()), evidence: Vec::new() }
}

/// Adds evidence to a finding.
pub fn with_evidence<T: Display>(mut finding: Finding, lines: impl IntoIterator<Item = T>) -> Finding {
    finding.evidence.extend(lines.into_iter().map(|line| redact::text(&line.to_string()).into_owned()));
    finding
}

/// Returns the beginning of a foreign answer on one line, without control characters and secrets.
pub fn quote(bytes: &[u8]) -> String {
    // Take more than is shown, so that a secret is not cut before the redactor recognises it.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2_048)]);
    let text = text.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    let plain = |c: char| match c {
        '\r' | '\n' | '\t' => ' ',
        char::REPLACEMENT_CHARACTER => '.',
        c if c.is_control() => '.',
        c => c,
    };
    let line = redact::text(&text.chars().map(plain).collect::<String>()).into_owned();
    match line.char_indices().nth(QUOTE_MAX) {
        Some((end, _)) => format!("\"{}…\"", &line[..end]),
        None => format!("\"{line}\""),
    }
}

/// Returns the text of a system error in lower case, without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Formats a duration in milliseconds.
pub fn millis(time: Duration) -> String {
    match time.as_millis() {
        0..=9 => format!("{:.1} ms", time.as_secs_f64() * 1_000.0),
        whole => format!("{whole} ms"),
    }
}

/// Formats a number of bytes.
pub fn size(bytes: u64) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        _ if bytes < MEBIBYTE => format!("{} KiB", bytes >> 10),
        _ if bytes < MEBIBYTE << 14 => format!("{:.1} MiB", bytes as f64 / MEBIBYTE as f64),
        _ => format!("{} GiB", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_stranger_and_no_escape_sequence_reaches_the_terminal() {
        assert_eq!(quote(b"hello\r\n\x1b[31mred\xff\r\n\x00"), "\"hello  .[31mred.\"");
        assert_eq!(quote(b"Authorization: Bearer abc.def-ghi123"), "\"Authorization: <redacted>\"");
        assert!(quote(&b"long ".repeat(1_000)).chars().count() < 130);
        let made = with_evidence(bad("x", "see http://u:hunter2@h/", "set api_key=0123456789"), ["password=hunter2"]);
        let all = format!("{}{}{:?}", made.says, made.remedy, made.evidence);
        assert!(!all.contains("hunter2") && !all.contains("0123456789"), "{all}");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(millis(Duration::from_micros(420)), "0.4 ms");
        assert_eq!(millis(Duration::from_millis(1_234)), "1234 ms");
        assert_eq!(
            (size(512), size(31_457_280), size(1 << 40)),
            ("512 bytes".into(), "30.0 MiB".into(), "1024 GiB".into())
        );
    }
}
