//! `spanwire why`: what became of a trace. Reads it from running processes, from a core or from a flare, and says it in one
//! sentence, with the rule, the counter or the Agent's answer behind it. `ids` reads the id, `source` a process, `missing`
//! explains why a process does not know the trace.

mod ids;
mod missing;
mod source;

use crate::cli::WhyOptions;
use crate::out::{counted, Failure, Out};
use crate::recorder::show;
use ids::Id;
use serde_json::{json, Value};
use source::{Known, Source};
use spanwire::companion::counters::NAMES;
use spanwire::companion::recorder::fates::cause::rule;
use spanwire::companion::recorder::fates::{CauseKind, Fate, Standing};
use spanwire::companion::recorder::Kind;
use spanwire::companion::{redact, sys};
use std::fmt::Write;

/// How many processes that do not know the trace are named.
const LISTED_MAX: usize = 20;

/// One process that knows the trace.
struct Answer<'a> {
    source: &'a Source,
    id: Id,
    known: Known,
}

/// Runs the command. Returns 0 if a process knows the trace, 1 if none does.
pub fn run(out: Out, options: &WhyOptions) -> Result<u8, Failure> {
    let ids = ids::parse(&options.trace_id);
    if ids.is_empty() {
        return Err(Failure::said(format!(
            "{} is no trace id: it takes a decimal number, or 16 or 32 hexadecimal digits, as in logs (dd.trace_id), headers \
             (traceparent) and the address of a trace in the browser",
            redact::text(&options.trace_id.chars().filter(|c| !c.is_control()).take(80).collect::<String>())
        )));
    }
    let (sources, notes) = sources(options).map_err(Failure::Said)?;
    let mut answers = Vec::new();
    for source in &sources {
        for id in &ids {
            let known = source.look(id);
            if !known.is_nothing() {
                answers.push(Answer { source, id: *id, known });
            }
        }
    }
    let status = u8::from(answers.is_empty());
    if options.json {
        let object = object(status, &ids, &answers, &sources, &notes);
        out.write(&format!("{object:#}\n"))?;
    } else {
        out.write(&text(out, &ids, &answers, &sources, &notes))?;
    }
    Ok(status)
}

fn sources(options: &WhyOptions) -> Result<(Vec<Source>, Vec<String>), String> {
    if let Some(pid) = options.pid {
        return Source::of_process(pid);
    }
    if let Some(flare) = &options.flare {
        return Ok((vec![Source::of_flare(flare)?], Vec::new()));
    }
    if let Some(core) = &options.core {
        return Ok((vec![Source::of_core(core)?], Vec::new()));
    }
    Ok((Source::of_user(), Vec::new()))
}

