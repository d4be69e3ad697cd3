//! The native dialect: one readable line per event. A line says what happened, then gives values as `name=value`, and,
//! if something is wrong, ends with what to do.

use crate::counters::Reason;
use crate::event::{DecidedBy, Event, OpenSpanView, SpanView, Thread};
use crate::languages::line::{About, Frame, Line as Record};
use crate::languages::linked::{self, utf8, Notation};
use crate::languages::remedy::Calls;
use crate::languages::remembered::Remembered;
use crate::languages::text::{cut, duration, free, is_printable, number, object, tags, value, TAGS_MAX, TAG_MAX};
use crate::languages::text::{push_duration, push_float, push_iso_time, push_number, push_trace_id};
use crate::level::Level;
use crate::memory::{append, append_fixed};
use crate::os_error::OsError;
use crate::redact;
use crate::span::links::FLAGS_KNOWN;
use crate::sys;
use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::time::Duration;

/// How many open spans a line names.
const OPEN_MAX: usize = 10;
/// How many paths of remote configuration a line names.
const PATHS_MAX: usize = 20;

pub(crate) fn line(frame: &Frame<'_>, event: &Event<'_>) -> Record {
    let level = event.level();
    let mut line = Line(Vec::with_capacity(usual_length(event)), frame.about.calls, frame.remembered);
    match frame.remembered {
        Some(remembered) => {
            let moment = (frame.time_ns, frame.pid);
            remembered.put_head(&mut line.0, moment, level, |out| put_head(out, frame, level));
        }
        None => put_head(&mut line.0, frame, level),
    }
    let message_at = line.0.len();
    line.event(event);
    match (frame.held_back.events, frame.held_back.minutes) {
        (0, _) => {}
        (n, 0 | 1) => line.put(format_args!(" ({n} more like this in the last minute)")),
        (n, minutes) => line.put(format_args!(" ({n} more like this in the last {minutes} minutes)")),
    }
    Record { level, logger: event.logger(), text: line.finished(), message_at, template: "", host_only: false }
}

/// Appends what a line begins with.
fn put_head(out: &mut Vec<u8>, frame: &Frame<'_>, level: Level) {
    push_iso_time(out, frame.time_ns);
    append_fixed(out, b" spanwire[");
    push_number(out, frame.pid.into());
    append_fixed(out, b"] ");
    let level_at = out.len();
    append(out, level.name().as_bytes());
    out[level_at..].make_ascii_uppercase();
    append_fixed(out, b" ");
}

/// Returns about how long an event's line is, so that it seldom has to grow.
fn usual_length(event: &Event<'_>) -> usize {
    match event {
        Event::SpanStarted { span, .. } => 208 + span.name.len() + span.service.len() + span.resource.len(),
        Event::SpanFinished { span, .. } => {
            let texts = span.tags.iter().map(|(name, text)| name.len() + text.len().min(256) + 12).sum::<usize>();
            300 + span.name.len() + span.service.len() + span.resource.len() + texts + 24 * span.metrics.len()
        }
        _ => 256,
    }
}

/// Returns an event's message, without time, process and level.
pub(crate) fn message(about: &About, event: &Event<'_>) -> String {
    let mut line = Line(Vec::new(), about.calls, None);
    line.event(event);
    line.finished()
}

/// Returns what a warning or error says, for languages whose tracer has no line of its own. `None` for other events.
pub fn own(about: &About, event: &Event<'_>) -> Option<String> {
    (event.level() <= Level::Warn).then(|| message(about, event))
}

/// A line under construction, which is UTF-8, as only texts are appended; what the host calls; and how texts of lines before
/// read.
struct Line<'a>(Vec<u8>, &'static Calls, Option<&'a Remembered>);

/// Of a byte that a value without quotes may have.
const BARE: u8 = 1;
/// Of a byte that a value in quotes may have as it is.
const QUOTED: u8 = 2;
/// Of a byte that any text may have as it is.
const PRINTABLE: u8 = 4;

/// What holds for each byte. Texts with bytes above ASCII are looked at by character.
static BYTES: [u8; 256] = bytes();

