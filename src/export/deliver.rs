//! Sends batches: payloads of the right size, one attempt at a time, and what follows from the result of each. A
//! payload that is refused as too large (413) is halved. Each span ends as sent, or as dropped for a reason.

use super::batch::{Batch, Piece};
use super::exporter::Exporter;
use super::format::{Format, Formats, Known, PayloadFormat, Sender};
use super::packing::{pack, Bounds};
use super::queue::Pause;
use super::retry::{judge, Backoff, Verdict, BACKOFF_SHORTEST};
use super::shared::Shared;
use super::transport::agent::{self, Agent, Answer, Failure, Headers, Timeouts};
use super::transport::Transport;
use crate::counters::{Counters, Reason};
use crate::event::{DropDetail, Event, SendError, Totals};
use crate::memory::Buffer;
use crate::probes;
use crate::recorder::Fates;
use crate::sys;
use report::Attempt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

mod report;
mod to_file;

/// The largest request in bytes, where an agent names no bound.
const REQUEST_MAX: usize = 25 << 20;
/// How many bytes of records a batch has. Payloads are small, because a larger one leaves the processor's cache before
/// it is sent.
pub(super) const AT_ONCE: usize = 1 << 20;
/// The least time between attempts if no agent listens, however often a flush asks for one.
const UNREACHED_SHORTEST: Duration = Duration::from_millis(10);
/// A larger buffer is not kept for the next payload.
const BODY_KEPT: usize = 2 << 20;

/// Sends payloads to one agent or file, and keeps what is known of it.
pub(super) struct Delivery {
    pub(super) shared: &'static Shared,
    pub(super) exporter: &'static Exporter,
    pub(super) transport: Transport,
    /// Where payloads go, as logs show it.
    pub(super) url: String,
    pub(super) backoff: Backoff,
    /// Nothing is sent before this pause is over.
    pub(super) pause: Option<Pause>,
    /// Since when the agent does not answer.
    pub(super) down_since: Option<Instant>,
    /// The formats that the agent takes, as far as is known.
    pub(super) known: Known,
    /// The agent takes the field `span_events`, as far as is known.
    pub(super) span_events: bool,
    /// The agent may have been replaced by another version: `/info` is to be asked again.
    pub(super) ask_info: bool,
    /// Each format that was asked for, with the one that was used last for it.
    said: Vec<(Format, Format)>,
    /// The agent has refused a payload in every format, and has taken none since.
    takes_none: bool,
    /// The status with which the agent has refused a format since.
    refused_with: Option<u16>,
    /// What `encoder` encodes, and whether with `span_events`.
    encodes: (Format, bool),
    encoder: Box<dyn PayloadFormat>,
    /// The headers of the last request.
    headers: Headers,
    /// The version of the sampling rates that the agent sent last.
    pub(super) rates_version: Option<String>,
    /// The largest request that the agent says it takes.
    pub(super) request_max: Option<u64>,
    /// The agent's state according to its last answer.
    pub(super) agent_state: Option<String>,
    /// The result of the last attempt.
    pub(super) last: Option<Result<(), SendError>>,
    /// Traces sent and not sent so far, as debug logs count them.
    pub(super) totals: Totals,
    pub(super) body: Buffer,
}

impl Delivery {
    /// Makes the delivery of a worker that has not sent anything yet.
    pub(super) fn new(shared: &'static Shared, exporter: &'static Exporter, transport: Transport) -> Delivery {
        let url = match &transport {
            Transport::Agent(agent) => agent.traces_url().to_string(),
            Transport::Collector(agent) => agent.url_of(""),
            Transport::File(_) | Transport::Unusable(_) => {
                let address = exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
                address.map(|address| address.to_string()).unwrap_or_default()
            }
        };
        let mut seed = [0; 8];
        sys::random_bytes(&mut seed);
        Delivery {
            shared,
            exporter,
            transport,
            url,
            backoff: Backoff::new(u64::from_ne_bytes(seed)),
            pause: None,
            down_since: None,
            known: Known::default(),
            span_events: false,
            ask_info: false,
            said: Vec::new(),
            takes_none: false,
            refused_with: None,
            encodes: (Format::V04, false),
            encoder: Format::V04.encoder(false),
            headers: Headers::default(),
            rates_version: None,
            request_max: None,
            agent_state: None,
            last: None,
            totals: Totals::default(),
            body: Buffer::new(),
        }
    }

