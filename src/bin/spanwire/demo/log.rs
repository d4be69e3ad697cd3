//! Formats a tracer's debug log for reading: text in, text out. Shortens ids and long JSON objects; with `Look::full`
//! nothing is shortened.

use crate::tree::{short_id, Look};

/// Columns of a long JSON object that are shown, approximately.
const WIDTH: usize = 160;

/// Returns the log as it is shown. Ends with a newline unless it is empty.
pub fn readable(log: &str, look: Look) -> String {
    log.trim_end().lines().fold(String::new(), |mut out, line| {
        let short = if look.full { line.to_owned() } else { fold(&shorten_ids(line), look) };
        out += &mark(&short, look);
        out.push('\n');
        out
    })
}

/// Shortens trace ids in the same way as the tree does, so that a reader can match both.
fn shorten_ids(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let end = rest[start..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        out += &rest[..start];
        if word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            out += &short_id(word);
        } else {
            out += word;
        }
        rest = &rest[end..];
    }
    out + rest
}

/// Shortens a JSON object that follows a text, as in the start-up line, if possible after a comma.
fn fold(line: &str, look: Look) -> String {
    let limit = line.char_indices().nth(WIDTH).map(|(limit, _)| limit);
    let (Some(object), Some(limit)) = (line.find(" {\""), limit) else { return line.to_owned() };
    if limit <= object {
        return line.to_owned();
    }
    let cut = line[object..limit].rfind(',').map_or(limit, |comma| object + comma + 1);
    let hidden = line[cut..].chars().count();
    format!("{}… {}", &line[..cut], look.paint.dim(&format!("({hidden} more characters, --full shows them)")))
}

/// Marks time, program and level of a line.
fn mark(line: &str, look: Look) -> String {
    let paint = look.paint;
    let mut words = line.splitn(4, ' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(when), Some(who), Some(level), Some(what)) if who.starts_with("spanwire[") => {
            let level = if matches!(level, "WARN" | "ERROR") { paint.bad(level) } else { paint.dim(level) };
            format!("{} {level} {what}", paint.dim(&format!("{when} {who}")))
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::Paint;

    const PLAIN: Look = Look { paint: Paint { on: false }, full: false };
    const FULL: Look = Look { full: true, ..PLAIN };
    const SPAN: &str = "2026-11-25T00:05:54.153Z spanwire[18150] DEBUG span finished: name=payment \
        trace_id=6b06266200000000aa3908490c0fc602 span_id=861544510911808049 parent_id=6818283896847749602 \
        duration=8.253us error=0 tags={card=visa, order={\"a\":1}} metrics={amount=42.5}\n";

    fn start_up(settings: usize) -> String {
        let settings = "\"DD_SERVICE\":\"shop\",".repeat(settings);
        format!("2026-11-25T00:05:54.155Z spanwire[18150] INFO DATADOG TRACER CONFIGURATION - {{{settings}\"é\":0}}\n")
    }

    #[test]
    fn trace_ids_read_as_in_the_tree_and_all_else_stays() {
        assert_eq!(readable(SPAN, PLAIN), SPAN.replace("6b06266200000000aa3908490c0fc602", "6b062662…0c0fc602"));
        for other in ["9b0e1553-88f1-4590-9d47-01c5c7c217a2", &"a".repeat(31), &"a".repeat(33), &"g".repeat(32)] {
            assert_eq!(readable(other, PLAIN), format!("{other}\n"));
        }
    }

    #[test]
    fn a_long_start_up_line_is_folded_and_says_what_shows_it_whole() {
        let (shown, whole) = (readable(&start_up(50), PLAIN), start_up(50));
        let (kept, rest) = shown.split_once('…').unwrap();
        assert!(whole.starts_with(kept) && kept.ends_with(',') && (120..=160).contains(&kept.len()), "{shown}");
        let hidden = whole.trim_end().chars().count() - kept.chars().count();
        assert_eq!(rest, format!(" ({hidden} more characters, --full shows them)\n"));
        assert_eq!(readable(&start_up(1), PLAIN), start_up(1), "it fits");
    }

    #[test]
    fn full_shows_every_character() {
        let log = start_up(50) + SPAN;
        assert_eq!(readable(&log, FULL), log);
        assert_eq!(readable("", FULL), "");
    }

    #[test]
    fn a_warning_is_seen_in_colour() {
        let look = Look { paint: Paint { on: true }, full: false };
        let line = |level| format!("2026-11-25T00:05:54.155Z spanwire[1] {level} spans abandoned: spans=4");
        assert!(readable(&line("WARN"), look).contains(&format!("{} spans abandoned", look.paint.bad("WARN"))));
        assert!(readable(&line("DEBUG"), look).contains(&format!("{} spans abandoned", look.paint.dim("DEBUG"))));
        assert_eq!(readable("of the program itself", look), "of the program itself\n");
    }
}