const fn bytes() -> [u8; 256] {
    let (mut table, mut byte) = ([0; 256], b' ');
    while byte < 0x7f {
        table[byte as usize] = match byte {
            b'"' => PRINTABLE,
            b'\\' => PRINTABLE | BARE,
            b' ' | b'=' | b',' | b'{' | b'}' => PRINTABLE | QUOTED,
            _ => PRINTABLE | QUOTED | BARE,
        };
        byte += 1;
    }
    table
}

/// Returns what holds for all bytes of a text.
fn all_of(text: &str) -> u8 {
    text.bytes().fold(BARE | QUOTED | PRINTABLE, |all, byte| all & BYTES[usize::from(byte)])
}

const NOTATION: Notation = Notation {
    is: "=",
    and: ", ",
    booleans: ["false", "true"],
    text: quoted,
    float: |out, value| out.push_str(&number(value)),
    more: |out, text| out.push_str(text),
    types: None,
};

/// Appends a text, in quotes if it needs them, with control characters, and those that some readers take for a line's end,
/// as escapes.
fn quoted(out: &mut String, text: &str) {
    let bare = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '=' | ',' | '{' | '}');
    let bare_byte = |byte| matches!(byte, b'!' | b'#'..=b'+' | b'-'..=b'<' | b'>'..=b'z' | b'|' | b'~');
    if !text.is_empty() && (text.bytes().all(bare_byte) || text.chars().all(bare)) {
        out.push_str(text);
        return;
    }
    out.push('"');
    if is_printable(text) && !text.contains(['"', '\\']) {
        out.push_str(text);
    } else {
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            visible(out, c);
        }
    }
    out.push('"');
}