    /// Makes one attempt with the next payload of the batch. Done when the batch has no pieces left.
    pub(super) fn attempt(&mut self, batch: &mut Batch) {
        if batch.order.is_empty() {
            batch.cut(self.shared);
            let spans = batch.spans();
            batch.owner.count(self.shared, |counters| Counters::add(&counters.taken, spans));
        }
        #[cfg(test)]
        fault(batch, "panics before");
        self.choose_format(batch);
        let bounds = self.bounds(batch);
        let mut body = std::mem::take(&mut self.body);
        body.truncate(0);
        let taken = pack(&mut *self.encoder, &mut body, batch, bounds, self.shared);
        if !taken.is_empty() {
            self.send(body.bytes(), taken, batch);
        }
        body.clear(BODY_KEPT);
        self.body = body;
    }

    /// Frees the buffer.
    pub(super) fn rest(&mut self) {
        self.body.clear(0);
        // What it holds of the last payload, too.
        self.encoder = self.encodes.0.encoder(self.encodes.1);
    }

    /// How large the next payload of a batch may be.
    fn bounds(&self, batch: &Batch) -> Bounds {
        if let Transport::File(_) = self.transport {
            return Bounds { payload: usize::MAX, one_span: usize::MAX };
        }
        let most = batch.owner.metadata.settings.payload_max_bytes.min(REQUEST_MAX);
        let agents = self.request_max.map_or(most, |max| usize::try_from(max).unwrap_or(most));
        Bounds { payload: batch.limit.unwrap_or(most).min(agents).min(most), one_span: most }
    }

    /// The format that the next payload of a batch is offered in. `/info` may list a format that the agent has refused
    /// for this payload: it is not offered twice. `None`: the agent has refused all.
    fn format(&self, batch: &Batch) -> Option<Format> {
        self.known.choose(Format::of(batch.owner.metadata.settings.protocol), batch.refused)
    }

    /// Sets the format of the next payload. Says so if it is not the one that is asked for, or is again.
    fn choose_format(&mut self, batch: &Batch) {
        let format = match self.transport {
            Transport::File(_) => Format::JsonLines,
            Transport::Collector(_) => Format::Otlp,
            Transport::Agent(_) | Transport::Unusable(_) => self.format(batch).unwrap_or(Format::V04),
        };
        let wanted = (format, self.span_events);
        if self.encodes != wanted {
            (self.encodes, self.encoder) = (wanted, format.encoder(self.span_events));
            if let Transport::Agent(agent) = &self.transport {
                self.url = agent.url_of(format.path());
            }
        }
        // Nothing is to be said of an agent that has not described itself yet, and no more of one that takes no format.
        let is_new = self.known.listed.is_none() && self.refused_with.is_none();
        if !matches!(self.transport, Transport::Agent(_)) || is_new || self.takes_none {
            return;
        }
        let asked = Format::of(batch.owner.metadata.settings.protocol);
        let before = self.said.iter().find(|(other, _)| *other == asked).map_or(asked, |(_, used)| *used);
        if before != format {
            let (url, refused, granted) = (&self.url, self.refused_with.take(), asked == format);
            self.shared.logs.emit(&Event::AgentFormat { url, asked: asked.path(), refused, granted });
        }
        self.said.retain(|(other, _)| *other != asked);
        self.said.push((asked, format));
    }

