//! `spanwire core FILE --send URL`: sends the finished spans that the process had not sent when it crashed. Uses the
//! library's own payload formats and HTTP client, adds what the tracer would have added, and marks each span with
//! `_spanwire.recovered`. A file beside the core keeps a second run from sending the spans again.

use super::Content;
use crate::address;
use crate::cli::CoreOptions;
use crate::out::{counted, note, Failure, Out};
use spanwire::companion::export::agent::{Agent, Failure as Unsent};
use spanwire::companion::export::agent::{Place as AgentPlace, Timeouts};
use spanwire::companion::export::deliver;
use spanwire::companion::export::format::{self, Fit, Format, Formats, Known, PayloadFormat, Sender, Spans};
use spanwire::companion::export::{Identity, Metadata, Pairs};
use spanwire::companion::languages::FOR_SETTINGS;
use spanwire::companion::memory::Buffer;
use spanwire::companion::report::image::{Chunk, Image, Place, Tracer};
use spanwire::companion::settings::{AgentAddress, Settings};
use spanwire::companion::span::Record;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The tag that is added to every span.
const MARK: (&str, &str) = ("_spanwire.recovered", "true");
/// A payload is sent when it reaches this size in bytes, as in the library.
const PAYLOAD: usize = 1 << 20;
/// The largest request that an Agent accepts, in bytes.
const REQUEST_MAX: usize = 25 << 20;

/// The chunks of one tracer that are to be sent.
struct Lot {
    metadata: Metadata,
    chunks: Vec<spanwire::companion::trace::Chunk>,
}

/// The finished spans of a core, sorted before anything is sent.
#[derive(Default)]
struct Sorted {
    lots: Vec<Lot>,
    spans: usize,
    /// Spans left out because their request was under way or got no answer: the Agent may have them.
    perhaps_sent: usize,
    /// Spans left out because they cannot be read whole, or because their tracer is not known.
    unreadable: usize,
}

/// Sends the spans of a core and prints how many.
pub fn run(out: Out, path: &Path, content: &Content, url: &str, options: &CoreOptions) -> Result<(), Failure> {
    let told = |why: &str| Failure::said(format!("{} {why}", path.display()));
    let image = match &content.image {
        Ok(Some(image)) => image,
        Ok(None) => return Err(told("holds no spans: no call of the library was made")),
        Err(why) => return Err(told(&format!("cannot be sent: {why}"))),
    };
    let mut receiver = Receiver::at(url)?;
    let sorted = sort(image, options.send_all);
    let mut left = notes(&sorted);
    if image.misses || content.core.missing > 0 || image.chunks().any(|chunk| chunk.damaged) {
        left += "Some of the process's memory cannot be read: there may have been more.\n";
    }
    if sorted.spans == 0 {
        return out.write(&format!("Nothing to send: no finished span waits.\n{left}"));
    }
    let mark = Mark::set(path, url, options.again)?;
    receiver.ask();
    let mut done = Done::default();
    for lot in &sorted.lots {
        if let Err(why) = receiver.send(lot, &mut done) {
            let sent = done.sent;
            // Nothing has arrived for sure: a second run doubles no span.
            if done == Done::default() {
                mark.remove();
            }
            let some = if sent > 0 {
                format!("; {sent} of them were sent before, and --again sends all")
            } else {
                String::new()
            };
            return Err(Failure::said(format!(
                "{} not sent to {url}: {why}{some}",
                counted(sorted.spans - sent - done.refused, "span")
            )));
        }
    }
    if done.refused > 0 {
        left += &format!("Refused by the Collector: {}.\n", counted(done.refused, "span"));
    }
    let (spans, requests) = (counted(done.sent, "finished span"), counted(done.requests, "request"));
    out.write(&format!("Sent {spans} to {url} in {requests}, each marked {}.\n{left}", MARK.0))
}

fn notes(sorted: &Sorted) -> String {
    let mut notes = String::new();
    if sorted.perhaps_sent > 0 {
        notes += &format!(
            "Left out: {}, for which a request was under way or got no answer: the Agent may have them. --send-all sends \
             these too.\n",
            counted(sorted.perhaps_sent, "span")
        );
    }
    if sorted.unreadable > 0 {
        notes += &format!("Left out: {}, which cannot be read whole.\n", counted(sorted.unreadable, "span"));
    }
    notes
}

fn sort(image: &Image, all: bool) -> Sorted {
    let mut sorted = Sorted::default();
    for tracer in &image.tracers {
        let Some(metadata) = metadata(tracer) else { continue };
        let mut lot = Lot { metadata, chunks: Vec::new() };
        for chunk in image.chunks().filter(|chunk| chunk.tracer == tracer.index) {
            if matches!(chunk.place, Place::Sending { asking, unknown } if asking || unknown) && !all {
                sorted.perhaps_sent += chunk.spans.len();
                continue;
            }
            let (chunk, damaged) = rebuilt(chunk);
            sorted.unreadable += damaged;
            sorted.spans += chunk.spans as usize;
            if chunk.spans > 0 {
                lot.chunks.push(chunk);
            }
        }
        sorted.lots.push(lot);
    }
    let known = |chunk: &&Chunk| image.tracer(chunk.tracer).is_some_and(|tracer| !tracer.card.is_null());
    sorted.unreadable += image.chunks().filter(|chunk| !known(chunk)).map(|chunk| chunk.spans.len()).sum::<usize>();
    sorted
}