fn visible(out: &mut String, c: char) {
    if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

/// Appends a text, in quotes if it needs them.
fn put_quoted(out: &mut Vec<u8>, text: &str) {
    let all = all_of(text);
    if all & BARE != 0 && !text.is_empty() {
        return append(out, text.as_bytes());
    }
    if all & QUOTED != 0 {
        append_fixed(out, b"\"");
        append(out, text.as_bytes());
        return append_fixed(out, b"\"");
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    quoted(&mut escaped, text);
    append(out, escaped.as_bytes());
}

/// Appends a tag, redacted and cut. Returns how many bytes of its name and value are shown; `None` for all.
fn put_tag(out: &mut Vec<u8>, name: &str, text: &str) -> Option<usize> {
    let shown = value(name, text);
    put_quoted(out, &cut(Cow::Borrowed(name), TAG_MAX));
    append_fixed(out, b"=");
    put_quoted(out, &shown);
    (shown != text).then_some(name.len() + shown.len())
}

impl<'a> Line<'a> {
    fn finished(self) -> String {
        sys::into_utf8(self.0)
    }

    /// Appends words whose number the compiler knows: for lines that there are many of.
    #[inline(always)]
    fn put_words<const N: usize>(&mut self, words: &[u8; N]) -> &mut Line<'a> {
        append_fixed(&mut self.0, words);
        self
    }

    fn event(&mut self, event: &Event<'_>) {
        let calls = self.1;
        match event {
            Event::TracerConfigured { fields, .. } => {
                self.say("DATADOG TRACER CONFIGURATION - ");
                self.say(&object(fields.iter().map(|(key, value)| (key.as_str(), Cow::Borrowed(value)))));
            }
            Event::LogFileOpened { path } => {
                self.say("log file:").fact("path", &free(path));
            }
            Event::SettingRejected { name, value: given, origin, why } => {
                self.say("setting rejected:");
                self.fact(name, &value(name, given)).fact("origin", origin.name());
                self.say("; ").text(&free(&why.to_string())).say("; ").say(why.consequence());
            }
            Event::SettingsUnsupported { names } => {
                self.say("settings not supported yet: ").say(&names.join(", "));
                self.say("; they have no effect in this version; docs/settings.md lists those that have");
            }
            Event::IntegrationLoaded { name, version, status } => {
                self.say("integration loaded:").fact("name", name).fact("version", version).fact("status", status);
            }
            Event::SpanStarted { span, .. } => self.put_words(b"span started:").span(span),
            Event::SpanFinished { span, .. } => {
                self.put_words(b"span finished:").span(span);
                self.put_words(b" duration=");
                push_duration(&mut self.0, Duration::from_nanos(u64::try_from(span.duration_ns).unwrap_or(0)));
                self.say(if span.error { " error=1" } else { " error=0" }).tags(span);
                self.linked(span);
            }
            Event::TraceDecided { trace } => {
                self.say("trace decided:").trace_id(trace.trace_id);
                self.fact("name", &free(trace.name)).fact("service", &free(trace.service));
                if !trace.env.is_empty() {
                    self.fact("env", &free(trace.env));
                }
                self.count("sampling_priority", trace.priority).count("mechanism", trace.mechanism);
                self.fact("by", trace.by.name());
                if let DecidedBy::Rule { place, text } = trace.by {
                    self.count("rule", place + 1).fact("text", &free(text));
                }
                let numbers =
                    [("rate", trace.rate), ("limit_rate", trace.limit_rate), ("limited_to", trace.limited_to)];
                for (name, value) in numbers {
                    if let Some(value) = value {
                        self.count(name, number(value));
                    }
                }
            }
            Event::ParentUnknown { parent, name } => {
                self.say("span has no live parent:").fact("name", &free(name)).count("parent", parent);
                self.say("; it begins a new trace: keep the parent open, or keep its context, to stay in one");
            }
            Event::ChunkEnqueued { trace_id, spans, bytes, complete, queued_chunks, queued_bytes, .. } => {
                self.say("chunk enqueued:").trace_id(*trace_id).number("spans", *spans);
                self.count("size", format_args!("{bytes}B")).count("partial", !complete);
                self.count("queued_chunks", queued_chunks).count("queued_size", format_args!("{queued_bytes}B"));
            }
            Event::PayloadSending { url, bytes, traces, spans, attempt } => {
                self.say("payload sending:").load(*bytes, *traces, *spans).url(url).count("attempt", attempt);
            }
            Event::PayloadSent { url, bytes, traces, spans, time, status, answer, .. } => {
                self.say("payload sent:").load(*bytes, *traces, *spans).count("time", duration(*time)).url(url);
                self.count("status", status).answer(answer);
            }
            Event::AgentRefused { url, status, answer, bytes, traces, spans, retry, .. } => {
                self.say("agent refused a payload:").count("status", status).url(url).load(*bytes, *traces, *spans);
                self.say(fate(*retry)).say("; ").say(refusal_advice(*status)).answer(answer);
            }
            Event::AgentUnreachable { url, error, bytes, traces, spans, attempt, retry, .. } => {
                self.say("DATADOG TRACER DIAGNOSTIC - Agent not reachable at ").text(&redact::url(url)).say(": ");
                self.text(&free(&error.to_string())).say(";").load(*bytes, *traces, *spans).count("attempt", attempt);
                self.say(fate(*retry)).say(
                    "; check DD_TRACE_AGENT_URL and that the Agent runs and listens there with APM on; to try without \
                     one, run `spanwire agent`",
                );
            }
            Event::AgentReachable { url, after } => {
                self.say("agent reachable again:").url(url).count("after", duration(*after));
            }
            Event::AgentInfo { url, version, endpoints } => {
                self.say("agent described itself:").url(url).fact("version", version).count("endpoints", endpoints);
            }
            Event::AgentFormat { url, asked, refused, granted } => {
                self.say("traces go to another path of the agent:").url(url);
                match (granted, refused) {
                    (true, _) => self.say("; the Agent lists it in /info"),
                    (false, Some(status)) => self
                        .say("; it does not take the one that was asked for:")
                        .fact("asked", asked)
                        .count("status", status),
                    (false, None) => self.say("; it does not list the one that was asked for:").fact("asked", asked),
                };
            }
            Event::RemoteConfigReceived { url, version, paths, time } => {
                self.say("remote configuration received:").url(url).count("version", version);
                self.count("time", duration(*time)).count("configurations", paths.len());
                for path in paths.iter().take(PATHS_MAX) {
                    self.fact("path", &free(path));
                }
            }
            Event::RemoteConfigFailed { path, why } => {
                self.say("remote configuration not used:");
                if !path.is_empty() {
                    self.fact("path", &free(path)).say(";");
                }
                self.say(" ").text(&free(&why.to_string())).say("; what was in force before stays in force");
            }
            Event::SettingChanged { name, value: now, origin } => {
                self.say("setting changed:").fact(name, &value(name, now)).fact("origin", origin.name());
            }
            Event::SpansDropped { reason, spans, traces, detail } => {
                self.say("spans dropped:").fact("reason", reason.name()).count("spans", spans).count("traces", traces);
                self.fact("detail", &free(&detail.to_string()));
            }
            Event::LossBegan { reason } => {
                self.say("loss began:").fact("reason", reason.name());
                self.say("; spans are being dropped, and counted; ");
                if *reason == Reason::Shutdown {
                    self.say("look above for what kept them from leaving, or ");
                }
                self.say(loss_advice(*reason, calls));
            }
            Event::LossEnded { reason, spans } => {
                self.say("loss ended:")
                    .fact("reason", reason.name())
                    .count("spans", spans)
                    .say("; so many were dropped meanwhile");
            }
            Event::SpansAbandoned { spans, open } => {
                self.say("spans abandoned:").count("spans", spans).open(*spans, open);
                self.say("; they were open at shutdown and are not sent: finish spans before shutting down");
            }
            Event::SpansOverdue { spans, open, stopping } => {
                self.say(if *stopping { "spans open at the end:" } else { "spans open for long:" });
                self.count("spans", spans).open(*spans, open);
                self.say("; they may never be finished");
            }
            Event::TracerStopped { sent, spans_lost, spans_unknown, timed_out } => {
                self.say("tracer stopped:").count("sent", sent).count("lost", spans_lost);
                self.count("unknown", spans_unknown).count("timed_out", timed_out);
                if *spans_unknown > 0 {
                    let were = if *spans_unknown == 1 { "span was" } else { "spans were" };
                    self.put(format_args!("; {spans_unknown} {were} sent without an answer: the Agent may have "));
                    self.say(if *spans_unknown == 1 { "it or not" } else { "them or not" });
                }
                if *timed_out {
                    self.say("; look above for what kept them from leaving, or ").say(calls.more_time);
                } else if *spans_lost > 0 {
                    self.say("; the reason is in the lines above");
                }
            }
            Event::Forked { parent_pid } => {
                self.say("process forked:").count("parent", parent_pid);
                self.say("; this child begins with an empty queue, and its parent sends what it holds");
            }
            Event::LookupHangs { host, time, given_up, most } => {
                self.say("look-up hangs:").fact("host", &free(host)).count("time", duration(*time));
                self.put(format_args!(
                    " given_up={given_up}; it may never return, if another thread of the parent was looking a name up at \
                     the fork; /etc/hosts and the name servers are asked instead, and at most {most} look-ups are started \
                     anew; an address in DD_TRACE_AGENT_URL avoids it"
                ));
            }
            Event::FlareSent { case_id, url, bytes } => {
                self.say("flare sent:").fact("case", &free(case_id)).count("bytes", bytes).url(url);
            }
            Event::FlareFailed { case_id, url, why } => {
                self.say("flare not sent:")
                    .fact("case", &free(case_id))
                    .url(url)
                    .say("; ")
                    .text(&free(&why.to_string()));
            }
            Event::ThreadNotStarted { thread, errno } => {
                self.say("cannot start thread ").quoted_always(thread.name()).say(": ");
                self.text(&OsError::Errno(*errno).without_number());
                self.put(format_args!(" (errno {errno}); "));
                self.say(match thread {
                    Thread::Log => "records wait for it",
                    _ => "spans wait in the queue until it runs",
                });
                self.say("; check ulimit -u and the container's limit of processes (pids.max)");
            }
            Event::ThreadStarted { thread, after } => {
                self.say("thread ").quoted_always(thread.name()).say(" runs now:").count("after", duration(*after));
            }
            Event::PanicCaught { message } => {
                self.say("internal error caught: ").text(&free(message));
                self.say("; the host is not affected; please report this line with the version in use");
            }
            Event::HostText { target, text, .. } => {
                self.text(target).say(if target.is_empty() { "" } else { ": " }).text(&free(text));
            }
            Event::HostEvent { kind, fields } => {
                self.text(kind).say(":");
                let left_out = tags(fields, |name, text| {
                    self.fact(&name, &text);
                });
                self.left_out(left_out);
            }
            Event::RecordsLost { sink, records } => {
                self.say("log records lost:").fact("sink", sink.name()).count("records", records);
                self.say("; it takes records more slowly than they are made");
            }
            Event::LogSettingsDiffer
            | Event::AgentUnusable { .. }
            | Event::TurnedOff
            | Event::LogFileMoved { .. }
            | Event::LogFileNotWritten { .. } => {
                self.say(event.kind()).say(": ").text(&free(&sentence(event)));
            }
        }
    }

    fn span(&mut self, span: &SpanView<'_>) {
        self.put_words(b" name=").free(span.name).put_words(b" service=").free(span.service);
        self.put_words(b" resource=").free(span.resource);
        if !span.span_type.is_empty() {
            self.put_words(b" type=").free(span.span_type);
        }
        self.trace_id(span.trace_id).put_words(b" span_id=");
        push_number(&mut self.0, span.span_id);
        self.put_words(b" parent_id=");
        push_number(&mut self.0, span.parent_id);
    }

    /// Appends the oldest open spans.
    fn open(&mut self, spans: u64, open: &[OpenSpanView]) -> &mut Line<'a> {
        for (n, span) in open.iter().take(OPEN_MAX).enumerate() {
            self.say(if n == 0 { " oldest=[" } else { ", " }).text(&free(&span.name));
            self.count("span_id", span.span_id).count("trace_id", format_args!("{:032x}", span.trace_id));
            self.count("age", duration(span.age));
        }
        if !open.is_empty() {
            self.say(if spans > OPEN_MAX as u64 { ", …]" } else { "]" });
        }
        self
    }

    fn tags(&mut self, span: &SpanView<'_>) {
        self.put_words(b" tags={");
        let mut room = TAGS_MAX;
        for (n, (name, text)) in span.tags.iter().enumerate() {
            let before = self.0.len();
            if n > 0 {
                self.put_words(b", ");
            }
            let make = |out: &mut Vec<u8>| put_tag(out, name, text);
            let taken = match self.2 {
                // No tag without a name is remembered: such names are those of other texts.
                Some(remembered) if !name.is_empty() => remembered.put(&mut self.0, name, text, make),
                _ => make(&mut self.0).unwrap_or(name.len() + text.len()),
            };
            let Some(left) = room.checked_sub(taken) else {
                self.0.truncate(before);
                self.left_out(span.tags.len() - n);
                break;
            };
            room = left;
        }
        self.put_words(b"} metrics={");
        for (n, (name, metric)) in span.metrics.iter().enumerate() {
            if n > 0 {
                self.put_words(b", ");
            }
            self.quoted(name).put_words(b"=");
            push_float(&mut self.0, *metric);
        }
        self.put_words(b"}");
    }

    /// Appends links and events, if there are any.
    fn linked(&mut self, span: &SpanView<'_>) {
        if !span.links.is_empty() {
            self.say(" links=");
            let mut links = String::new();
            linked::links(&mut links, &span.links, &NOTATION, |out, link, attributes| {
                let trace_id = u128::from(link.trace_id_high) << 64 | u128::from(link.trace_id_low);
                let _ = write!(out, "{{trace_id={trace_id:032x} span_id={}", link.span_id);
                if link.flags & FLAGS_KNOWN != 0 {
                    let _ = write!(out, " flags={}", link.flags & !FLAGS_KNOWN);
                }
                if !link.tracestate.is_empty() {
                    out.push_str(" tracestate=");
                    quoted(out, &free(utf8(link.tracestate)));
                }
                let _ = write!(out, " attributes={attributes}}}");
            });
            self.say(&links);
        }
        if !span.events.is_empty() {
            self.say(" events=");
            let mut events = String::new();
            linked::events(&mut events, &span.events, &NOTATION, |out, event, attributes| {
                out.push_str("{name=");
                quoted(out, &free(utf8(event.name)));
                let _ = write!(out, " time_ns={} attributes={attributes}}}", event.time_ns);
            });
            self.say(&events);
        }
    }

    fn left_out(&mut self, tags: usize) {
        if tags > 0 {
            self.put(format_args!(" … ({tags} more)"));
        }
    }

    fn load(&mut self, bytes: u64, traces: u64, spans: u64) -> &mut Line<'a> {
        self.count("size", format_args!("{bytes}B")).count("traces", traces).count("spans", spans)
    }

    fn url(&mut self, url: &str) -> &mut Line<'a> {
        self.fact("url", &redact::url(url))
    }

    /// Appends a text that ends the line, without quotes.
    fn answer(&mut self, answer: &str) {
        self.say(" answer=").text(&free(answer));
    }

    /// Appends ` name=value`, the value in quotes if it needs them.
    fn fact(&mut self, name: &str, text: &str) -> &mut Line<'a> {
        self.say(" ").text(name).say("=").quoted(text)
    }

    fn count(&mut self, name: &str, value: impl Display) -> &mut Line<'a> {
        self.put(format_args!(" {name}={value}"));
        self
    }

    fn number(&mut self, name: &str, value: u64) -> &mut Line<'a> {
        self.say(" ").say(name).say("=");
        push_number(&mut self.0, value);
        self
    }

    fn trace_id(&mut self, id: u128) -> &mut Line<'a> {
        self.put_words(b" trace_id=");
        push_trace_id(&mut self.0, id);
        self
    }

    fn put(&mut self, value: impl Display) {
        let _ = write!(self.0, "{value}");
    }

    fn say(&mut self, words: &str) -> &mut Line<'a> {
        append(&mut self.0, words.as_bytes());
        self
    }

    fn quoted_always(&mut self, text: &str) -> &mut Line<'a> {
        self.say("\"").text(text).say("\"")
    }

    fn quoted(&mut self, text: &str) -> &mut Line<'a> {
        put_quoted(&mut self.0, text);
        self
    }

    /// Appends a free text of a span, redacted and cut.
    fn free(&mut self, text: &str) -> &mut Line<'a> {
        match self.2 {
            Some(remembered) => {
                remembered.put(&mut self.0, "", text, |out| {
                    let shown = free(text);
                    put_quoted(out, &shown);
                    (shown != text).then_some(shown.len())
                });
                self
            }
            None => self.quoted(&free(text)),
        }
    }

    fn text(&mut self, text: &str) -> &mut Line<'a> {
        if all_of(text) & PRINTABLE != 0 {
            return self.say(text);
        }
        let mut out = String::with_capacity(text.len() + 8);
        text.chars().for_each(|c| visible(&mut out, c));
        self.say(&out)
    }
}

