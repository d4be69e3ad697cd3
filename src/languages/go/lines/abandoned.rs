//! The list of spans that are open for long, as the Go tracer's mode for abandoned spans prints it.

use super::{beginning, Writer};
use crate::event::OpenSpanView;
use crate::languages::line::{Frame, Line};
use crate::languages::text::inline;
use crate::level::Level;
use std::fmt::Write;

/// The most bytes of the list.
const LIST_MAX: usize = 9_000;

/// Appends two records, or three if the list does not hold all spans. They are for information on the page, and
/// warnings today.
pub fn list(frame: &Frame<'_>, level: Level, spans: u64, open: &[OpenSpanView], out: &mut Vec<Line>) {
    let mut list = String::new();
    let mut listed = 0;
    for span in open {
        if list.len() > LIST_MAX {
            break;
        }
        let component = if span.component.is_empty() { "manual".into() } else { inline(&span.component) };
        let _ = write!(
            list,
            "[name: {}, integration: {component}, span_id: {}, trace_id: {}, age: {} sec],",
            inline(&span.name),
            span.span_id,
            span.trace_id as u64,
            span.age.as_secs()
        );
        listed += 1;
    }
    let truncated = list.len() > LIST_MAX || listed < spans;
    out.push(Writer::new(frame, level).put(format_args!("{spans} abandoned spans:")).line());
    if truncated {
        out.push(Writer::new(frame, level).say("Too many abandoned spans. Truncating message.").line());
    }
    let end = if truncated { "..." } else { "" };
    out.push(Writer::new(frame, level).say(beginning(&list, LIST_MAX)).say(end).line());
}
