//! Prepares lines of a log for showing them in a report.

use spanwire::companion::redact;

/// Characters of a line that are shown.
const SHOWN_CHARS: usize = 400;

/// Returns the line without secrets and control characters, and cut to the limit.
pub fn shown(line: &str) -> String {
    let mut end = line.len().min(16 * SHOWN_CHARS);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let text = redact::text(&line[..end]);
    let mut shown = String::new();
    for c in text.trim().chars().take(SHOWN_CHARS) {
        match c {
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}') => {
                shown.extend(c.escape_default())
            }
            c => shown.push(c),
        }
    }
    if shown.len() < text.trim().len() || end < line.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret_no_control_character_and_is_short() {
        assert_eq!(shown("  url http://u:p@h/x \u{1b}[31m"), "url http://h/x \\u{1b}[31m");
        assert!(shown(&"é".repeat(100_000)).chars().count() <= SHOWN_CHARS + 1);
        assert!(!shown(&format!("{}password=hunter2", "x ".repeat(100))).contains("hunter2"));
    }
}