/// Returns the message of an event for which `native` and `json` have the same sentence; empty for other events.
pub(crate) fn sentence(event: &Event<'_>) -> String {
    match event {
        Event::LogSettingsDiffer => {
            "another tracer of this process has set up logging otherwise; its settings stay".into()
        }
        Event::AgentUnusable { why } => why.to_string(),
        Event::TurnedOff => "spanwire has failed too often and has turned itself off; nothing more is traced".into(),
        Event::LogFileMoved { wanted, used, error } => {
            format!("the log goes to {}, because {} cannot be written: {error}", used.display(), wanted.display())
        }
        Event::LogFileNotWritten { path, error, to_stderr } => {
            let what = if *to_stderr { "records go to standard error" } else { "records are lost" };
            let path = path.display();
            match error {
                OsError::Errno(libc::ELOOP) => {
                    format!("{what} while {path} cannot be written: it is a symbolic link, and none is followed")
                }
                OsError::Errno(libc::ENOENT) => {
                    format!("{what} while {path} cannot be written: its folder does not exist; create it")
                }
                error => format!("{what} while {path} cannot be written: {error}"),
            }
        }
        _ => String::new(),
    }
}

fn fate(retry: bool) -> &'static str {
    if retry {
        "; it will be tried again"
    } else {
        "; its spans are dropped"
    }
}