/// Rebuilds a chunk as the library has it, from the records that this version of the library can read. Returns the
/// chunk and the number of records left out.
fn rebuilt(chunk: &Chunk) -> (spanwire::companion::trace::Chunk, usize) {
    let (mut records, mut spans) = (Buffer::new(), 0);
    for (bytes, span) in chunk.records.iter().zip(&chunk.spans) {
        let alike = Record::read(bytes).is_some_and(|(record, rest)| {
            rest.is_empty() && record.span_id == span.span_id && record.name == span.texts[0]
        });
        if alike && records.push(bytes).is_ok() {
            spans += 1;
        }
    }
    let damaged = chunk.records.len() - spans as usize;
    let chunk = spanwire::companion::trace::Chunk {
        tracer: chunk.tracer as u32,
        trace_id_high: (chunk.trace_id >> 64) as u64,
        trace_id_low: chunk.trace_id as u64,
        decision: chunk.decision,
        tags: chunk.tags.clone(),
        spans,
        complete: chunk.complete,
        records,
        sequence: 0,
        fate: 0,
        decided_elsewhere: false,
    };
    (chunk, damaged)
}

/// Returns the metadata that the tracer's payloads would carry. `None` if the core does not have it.
fn metadata(tracer: &Tracer) -> Option<Metadata> {
    if tracer.card.is_null() {
        return None;
    }
    let text = |name: &str| tracer.text(name).to_owned();
    let maybe = |name: &str| tracer.card[name].as_str().map(str::to_owned);
    let pairs = |name: &str| -> Vec<(String, String)> {
        let all = tracer.card[name].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()))).collect()
    };
    let (settings, _) = Settings::resolve(&[], &|name| setting(tracer, name), &FOR_SETTINGS);
    let mut metadata = Metadata::of(&settings, tracer.card["process_id"].as_u64().unwrap_or(0) as u32);
    (metadata.service, metadata.version) = (text("service"), text("version"));
    metadata.runtime_id = text("runtime_id");
    let marked = |mut tags: Vec<(String, String)>| {
        tags.push((MARK.0.into(), MARK.1.into()));
        Pairs::of(tags)
    };
    (metadata.every_span, metadata.first_span) = (marked(pairs("every_span")), marked(pairs("first_span")));
    metadata.identity = Identity {
        language: text("language"),
        language_version: text("language_version"),
        interpreter: text("interpreter"),
        interpreter_vendor: text("interpreter_vendor"),
        tracer_version: text("tracer_version"),
        container_id: maybe("container_id"),
        entity_id: maybe("entity_id"),
        external_env: maybe("external_env"),
        no_statistics: false,
    };
    Some(metadata)
}

/// Returns the settings that formats depend on: those in this command's environment, else those of the process. Headers are
/// secret, so that a core does not have them.
fn setting(tracer: &Tracer, name: &str) -> Option<String> {
    let own = || std::env::var(name).ok().filter(|value| !value.is_empty());
    let of_process = || {
        let values = tracer.card["settings"].as_array().map(Vec::as_slice).unwrap_or_default();
        values.iter().find(|value| value[0] == name)?[1].as_str().map(str::to_owned)
    };
    match name {
        "DD_TRACE_AGENT_PROTOCOL_VERSION" | "OTEL_EXPORTER_OTLP_COMPRESSION" => own().or_else(of_process),
        "OTEL_EXPORTER_OTLP_HEADERS" | "OTEL_EXPORTER_OTLP_TRACES_HEADERS" => own(),
        "DD_ENV" | "DD_VERSION" => of_process(),
        _ => None,
    }
}

/// What was sent so far.
#[derive(Default, PartialEq)]
struct Done {
    sent: usize,
    requests: usize,
    /// Spans that a Collector has refused, although it took the others in the request.
    refused: usize,
    /// The last request got no answer: its spans may have arrived.
    unsure: bool,
}

/// An Agent or a Collector. It gets the format that the worker of the library would choose for it.
struct Receiver {
    agent: Agent,
    is_collector: bool,
    known: Known,
    span_events: bool,
}

impl Receiver {
    fn at(url: &str) -> Result<Receiver, Failure> {
        let address = address::read(url).map_err(|why| Failure::said(format!("--send {url}: {why}")))?;
        if let AgentAddress::Unusable { why, .. } = &address {
            return Err(Failure::said(format!("--send {url}: {why}")));
        }
        let accepted = "--send takes http://HOST:PORT, https://HOST:PORT, otlp+http://HOST:PORT or unix:///PATH";
        let place = AgentPlace::of(&address).ok_or_else(|| Failure::said(accepted))?;
        let timeouts = Timeouts { connect: Duration::from_secs(5), request: Duration::from_secs(30) };
        let is_collector = matches!(address, AgentAddress::Otlp { .. });
        Ok(Receiver { agent: Agent::new(place, timeouts), is_collector, known: Known::default(), span_events: false })
    }

