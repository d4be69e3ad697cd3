//! Spans as the Python tracer prints them: finished, in short, and gathered for their trace.

use super::{repr, Writer};
use crate::event::SpanView;
use crate::languages::linked::{self, utf8, Notation};
use crate::languages::text::{cut, free, inline, tags, TAG_MAX};
use crate::span::links::FLAGS_KNOWN;
use std::borrow::Cow;
use std::fmt::Write;

/// The numeric tag with the sampling priority.
const PRIORITY: &str = "_sampling_priority_v1";
/// How many numeric tags of a span are in a line; the others are counted.
const METRICS_MAX: usize = 256;

const NOTATION: Notation = Notation {
    is: ": ",
    and: ", ",
    booleans: ["False", "True"],
    text: |out, text| repr::string(text, out),
    float: |out, value| repr::float(value, out),
    more: |out, text| out.push_str(text),
    types: None,
};

impl Writer {
    /// `<Span(id=…,trace_id=…,parent_id=…,name=…)>`.
    pub fn short(&mut self, span_id: u64, trace_id: u128, parent_id: u64, name: &str) -> &mut Writer {
        self.put(format_args!("<Span(id={span_id},trace_id={trace_id},parent_id=")).id_or_none(parent_id);
        self.say(",name=").say(&inline(name)).say(")>")
    }

    /// Appends a span in the page's form, with the two blanks before `parent_id` of its example, which people search
    /// for.
    pub fn finished_as_on_the_page(&mut self, span: &SpanView<'_>) {
        self.say("finishing span name=").repr(span.name).put(format_args!(" id={}", span.span_id));
        self.put(format_args!(" trace_id={}  parent_id=", span.trace_id as u64)).id_or_none(span.parent_id);
        self.say(" service=").repr_or_none(span.service).say(" resource=").repr(span.resource);
        self.say(" type=").repr_or_none(span.span_type).say(" start=");
        let (start, duration) = (span.start_ns as f64 / 1e9, span.duration_ns as f64 / 1e9);
        repr::float(start, &mut self.0);
        self.say(" end=");
        repr::float(start + duration, &mut self.0);
        self.say(" duration=");
        repr::float(duration, &mut self.0);
        let (mut tags, mut metrics) = (span.tags.clone(), metrics(span));
        crate::sort::by_key(&mut tags, |(name, _)| *name);
        crate::sort::by_key(&mut metrics, |(name, _)| *name);
        self.put(format_args!(" error={} tags=", u8::from(span.error))).tags(&tags);
        self.say(" metrics=").metrics(&metrics, repr::number).say(" (enabled:True)");
    }

    /// Appends a span in the source's form: its `repr`, with texts in plain single quotes.
    pub fn finished(&mut self, span: &SpanView<'_>) {
        let end = span.start_ns.saturating_add(span.duration_ns);
        self.say("finishing span - Span(name='").say(&inline(span.name));
        self.put(format_args!("', span_id={}, parent_id=", span.span_id)).id_or_none(span.parent_id);
        self.put(format_args!(", trace_id={}, service='", span.trace_id)).text_or_none(span.service);
        self.say("', resource='").say(&inline(span.resource)).say("', type='").text_or_none(span.span_type);
        self.put(format_args!("', start={}, end={end}, duration={}", span.start_ns, span.duration_ns));
        self.put(format_args!(", error={}, tags=", u8::from(span.error))).tags(&span.tags);
        self.say(", metrics=").metrics(&metrics(span), repr::number).say(", links=");
        linked::links(&mut self.0, &span.links, &NOTATION, |out, link, attributes| {
            let trace_id = u128::from(link.trace_id_high) << 64 | u128::from(link.trace_id_low);
            let (span_id, known) = (link.span_id, link.flags & FLAGS_KNOWN != 0);
            let _ =
                write!(out, "SpanLink(trace_id={trace_id}, span_id={span_id}, attributes={attributes}, tracestate=");
            out.push_str(if link.tracestate.is_empty() { "None" } else { "" });
            out.push_str(&inline(utf8(link.tracestate)));
            let flags = if known { (link.flags & !FLAGS_KNOWN).to_string() } else { "None".to_owned() };
            let _ = write!(out, ", flags={flags})");
        });
        self.say(", events=");
        linked::events(&mut self.0, &span.events, &NOTATION, |out, event, attributes| {
            out.push_str("SpanEvent(name=");
            repr::string(&free(utf8(event.name)), out);
            let _ = write!(out, ", time={}, attributes={attributes})", event.time_ns);
        });
        self.say(", ");
        self.put(format_args!("context=Context(trace_id={}, span_id={}, _meta={{", span.trace_id, span.span_id));
        if let Some(maker) = span.decision_maker {
            self.put(format_args!("'_dd.p.dm': '-{}'", maker.unsigned_abs()));
        }
        self.say("}, _metrics={");
        if let Some(priority) = span.priority {
            self.put(format_args!("'{PRIORITY}': {priority}"));
        }
        self.say("}, _span_links=[], _baggage={}, _is_remote=False)");
        // Only for such a span is the first span of its service known.
        if span.local_root {
            self.say(", service_entry_span_name=").say(&inline(span.name));
        }
        self.say("), metastruct={} (enabled:True)");
    }