fn refusal_advice(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => "something in between asks for credentials: check DD_TRACE_AGENT_URL and proxies",
        404 | 405 | 415 => "what listens there does not take this format: check that DD_TRACE_AGENT_URL is an Agent's",
        413 => "the payload is larger than this Agent takes",
        408 | 429 | 503 => "the Agent is busy: give it more CPU, or send less",
        500.. => "the Agent failed: its own log says why",
        _ => "the Agent does not accept it: its own log may say why",
    }
}

fn loss_advice(reason: Reason, calls: &Calls) -> &'static str {
    match reason {
        Reason::QueueFull | Reason::Memory => {
            "spans come faster than they leave: see whether the Agent answers slowly or not at all"
        }
        Reason::Unreachable => {
            "the Agent was not reached while payloads were retried, or the trace file cannot be written: see the error above"
        }
        Reason::Refused => "the Agent's answer is in the line before",
        Reason::TooLarge => "single traces are larger than a payload may be: finish spans earlier, or set shorter tags",
        Reason::Shutdown => calls.more_time,
        Reason::Invalid | Reason::UnknownFate => calls.counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::limits::HeldBack;
    use crate::languages::tests::{every_event, frame};
    use crate::languages::worked;

    const GOLDEN: &str = include_str!("lines.golden");

    #[test]
    fn every_event_reads_as_agreed() {
        let mut lines = String::new();
        every_event(&mut |_, event| {
            lines.push_str(&line(&frame(), event).text);
            lines.push('\n');
        });
        for (got, want) in lines.lines().zip(GOLDEN.lines()) {
            assert_eq!(got, want);
        }
        assert_eq!(lines.lines().count(), GOLDEN.lines().count(), "all of it:\n{lines}");
    }

    #[test]
    fn a_remedy_names_what_the_hosts_language_has() {
        for (language, has) in [
            ("php", "$tracer->shutdown($timeoutMs)"),
            ("ruby", "c.shutdown_timeout"),
            ("native", "spanwire_tracer_shutdown"),
            ("cpp", "spanwire_tracer_shutdown"),
            ("jvm", "the tracer's shutdown"),
        ] {
            let about = worked::about(language, "1.2.3");
            for event in [
                Event::TracerStopped { sent: 1, spans_lost: 2, spans_unknown: 0, timed_out: true },
                Event::LossBegan { reason: Reason::Shutdown },
                Event::LossBegan { reason: Reason::UnknownFate },
            ] {
                let said = message(&about, &event);
                let counts = matches!(event, Event::LossBegan { reason: Reason::UnknownFate });
                assert!(counts || said.contains(has), "{language}: {said}");
                assert_eq!(said.contains("spanwire_"), matches!(language, "native" | "cpp"), "{language}: {said}");
            }
        }
    }

    #[test]
    fn the_advice_for_spans_that_did_not_arrive_is_true_for_a_trace_file_too() {
        let said = message(&About::default(), &Event::LossBegan { reason: Reason::Unreachable });
        assert!(said.contains("the Agent was not reached") && said.contains("or the trace file"), "{said}");
    }

    #[test]
    fn held_back_repetitions_are_told_at_the_end() {
        let mut frame = frame();
        frame.held_back = HeldBack { events: 12, minutes: 1, quiet_minutes: 1 };
        let event = worked::refused(500, "");
        assert!(line(&frame, &event).text.ends_with(" (12 more like this in the last minute)"));
        frame.held_back.minutes = 3;
        assert!(line(&frame, &event).text.ends_with(" (12 more like this in the last 3 minutes)"));
    }
}