    /// Asks an Agent what it takes. One that does not answer is offered v0.4.
    fn ask(&mut self) {
        if self.is_collector {
            return;
        }
        if let Ok(info) = self.agent.info() {
            self.known.learn(&info.endpoints);
            self.span_events = info.span_events;
        }
    }

    /// Sends the spans of one tracer, payload after payload.
    fn send(&mut self, lot: &Lot, done: &mut Done) -> Result<(), String> {
        let order = |chunk| {
            let mut order = Vec::new();
            format::order(chunk, &mut order);
            order
        };
        let orders: Vec<Vec<u32>> = lot.chunks.iter().map(order).collect();
        let asked = Format::of(lot.metadata.settings.protocol);
        let (mut body, mut from, mut refused) = (Buffer::new(), (0, 0), Formats::default());
        while from.0 < lot.chunks.len() {
            let format = match self.is_collector {
                true => Format::Otlp,
                false => self.known.choose(asked, refused).ok_or("the Agent takes no format of ours")?,
            };
            let mut encoder = format.encoder(self.span_events);
            let (to, spans) = pack(&mut *encoder, &mut body, lot, &orders, from)?;
            let sender = Sender { identity: &lot.metadata.identity, rates_version: "" };
            let answer =
                deliver::post(&self.agent, &*encoder, &sender, body.bytes()).map_err(|failure| match failure {
                    Unsent::NotSent(why) | Unsent::Refused(why) => why.to_string(),
                    failure => {
                        done.unsure = true;
                        format!("{failure}; what was in that request may have arrived")
                    }
                })?;
            if answer.is_taken() {
                let rejected = usize::try_from(answer.rejected).unwrap_or(spans).min(spans);
                (done.sent, done.refused) = (done.sent + spans - rejected, done.refused + rejected);
                (done.requests, from, refused) = (done.requests + 1, to, Formats::default());
            } else if !self.is_collector && matches!(answer.status, 404 | 415) {
                refused.add(format);
                self.known.refused.add(format);
            } else {
                return Err(format!("it answered {}", answer.status));
            }
        }
        Ok(())
    }
}

/// Fills a payload with the spans of a tracer from this chunk and this span of it on. Returns where it ends, and how many
/// spans it has.
fn pack(
    encoder: &mut dyn PayloadFormat,
    body: &mut Buffer,
    lot: &Lot,
    orders: &[Vec<u32>],
    (mut at, mut span): (usize, usize),
) -> Result<((usize, usize), usize), String> {
    let memory = |_| "there is no memory for the payload".to_owned();
    let mut spans = 0;
    body.truncate(0);
    encoder.begin(body, &lot.metadata).map_err(memory)?;
    while let (Some(chunk), Some(order)) = (lot.chunks.get(at), orders.get(at)) {
        let given = Spans { chunk, offsets: &order[span..], metadata: &lot.metadata };
        let added = encoder.add(body, &given, Fit::Some, REQUEST_MAX).map_err(memory)?;
        (span, spans) = (span + added, spans + added);
        if span < order.len() {
            break;
        }
        (at, span) = (at + 1, 0);
        if body.len() >= PAYLOAD {
            break;
        }
    }
    if spans == 0 {
        return Err("a span is larger than an Agent takes".into());
    }
    encoder.finish(body).map_err(memory)?;
    Ok(((at, span), spans))
}

/// The file beside a core that records that its spans were sent.
struct Mark {
    path: PathBuf,
    /// This run has made it.
    is_new: bool,
}

impl Mark {
    /// Creates the file. If it exists already, adds a line if the spans are to be sent `again`, else fails. If it cannot be
    /// written, prints a note.
    fn set(core: &Path, url: &str, again: bool) -> Result<Mark, Failure> {
        let mut name = core.as_os_str().to_owned();
        name.push(".sent");
        let path = PathBuf::from(name);
        let created = OpenOptions::new().write(true).create_new(true).open(&path);
        let is_new = created.is_ok();
        let opened = match created {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && again => {
                OpenOptions::new().append(true).open(&path)
            }
            other => other,
        };
        match opened {
            Ok(mut file) => {
                let _ = writeln!(file, "The finished spans of this core were sent to {url} by `spanwire core --send`.");
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Failure::said(format!(
                    "the spans of {} were sent before: {} says where to. --again sends them once more",
                    core.display(),
                    path.display()
                )));
            }
            Err(error) => note(format!(
                "{} cannot be written ({error}): a second run would send these spans again",
                path.display()
            )),
        }
        Ok(Mark { path, is_new })
    }

    /// Removes the file, unless an earlier run has made it.
    fn remove(&self) {
        if self.is_new {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
