//! `spanwire core FILE --send URL`: sends the finished spans that the process had not sent when it crashed. Uses the
//! library's own payload format and HTTP client, adds what the tracer would have added, and marks each span with
//! `_spanwire.recovered`. A file beside the core keeps a second run from sending the spans again.

use super::Content;
use crate::cli::CoreOptions;
use crate::out::{counted, note, Failure, Out};
use spanwire::companion::export::agent::{Agent, Failure as Unsent};
use spanwire::companion::export::agent::{Place as AgentPlace, Timeouts};
use spanwire::companion::export::deliver;
use spanwire::companion::export::format::{self, Fit, Format, PayloadFormat, Sender, Spans};
use spanwire::companion::export::{Identity, Metadata, Pairs};
use spanwire::companion::languages::FOR_SETTINGS;
use spanwire::companion::memory::Buffer;
use spanwire::companion::report::image::{Chunk, Image, Place, Tracer};
use spanwire::companion::settings::{AgentAddress, Settings};
use spanwire::companion::span::Record;
use std::fs::{File, OpenOptions};
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
    let agent = agent(url)?;
    let sorted = sort(image, options.send_all);
    let mut left = notes(&sorted);
    if image.misses || content.core.missing > 0 || image.chunks().any(|chunk| chunk.damaged) {
        left += "Some of the process's memory cannot be read: there may have been more.\n";
    }
    if sorted.spans == 0 {
        return out.write(&format!("Nothing to send: no finished span waits.\n{left}"));
    }
    let mark = Mark::set(path, url, options.again)?;
    let (mut sent, mut requests) = (0, 0);
    for lot in &sorted.lots {
        if let Err(why) = send(&agent, lot, &mut sent, &mut requests) {
            if sent == 0 {
                mark.remove();
            }
            let some = if sent > 0 {
                format!("; {sent} of them were sent before, and --again sends all")
            } else {
                String::new()
            };
            return Err(Failure::said(format!(
                "{} not sent to {url}: {why}{some}",
                counted(sorted.spans - sent, "span")
            )));
        }
    }
    let (spans, requests) = (counted(sent, "finished span"), counted(requests, "request"));
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

fn agent(url: &str) -> Result<Agent, Failure> {
    let place = match AgentAddress::from_url(url) {
        Ok(AgentAddress::Http { host, port, base_path }) => AgentPlace::Tcp { host, port, base_path },
        Ok(AgentAddress::Unix { path }) => AgentPlace::Unix { path },
        Ok(_) => return Err(Failure::said("--send takes http://HOST:PORT or unix:///PATH")),
        Err(why) => return Err(Failure::said(format!("--send {url}: {why}"))),
    };
    let timeouts = Timeouts { connect: Duration::from_secs(5), request: Duration::from_secs(30) };
    Ok(Agent::new(place, timeouts))
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
    let (settings, _) = Settings::resolve(&[], &|_| None, &FOR_SETTINGS);
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

/// Sends the spans of one tracer, payload after payload. Counts the spans and requests that the Agent accepted.
fn send(agent: &Agent, lot: &Lot, sent: &mut usize, requests: &mut usize) -> Result<(), String> {
    let memory = |_| "there is no memory for the payload".to_owned();
    let (mut body, mut encoder, mut spans) = (Buffer::new(), Format::V04.encoder(false), 0);
    encoder.begin(&mut body, &lot.metadata).map_err(memory)?;
    let mut order = Vec::new();
    for (n, chunk) in lot.chunks.iter().enumerate() {
        order.clear();
        format::order(chunk, &mut order);
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let given = Spans { chunk, offsets: rest, metadata: &lot.metadata };
            let done = encoder.add(&mut body, &given, Fit::Some, REQUEST_MAX).map_err(memory)?;
            spans += done;
            rest = &rest[done..];
            let last = n + 1 == lot.chunks.len() && rest.is_empty();
            if last || body.len() >= PAYLOAD || !rest.is_empty() {
                if spans == 0 {
                    return Err("a span is larger than an Agent takes".into());
                }
                encoder.finish(&mut body).map_err(memory)?;
                post(agent, lot, &*encoder, body.bytes())?;
                (*sent, *requests) = (*sent + spans, *requests + 1);
                spans = 0;
                body.truncate(0);
                encoder.begin(&mut body, &lot.metadata).map_err(memory)?;
            }
        }
    }
    Ok(())
}

fn post(agent: &Agent, lot: &Lot, encoder: &dyn PayloadFormat, body: &[u8]) -> Result<(), String> {
    let sender = Sender { identity: &lot.metadata.identity, rates_version: "" };
    match deliver::post(agent, encoder, &sender, body) {
        Ok(answer) if answer.is_taken() => Ok(()),
        Ok(answer) => Err(format!("the Agent answered {}", answer.status)),
        Err(Unsent::NotSent(why)) => Err(why.to_string()),
        Err(failure) => Err(format!("{failure}; the Agent may have what was in that request")),
    }
}

/// The file beside a core that records that its spans were sent.
struct Mark(PathBuf);

impl Mark {
    /// Creates the file. Fails if it exists already, unless the spans are to be sent `again`. If it cannot be created,
    /// prints a note.
    fn set(core: &Path, url: &str, again: bool) -> Result<Mark, Failure> {
        let mut name = core.as_os_str().to_owned();
        name.push(".sent");
        let path = PathBuf::from(name);
        let made =
            if again { File::create(&path) } else { OpenOptions::new().write(true).create_new(true).open(&path) };
        match made {
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
        Ok(Mark(path))
    }

    fn remove(&self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