    /// Appends that a trace's spans leave. How many stay is known only if none does.
    pub fn encoding(&mut self, trace_id: u128, spans: u64, complete: bool, first: Option<&SpanView<'_>>) {
        self.put(format_args!("Encoding {spans} spans. Spans processed: {spans}. "));
        self.say("Spans dropped by trace processors: 0. ");
        if complete {
            self.say("Unfinished spans remaining in the span aggregator: 0. ");
        }
        self.put(format_args!("(trace_id: {trace_id}) "));
        if let Some(first) = first {
            self.say("(top level span: name=").say(&inline(first.name)).say(") (sampling_priority: ");
            self.some(first.priority).say(") (sampling_mechanism: ");
            self.some(first.decision_maker.map(|maker| format!("-{}", maker.unsigned_abs()))).say(") ");
        }
        self.say("(partial flush triggered: ").say(repr::truth(!complete)).say(")");
    }

    fn repr(&mut self, text: &str) -> &mut Writer {
        repr::string(&free(text), &mut self.0);
        self
    }

    fn repr_or_none(&mut self, text: &str) -> &mut Writer {
        repr::string_or_none(&free(text), &mut self.0);
        self
    }

    fn text_or_none(&mut self, text: &str) -> &mut Writer {
        self.say(if text.is_empty() { "None" } else { "" }).say(&inline(text))
    }

    fn tags(&mut self, pairs: &[(&str, &str)]) -> &mut Writer {
        self.say("{");
        let mut between = "";
        let left_out = tags(pairs, |name, value| {
            self.say(between);
            repr::string(&name, &mut self.0);
            self.say(": ");
            repr::string(&value, &mut self.0);
            between = ", ";
        });
        self.left_out(left_out).say("}")
    }

    fn metrics(&mut self, pairs: &[(&str, f64)], print: fn(f64, &mut String)) -> &mut Writer {
        self.say("{");
        for (n, (name, value)) in pairs.iter().take(METRICS_MAX).enumerate() {
            self.say(if n == 0 { "" } else { ", " });
            repr::string(&cut(Cow::Borrowed(*name), TAG_MAX / 4), &mut self.0);
            self.say(": ");
            print(*value, &mut self.0);
        }
        self.left_out(pairs.len().saturating_sub(METRICS_MAX)).say("}")
    }

    fn left_out(&mut self, tags: usize) -> &mut Writer {
        if tags > 0 {
            self.put(format_args!(", … ({tags} more)"));
        }
        self
    }
}

/// Returns the numeric tags, with the priority that is sent on the trace's first span.
fn metrics<'a>(span: &SpanView<'a>) -> Vec<(&'a str, f64)> {
    let mut metrics = span.metrics.clone();
    if let Some(priority) = span.priority.filter(|_| span.local_root) {
        if metrics.iter().all(|(name, _)| *name != PRIORITY) {
            metrics.push((PRIORITY, f64::from(priority)));
        }
    }
    metrics
}