fn text(out: Out, ids: &[Id], answers: &[Answer<'_>], sources: &[Source], notes: &[String]) -> String {
    let mut text = String::new();
    for answer in answers {
        let id = Id { high: answer.known.high.filter(|&high| high != 0), ..answer.id };
        let ambiguous = if ids.len() > 1 { format!(", read as {}", answer.id.base.name()) } else { String::new() };
        let _ = writeln!(text, "{}{ambiguous}, in {}", out.paint.strong(&format!("Trace {}", id.hex())), who(answer));
        let _ = writeln!(text, "  {}", sentence(answer));
        for line in evidence(answer) {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(remedy) = remedy(answer) {
            let _ = writeln!(text, "  -> {remedy}");
        }
    }
    if answers.is_empty() {
        let read: Vec<String> = ids.iter().map(|id| format!("{} ({})", id.hex(), id.base.name())).collect();
        let id = if ids.len() > 1 { read.join(" and ") } else { ids.iter().map(Id::hex).collect() };
        let _ = writeln!(text, "{}: no process knows it.", out.paint.strong(&format!("Trace {id}")));
        for source in sources.iter().take(LISTED_MAX) {
            let _ = writeln!(text, "  {}.", missing::why(source, ids));
        }
        if sources.len() > LISTED_MAX {
            let _ = match sources.len() - LISTED_MAX {
                1 => writeln!(text, "  1 more process does not know it either."),
                more => writeln!(text, "  {more} more processes do not know it either."),
            };
        }
        if sources.is_empty() {
            text += "  No process of this user has a flight recorder of spanwire: the process that made the trace has ended, \
                     runs as another user (run this as root), in another container, or has another tracer (`spanwire \
                     doctor --pid` works with any).\n";
        }
    }
    for note in notes {
        let _ = writeln!(text, "Not looked into: {note}.");
    }
    text
}

fn object(status: u8, ids: &[Id], answers: &[Answer<'_>], sources: &[Source], notes: &[String]) -> Value {
    let found: Vec<Value> = answers
        .iter()
        .map(|answer| {
            json!({
                "process": answer.source.label,
                "pid": answer.source.pid,
                "trace_id": Id { high: answer.known.high, ..answer.id }.hex(),
                "read_as": answer.id.base.name(),
                "says": sentence(answer),
                "evidence": evidence(answer),
                "remedy": remedy(answer),
                "open": answer.known.open,
                "waiting": answer.known.waiting,
                "fate": answer.known.fate.as_ref().map(Fate::json),
            })
        })
        .collect();
    let missing: Vec<Value> = match answers.is_empty() {
        true => {
            sources.iter().map(|source| json!({ "process": source.label, "says": missing::why(source, ids) })).collect()
        }
        false => Vec::new(),
    };
    let read: Vec<Value> = ids.iter().map(|id| json!({ "id": id.hex(), "read_as": id.base.name() })).collect();
    json!({ "status": status, "ids": read, "found": found, "missing": missing, "notes": notes })
}

fn who(answer: &Answer<'_>) -> String {
    let fate = answer.known.fate.as_ref();
    let service = fate.and_then(|fate| answer.source.service(fate.tracer)).filter(|service| !service.is_empty());
    let service = service.map_or_else(String::new, |service| format!(", service {}", redact::text(service)));
    let name = fate.filter(|fate| !fate.name.is_empty()).map_or_else(String::new, |fate| format!(", {}", fate.name));
    format!("{}{service}{name}", answer.source.label)
}

/// Says what became of the trace.
fn sentence(answer: &Answer<'_>) -> String {
    let known = &answer.known;
    let mut says = String::new();
    if known.open > 0 || known.oldest.is_some() {
        let open = if known.open > 0 { counted(known.open as usize, "span") } else { "at least 1 span".into() };
        let _ = write!(says, "It is not complete: {open} of it open");
        if let Some((id, name, start)) = &known.oldest {
            let name = if name.is_empty() { String::new() } else { format!("{name}, ") };
            let _ = write!(says, ", the oldest ({name}span {id}) for {}", show::age(sys::wall_ns(), *start));
        }
        if known.waiting > 0 {
            let _ = write!(says, "; {} finished and waiting for that", counted(known.waiting as usize, "span"));
        }
        match &known.fate {
            Some(fate) => {
                let _ = write!(says, "; of the part that has left: {fate}.");
            }
            None => says += "; a trace is sent when its last span is finished.",
        }
        return says;
    }
    let Some(fate) = &known.fate else { return says };
    let mut letters = fate.to_string();
    if let Some(first) = letters.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let when = show::age(sys::wall_ns(), fate.changed_ns);
    format!("{letters} ({when} ago).")
}

/// Returns the counters, settings and events behind the answer.
fn evidence(answer: &Answer<'_>) -> Vec<String> {
    let (source, Some(fate)) = (answer.source, answer.known.fate.as_ref()) else { return Vec::new() };
    // A flare has fates and no counters.
    if source.snapshot.is_none() && source.image.is_none() {
        return Vec::new();
    }
    let tracer = Some(fate.tracer);
    let counter = |name: &str| source.counter(tracer, name);
    let mut lines = Vec::new();
    let reason = fate.reason.map(|reason| format!("dropped_{}", reason.name()));
    if let Some(name) = reason.filter(|name| NAMES.contains(&name.as_str())) {
        lines.push(format!(
            "counters of its tracer: {name} {} of {} finished spans",
            counter(&name),
            counter("finished")
        ));
    } else if fate.standing() == Standing::NoSpans {
        lines.push(format!(
            "counters of its tracer: abandoned {}, discarded {}",
            counter("abandoned"),
            counter("discarded")
        ));
    } else if fate.standing() != Standing::Sent {
        let outcome = source.snapshot.as_ref().and_then(|snapshot| {
            let kinds = [Kind::AgentRefused, Kind::AgentUnreachable, Kind::PayloadSent].map(|kind| kind as u64);
            snapshot.events.iter().rfind(|event| kinds.contains(&event.kind))
        });
        lines.extend(outcome.map(|event| {
            format!("the last attempt, {} ago: {}", show::age(sys::wall_ns(), event.time_ns), event.describe())
        }));
    }
    for name in settings_behind(fate) {
        if let Some((value, origin)) = source.setting(tracer, name) {
            let value: String = value.chars().take(300).collect();
            lines.push(format!("{name}={value}, set by {}", missing::of(&origin)));
        }
    }
    lines
}

/// Returns the settings that explain a fate.
fn settings_behind(fate: &Fate) -> &'static [&'static str] {
    match fate.cause.kind {
        CauseKind::NoRoom => return &["SPANWIRE_QUEUE_MAX", "SPANWIRE_QUEUE_MAX_CHUNKS"],
        CauseKind::NoMemoryRecord | CauseKind::NoMemorySubmitted => return &["SPANWIRE_MEMORY_MAX"],
        CauseKind::System
        | CauseKind::NotResolved
        | CauseKind::NoConnection
        | CauseKind::NotSent
        | CauseKind::NotWritten
        | CauseKind::UrlUnusable => return &["DD_TRACE_AGENT_URL"],
        CauseKind::NoAnswer => return &["DD_TRACE_AGENT_URL", "SPANWIRE_REQUEST_TIMEOUT_MS"],
        CauseKind::Answered if fate.lost > 0 => return &["DD_TRACE_AGENT_URL"],
        _ => {}
    }
    match (fate.is_kept(), fate.rule) {
        (Some(false), _) if fate.decided_elsewhere => &[],
        (Some(false), rule::NONE) => &[],
        (Some(false), _) if fate.limited => &["DD_TRACE_RATE_LIMIT", "DD_TRACE_SAMPLING_RULES"],
        (Some(false), rule::SAMPLE_RATE) => &["DD_TRACE_SAMPLE_RATE"],
        (Some(false), rule::MINUTE) => &["DD_APM_TRACING_ENABLED"],
        (Some(false), _) => &["DD_TRACE_SAMPLING_RULES"],
        _ => &[],
    }
}

/// Says what to do, where something can be done.
fn remedy(answer: &Answer<'_>) -> Option<String> {
    let pid = answer.source.pid.map_or_else(|| "PID".into(), |pid| pid.to_string());
    remedy_of(&answer.known).map(|text| text.replace("PID", &pid))
}

fn remedy_of(known: &Known) -> Option<String> {
    if known.open > 0 || known.oldest.is_some() {
        return Some(
            "Finish every span on every path, also after errors; `spanwire ctl PID spans` shows the open ones.".into(),
        );
    }
    let fate = known.fate.as_ref()?;
    let rejected = fate.is_kept() == Some(false);
    let text = match fate.standing() {
        Standing::NoSpans if fate.abandoned => "Finish spans before spanwire_tracer_shutdown().",
        Standing::NoSpans => "The program calls spanwire_span_discard(): look there.",
        Standing::Queued => "Wait for a second, or ask for a flush: `spanwire ctl PID flush`.",
        Standing::InFlight => "If it stays so, `spanwire doctor --pid PID` checks the Agent.",
        Standing::Sent if rejected && fate.decided_elsewhere => {
            "Change the sampling of the service that began the trace."
        }
        Standing::Sent if rejected && fate.limited => "Raise the limit on traces per second.",
        Standing::Sent if rejected && fate.mechanism == Some(-1) => {
            "The Agent computes these rates: raise apm_config.target_traces_per_second, or set DD_TRACE_SAMPLING_RULES."
        }
        Standing::Sent if rejected && fate.mechanism == Some(-4) => {
            "The program has dropped it: look for the tag manual.drop and spanwire_span_set_priority()."
        }
        Standing::Sent if rejected && fate.rule == rule::MINUTE => {
            "Set DD_APM_TRACING_ENABLED=true to keep more than one trace a minute."
        }
        Standing::Sent if rejected => "Raise the rate.",
        Standing::Sent if fate.abandoned => "Finish spans before spanwire_tracer_shutdown().",
        Standing::Sent if fate.cause.kind == CauseKind::Written => return None,
        Standing::Sent => {
            "The Agent has it: if it cannot be found, look at the Agent (`agent status`), at its filters (apm_config.ignore_resources, \
             filter_tags), and at the retention filters of the site."
        }
        Standing::Dropped => dropped(fate),
    };
    Some(text.into())
}

fn dropped(fate: &Fate) -> &'static str {
    match (fate.cause.kind, fate.cause.code) {
        (CauseKind::NoRoom, _) => "Spans come faster than they are sent: check the Agent, or raise SPANWIRE_QUEUE_MAX.",
        (CauseKind::NoMemoryRecord | CauseKind::NoMemorySubmitted | CauseKind::NoMemoryPayload, _) => {
            "Finish spans earlier, or raise SPANWIRE_MEMORY_MAX."
        }
        (CauseKind::Answered, 404 | 405 | 415) => "Check that the URL is that of an Agent with APM turned on.",
        (CauseKind::Answered, 401 | 403 | 407) => "An Agent asks for no credentials: look at the proxy in between.",
        (CauseKind::Answered, 413) | (CauseKind::RefusedAlone | CauseKind::SpanTooLarge, _) => {
            "Set fewer or shorter tags on this span, or raise the limit of the Agent or of a proxy in between."
        }
        (CauseKind::Answered, _) => "Look at the Agent's log; it may be overloaded.",
        (CauseKind::NoAnswer, _) => "The Agent is slow or hangs: look at its load and its log.",
        (CauseKind::TimeOver, _) => "Give spanwire_tracer_shutdown() more time, or check why the Agent is slow.",
        (CauseKind::NoThread, _) => "Raise the limit on threads (`ulimit -u`, pids.max of the container).",
        (CauseKind::NotWritten, _) => "Check the folder's owner and the disk.",
        (CauseKind::UrlUnusable, _) => "Correct DD_TRACE_AGENT_URL.",
        (CauseKind::WorkerPanicked | CauseKind::TurnedOff, _) => {
            "It is a defect of the library: please report it with the line `panic` of the log."
        }
        (CauseKind::TracerFreed | CauseKind::ExporterNeeded, _) => {
            "Call spanwire_tracer_shutdown() before spanwire_tracer_free()."
        }
        (CauseKind::Submitted, _) => "Correct what the program submits.",
        _ => "Start the Agent, or correct DD_TRACE_AGENT_URL; `spanwire doctor --pid PID` checks the way to it.",
    }
}