    /// Sends a payload once. Its pieces are then sent or dropped, or put back for another attempt.
    fn send(&mut self, body: &[u8], taken: Vec<Piece>, batch: &mut Batch) {
        if let Transport::File(_) = self.transport {
            return self.write(body, &taken, batch);
        }
        let owner = batch.owner.clone();
        let (bytes, traces) = (body.len() as u64, taken.len() as u64);
        let spans = taken.iter().map(Piece::spans).sum();
        let end = taken.last().map_or(0, |piece| piece.to);
        let fates = *self.shared.recorder.fates();
        let lose = |delivery: &Delivery, batch: &mut Batch, pieces: &[Piece], reason, detail: &DropDetail| {
            batch.note(pieces, |fate, spans| delivery.shared.lose_trace(fate, reason, spans, detail));
            batch.gone_up_to(end);
            owner.lose(delivery.shared, reason, spans, traces, detail);
        };
        let (Transport::Agent(agent) | Transport::Collector(agent)) = &self.transport else {
            return lose(self, batch, &taken, Reason::Unreachable, &DropDetail::UrlUnusable);
        };
        batch.attempts += 1;
        let (began, url) = (*batch.began.get_or_insert_with(Instant::now), &self.url);
        self.shared.logs.emit(&Event::PayloadSending { url, bytes, traces, spans, attempt: batch.attempts });
        let settings = &owner.metadata.settings;
        agent.set_timeouts(Timeouts { connect: settings.connect_timeout, request: settings.request_timeout });
        let asked = Instant::now();
        batch.tried = end;
        batch.asking.store(true, Relaxed);
        #[cfg(test)]
        fault(batch, "panics during");
        let rates_version = self.rates_version.as_deref().unwrap_or_default();
        let sender = Sender { identity: &owner.metadata.identity, rates_version };
        let mut headers = std::mem::take(&mut self.headers);
        headers.begin();
        let result = post_with(&mut headers, agent, &*self.encoder, &sender, body);
        self.headers = headers;
        let verdict = match (judge(&result), &self.transport, &result) {
            // OTLP allows another attempt after 429, 502, 503 and 504 alone.
            (Verdict::Retry { .. }, Transport::Collector(_), Ok(Answer { status: 408 | 500 | 501 | 505.., .. })) => {
                Verdict::Drop
            }
            (verdict, ..) => verdict,
        };
        let mut next_format = None;
        if let Verdict::Downgrade = verdict {
            self.ask_info |= self.encodes.0.is_new() && !self.takes_none;
            if let Transport::Collector(_) = self.transport {
                batch.refused = Formats::ALL;
            }
            self.refused_with = result.as_ref().ok().map(|answer| answer.status);
            self.known.refused.add(self.encodes.0);
            batch.refused.add(self.encodes.0);
            next_format = self.format(batch);
        }
        probes::payload_send(bytes, result.as_ref().map_or(0, |answer| answer.status.into()));
        if !matches!(verdict, Verdict::Sent) {
            owner.count(self.shared, |counters| Counters::add(&counters.attempts_failed, 1));
        }
        if let Err(Failure::Unknown(_) | Failure::Timeout(_)) = result {
            batch.unknown.store(true, Relaxed);
            owner.count(self.shared, |counters| Counters::add(&counters.payloads_unknown, 1));
        }
        let wait = self.wait_after(verdict);
        let (closing, time_over, give_up) = self.closing(batch);
        let refused = closing && matches!(result, Err(Failure::Refused(_)));
        let wait = give_up.map_or(wait, |left| wait.min(left));
        let retry = match verdict {
            Verdict::Retry { .. } => !time_over && !refused && began.elapsed() + wait <= settings.retry_for,
            Verdict::Downgrade => next_format.is_some(),
            _ => false,
        };
        let attempt = Attempt { bytes, traces, spans, time: asked.elapsed(), retry };
        self.report(&result, &attempt, batch.attempts);
        self.last = Some(result.as_ref().map(|_| ()).map_err(|failure| failure.error().clone()));
        match (verdict, &result) {
            (Verdict::Sent, Ok(answer)) => {
                self.takes_none = false;
                self.answered(answer);
                let now_ns = sys::wall_ns();
                batch.note(&taken, |fate, spans| fates.sent(now_ns, fate, spans, answer.status));
                batch.gone_up_to(end);
                let rejected = answer.rejected.min(spans);
                owner.count(self.shared, |counters| counters.deliver_payload(spans - rejected, bytes));
                if rejected > 0 {
                    let detail = DropDetail::Answered(answer.status);
                    owner.lose(self.shared, Reason::Refused, rejected, traces, &detail);
                }
            }
            (Verdict::Split, _) if spans == 1 => {
                lose(self, batch, &taken, Reason::TooLarge, &DropDetail::RefusedAlone);
            }
            (Verdict::Split, _) => {
                note_failed(&fates, batch, &taken, &result);
                batch.put_back(taken);
                (batch.limit, batch.attempts, batch.began) = (Some(self.encoder.whole_size(body.len()) / 2), 0, None);
            }
            (Verdict::Downgrade, _) if next_format.is_some() => {
                note_failed(&fates, batch, &taken, &result);
                batch.put_back(taken);
            }
            (Verdict::Downgrade, _) => {
                // No format at all: a wrong address is more likely than an agent older than all of them.
                (self.known.refused, self.takes_none) = (Formats::default(), true);
                lose(self, batch, &taken, Reason::Refused, &detail(&result));
            }
            (Verdict::Retry { .. }, _) if retry => {
                note_failed(&fates, batch, &taken, &result);
                batch.put_back(taken);
            }
            (Verdict::Retry { .. }, _) => {
                let unknown = batch.unknown.load(Relaxed);
                lose(self, batch, &taken, reason(&result, unknown, time_over), &detail(&result));
                if refused {
                    // Connections for the chunks that wait after it would be refused too.
                    batch.give_up(self.shared, Reason::Unreachable, &detail(&result));
                    self.drop_waiting(batch, &detail(&result));
                }
            }
            (_, _) => lose(self, batch, &taken, Reason::Refused, &detail(&result)),
        }
    }

    /// Begins the pause after an attempt, if one is needed. Returns its length.
    fn wait_after(&mut self, verdict: Verdict) -> Duration {
        let Verdict::Retry { after, reached } = verdict else {
            self.pause = None;
            return Duration::ZERO;
        };
        // The agent may ask for a longer wait than the usual one, never for a shorter one.
        let wait = self.backoff.wait().max(after.unwrap_or_default());
        let now = Instant::now();
        // A flush may shorten the usual wait, but not one that the agent asked for. If no agent listens, an attempt
        // costs almost nothing, so a flush shortens the wait to almost nothing.
        let shortest = match (after, reached) {
            (Some(_), _) => wait,
            (None, true) => BACKOFF_SHORTEST.min(wait),
            (None, false) => UNREACHED_SHORTEST.min(wait),
        };
        self.pause = Some(self.exporter.queue.pause(now + wait, now + shortest));
        wait
    }

    /// Whether the batch's tracer is being shut down, whether the time for that is over, and how much of it is left.
    fn closing(&self, batch: &Batch) -> (bool, bool, Option<Duration>) {
        let give_up = batch.owner.account(self.shared).map_or(0, |account| account.give_up_at.load(Relaxed));
        let left = Duration::from_nanos(give_up.saturating_sub(sys::monotonic_ns()));
        (give_up != 0, give_up != 0 && left.is_zero(), (give_up != 0).then_some(left))
    }

    /// Whether the batch's tracer was shut down and the time for that is over.
    pub(super) fn is_over(&self, batch: &Batch) -> bool {
        self.closing(batch).1
    }

    /// Drops all waiting chunks of the batch's lane.
    fn drop_waiting(&self, batch: &Batch, detail: &DropDetail) {
        let rest = self.exporter.queue.remove_lane(batch.lane);
        let spans: u64 = rest.iter().map(|chunk| u64::from(chunk.spans)).sum();
        if spans > 0 {
            let owner = &batch.owner;
            owner.count(self.shared, |counters| {
                Counters::add(&counters.taken, spans);
            });
            self.shared.lose_chunks(&rest, Reason::Unreachable, detail);
            owner.lose(self.shared, Reason::Unreachable, spans, rest.len() as u64, detail);
        }
        self.shared.pool.give_all(rest.into_iter().map(|chunk| chunk.records));
    }

    /// Keeps what an answer says: rates, and the agent's state.
    fn answered(&mut self, answer: &Answer) {
        self.backoff.reset();
        if answer.rates_version.is_some() {
            self.rates_version = answer.rates_version.clone();
        }
        // Also without rates: those in force may still be on their way to what the Agent asked for.
        self.exporter.rates.take(agent::rates(&answer.body).as_ref(), sys::monotonic_ns());
        if answer.agent_state.is_some() {
            self.agent_state = answer.agent_state.clone();
        }
    }
}

/// Posts a payload that the encoder has finished.
#[cfg(feature = "cli")]
pub fn post(agent: &Agent, encoder: &dyn PayloadFormat, sender: &Sender<'_>, body: &[u8]) -> Result<Answer, Failure> {
    post_with(&mut Headers::default(), agent, encoder, sender, body)
}

/// Does the same with headers that were begun.
fn post_with(
    headers: &mut Headers,
    agent: &Agent,
    encoder: &dyn PayloadFormat,
    sender: &Sender<'_>,
    body: &[u8],
) -> Result<Answer, Failure> {
    headers.add("Content-Type", encoder.content_type());
    encoder.headers(sender, &mut |name, value| headers.add(name, value));
    for (name, value) in encoder.more_headers() {
        headers.add_secret(name, value);
    }
    agent.post(encoder.path(), headers, body)
}

fn reason(result: &Result<Answer, Failure>, unknown: bool, time_over: bool) -> Reason {
    match result {
        _ if unknown => Reason::UnknownFate,
        _ if time_over => Reason::Shutdown,
        Ok(_) => Reason::Refused,
        Err(_) => Reason::Unreachable,
    }
}

/// Notes in the ring of fates that an attempt failed, and that another one follows.
fn note_failed(fates: &Fates, batch: &Batch, pieces: &[Piece], result: &Result<Answer, Failure>) {
    let cause = detail(result).cause();
    batch.note(pieces, |fate, _| fates.failed(fate, cause));
}

fn detail(result: &Result<Answer, Failure>) -> DropDetail {
    match result {
        Ok(answer) => DropDetail::Answered(answer.status),
        Err(failure) => DropDetail::NotSent(failure.error().clone()),
    }
}

/// Panics for a tracer whose service has this name.
#[cfg(test)]
fn fault(batch: &Batch, service: &str) {
    assert!(batch.owner.metadata.service != service, "planted: {service}");
}
