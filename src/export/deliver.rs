//! How a batch of chunks gets to the agent: payloads of the right size, one attempt at a time, and the verdict on each.
//! What is too large is split between spans, what is refused with 413 is halved; every span ends as sent or as dropped
//! for a reason.

use super::batch::{Batch, Piece};
use super::connection::State;
use super::exporter::Exporter;
use super::format::{Format, Offer, PayloadFormat, Sender};
use super::packing::{pack, Bounds};
use super::queue::Pause;
use super::retry::{judge, Backoff, Verdict, BACKOFF_SHORTEST};
use super::shared::Shared;
use super::transport::agent::{self, Agent, Answer, Failure, Headers, Timeouts};
use super::transport::file;
use super::transport::Transport;
use crate::counters::{Counters, Reason};
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{DropDetail, Event, SendError, Totals};
use crate::memory::Buffer;
use crate::probes;
use crate::sys;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The most that an agent takes when it does not say.
const REQUEST_MAX: usize = 25 << 20;
/// One payload in flight, and a small one: what is larger leaves the cache before it is sent.
pub(super) const AT_ONCE: usize = 1 << 20;
/// The least time between attempts where nobody listens, however often a flush asks for one.
const UNREACHED_SHORTEST: Duration = Duration::from_millis(10);
/// A body that grew beyond this is not kept for the next payload.
const BODY_KEPT: usize = 2 << 20;

/// Sends payloads to one agent, and what is known of that agent.
pub(super) struct Delivery {
    pub(super) shared: &'static Shared,
    pub(super) exporter: &'static Exporter,
    pub(super) transport: Transport,
    /// Where things go, as logs show it.
    pub(super) url: String,
    pub(super) backoff: Backoff,
    /// Nothing is sent before this is over.
    pub(super) pause: Option<Pause>,
    /// Since when the agent does not answer.
    pub(super) down_since: Option<Instant>,
    /// The format that the agent accepts, as far as is known.
    pub(super) offer: Offer,
    /// What `encoder` encodes.
    encodes: Format,
    encoder: Box<dyn PayloadFormat>,
    /// The rates' version that the agent gave last.
    pub(super) rates_version: Option<String>,
    /// The largest request that the agent says it takes.
    pub(super) request_max: Option<u64>,
    /// What the last answer said of the agent's state.
    pub(super) agent_state: Option<String>,
    /// What the last attempt came to.
    pub(super) last: Option<Result<(), SendError>>,
    /// Traces sent and not sent so far, as debug logs count them.
    pub(super) totals: Totals,
    pub(super) body: Buffer,
}

/// What an attempt came to, for the log.
struct Attempt {
    bytes: u64,
    traces: u64,
    spans: u64,
    time: Duration,
    retry: bool,
}

impl Delivery {
    /// Nothing was sent yet.
    pub(super) fn new(shared: &'static Shared, exporter: &'static Exporter, transport: Transport) -> Delivery {
        let url = match &transport {
            Transport::Agent(agent) => agent.traces_url().to_string(),
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
            offer: Offer::default(),
            encodes: Format::V04,
            encoder: Format::V04.encoder(),
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
            batch.cut();
            let spans = batch.spans();
            batch.owner.count(self.shared, |counters| Counters::add(&counters.taken, spans));
        }
        #[cfg(test)]
        fault(batch, "panics before");
        self.use_format(match self.transport {
            Transport::File(_) => Format::JsonLines,
            Transport::Agent(_) | Transport::Unusable(_) => self.offer(batch).format(),
        });
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

    /// Gives back what larger payloads needed.
    pub(super) fn rest(&mut self) {
        self.body.clear(0);
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

    /// What the next payload of a batch is offered as: `/info` may say meanwhile that the agent knows a format which it has
    /// refused for this payload.
    fn offer(&self, batch: &Batch) -> Offer {
        self.offer.max(batch.offer)
    }

    /// Makes the encoder one for this format.
    fn use_format(&mut self, format: Format) {
        if self.encodes != format {
            (self.encodes, self.encoder) = (format, format.encoder());
        }
    }

    /// Sends a payload once; what became of its pieces is settled, or they are put back for another attempt.
    fn send(&mut self, body: &[u8], taken: Vec<Piece>, batch: &mut Batch) {
        if let Transport::File(_) = self.transport {
            return self.write(body, &taken, batch);
        }
        let owner = batch.owner.clone();
        let (bytes, traces) = (body.len() as u64, taken.len() as u64);
        let spans = taken.iter().map(Piece::spans).sum();
        let end = taken.last().map_or(0, |piece| piece.to);
        let lose = |delivery: &Delivery, batch: &mut Batch, reason, detail: &DropDetail| {
            batch.gone_up_to(end);
            owner.lose(delivery.shared, reason, spans, traces, detail);
        };
        let Transport::Agent(agent) = &self.transport else {
            return lose(self, batch, Reason::Unreachable, &DropDetail::UrlUnusable);
        };
        batch.attempts += 1;
        let (began, url) = (*batch.began.get_or_insert_with(Instant::now), &self.url);
        self.shared.logs.emit(&Event::PayloadSending { url, bytes, traces, spans, attempt: batch.attempts });
        let next_offer = self.offer(batch).next();
        let settings = &owner.metadata.settings;
        agent.set_timeouts(Timeouts { connect: settings.connect_timeout, request: settings.request_timeout });
        let asked = Instant::now();
        batch.tried = end;
        batch.asking.store(true, Relaxed);
        #[cfg(test)]
        fault(batch, "panics during");
        let rates_version = self.rates_version.as_deref().unwrap_or_default();
        let sender = Sender { identity: &owner.metadata.identity, rates_version };
        let result = post(agent, &*self.encoder, &sender, body);
        let verdict = judge(&result);
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
            Verdict::Downgrade => next_offer.is_some(),
            _ => false,
        };
        let attempt = Attempt { bytes, traces, spans, time: asked.elapsed(), retry };
        self.say(&result, &attempt, batch.attempts);
        self.last = Some(result.as_ref().map(|_| ()).map_err(|failure| failure.error().clone()));
        match (verdict, &result) {
            (Verdict::Sent, Ok(answer)) => {
                self.answered(answer, batch);
                batch.gone_up_to(end);
                owner.count(self.shared, |counters| counters.deliver_payload(spans, bytes));
            }
            (Verdict::Split, _) if spans == 1 => {
                lose(self, batch, Reason::TooLarge, &DropDetail::RefusedAlone);
            }
            (Verdict::Split, _) => {
                batch.put_back(taken);
                (batch.limit, batch.attempts, batch.began) = (Some(body.len() / 2), 0, None);
            }
            (Verdict::Downgrade, _) => match next_offer {
                Some(next) => {
                    (self.offer, batch.offer) = (next, next);
                    batch.put_back(taken);
                }
                None => {
                    // No format at all: a wrong address is more likely than an agent older than all of them.
                    self.offer = Offer::default();
                    lose(self, batch, Reason::Refused, &detail(&result));
                }
            },
            (Verdict::Retry { .. }, _) if retry => batch.put_back(taken),
            (Verdict::Retry { .. }, _) => {
                let unknown = batch.unknown.load(Relaxed);
                lose(self, batch, reason(&result, unknown, time_over), &detail(&result));
                if refused {
                    // What waits behind it would be refused as well.
                    batch.give_up(self.shared, Reason::Unreachable, &detail(&result));
                    self.drop_waiting(batch, &detail(&result));
                }
            }
            (_, _) => lose(self, batch, Reason::Refused, &detail(&result)),
        }
    }

    /// Begins the pause that follows an attempt, if one does; how long it is.
    fn wait_after(&mut self, verdict: Verdict) -> Duration {
        let Verdict::Retry { after, reached } = verdict else {
            self.pause = None;
            return Duration::ZERO;
        };
        // The agent may ask for a longer wait than the usual one, never for a shorter one.
        let wait = self.backoff.wait().max(after.unwrap_or_default());
        let now = Instant::now();
        // A flush may shorten the usual wait, but not one that the agent asked for. It hardly has to wait where nobody
        // listens, since an attempt then costs nobody anything.
        let shortest = match (after, reached) {
            (Some(_), _) => wait,
            (None, true) => BACKOFF_SHORTEST.min(wait),
            (None, false) => UNREACHED_SHORTEST.min(wait),
        };
        self.pause = Some(self.exporter.queue.pause(now + wait, now + shortest));
        wait
    }

    /// Whether the batch's tracer is being shut down, whether its time is over, and how much of it is left.
    fn closing(&self, batch: &Batch) -> (bool, bool, Option<Duration>) {
        let give_up = batch.owner.account(self.shared).map_or(0, |account| account.give_up_at.load(Relaxed));
        let left = Duration::from_nanos(give_up.saturating_sub(sys::monotonic_ns()));
        (give_up != 0, give_up != 0 && left.is_zero(), (give_up != 0).then_some(left))
    }

    /// Whether the batch's tracer was shut down and its time is over.
    pub(super) fn is_over(&self, batch: &Batch) -> bool {
        self.closing(batch).1
    }

    fn drop_waiting(&self, batch: &Batch, detail: &DropDetail) {
        let rest = self.exporter.queue.remove_lane(batch.lane);
        let spans: u64 = rest.iter().map(|chunk| u64::from(chunk.spans)).sum();
        if spans > 0 {
            let owner = &batch.owner;
            owner.count(self.shared, |counters| {
                Counters::add(&counters.taken, spans);
            });
            owner.lose(self.shared, Reason::Unreachable, spans, rest.len() as u64, detail);
        }
        self.shared.pool.give_all(rest.into_iter().map(|chunk| chunk.records));
    }

    /// Writes a payload to the file; it is sent or dropped.
    fn write(&mut self, body: &[u8], taken: &[Piece], batch: &mut Batch) {
        let patience = self.closing(batch).2.map_or(file::PATIENCE, |left| file::PATIENCE.min(left));
        let Transport::File(file) = &mut self.transport else { return };
        let owner = batch.owner.clone();
        let (bytes, traces) = (body.len() as u64, taken.len() as u64);
        let spans = taken.iter().map(Piece::spans).sum();
        let began = Instant::now();
        let written = file.write(body, patience);
        let standing = if written.is_ok() { State::Answers } else { State::NotReached };
        self.exporter.connection.set(standing, 0);
        batch.gone_up_to(taken.last().map_or(0, |piece| piece.to));
        let written = written.map_err(|error| SendError::new(SendErrorKind::NotWritten(error.into()), Peer::Unnamed));
        self.last = Some(written.clone());
        let url = &self.url;
        if let Err(error) = &written {
            let first = self.down_since.is_none();
            self.down_since.get_or_insert_with(Instant::now);
            self.totals.failed += traces;
            let (totals, attempt, retry) = (self.totals, 1, false);
            let event = Event::AgentUnreachable { url, error, bytes, traces, spans, attempt, retry, first, totals };
            self.shared.logs.emit(&event);
            owner.lose(self.shared, Reason::Unreachable, spans, traces, &DropDetail::NotSent(error.clone()));
            return;
        }
        owner.count(self.shared, |counters| counters.deliver_payload(spans, bytes));
        self.totals.sent += traces;
        let (time, recovered) = (began.elapsed(), self.down_since.take().is_some());
        let (status, answer, attempt, totals) = (200, "written", 1, self.totals);
        let event = Event::PayloadSent { url, bytes, traces, spans, time, status, answer, attempt, recovered, totals };
        self.shared.logs.emit(&event);
    }

    /// Logs what an attempt came to, and keeps track of whether the agent answers at all.
    fn say(&mut self, result: &Result<Answer, Failure>, attempt: &Attempt, number: u32) {
        let (logs, url) = (&self.shared.logs, &self.url);
        self.exporter.connection.set(standing(result), result.as_ref().map_or(0, |answer| answer.status));
        let Attempt { bytes, traces, spans, time, retry } = *attempt;
        let (before, attempt) = (self.totals, number);
        let mut totals = Totals { failed: before.failed + traces, ..before };
        match result {
            Ok(answer) => {
                let down = self.down_since.take();
                if let Some(since) = down {
                    logs.emit(&Event::AgentReachable { url, after: since.elapsed() });
                }
                let (status, answer, recovered) = (answer.status, answer.body.trim_end(), down.is_some());
                if (200..300).contains(&status) {
                    totals = Totals { sent: before.sent + traces, ..before };
                    logs.emit(&Event::PayloadSent {
                        url,
                        bytes,
                        traces,
                        spans,
                        time,
                        status,
                        answer,
                        attempt,
                        recovered,
                        totals,
                    });
                } else {
                    logs.emit(&Event::AgentRefused {
                        url,
                        status,
                        answer,
                        bytes,
                        traces,
                        spans,
                        attempt,
                        retry,
                        totals,
                    });
                }
            }
            Err(failure) => {
                let first = self.down_since.is_none();
                self.down_since.get_or_insert_with(Instant::now);
                let error = failure.error();
                logs.emit(&Event::AgentUnreachable { url, error, bytes, traces, spans, attempt, retry, first, totals });
            }
        }
        // What is tried again has not failed yet.
        self.totals = if retry { before } else { totals };
    }

    fn answered(&mut self, answer: &Answer, batch: &Batch) {
        self.backoff.reset();
        if answer.rates_version.is_some() {
            self.rates_version = answer.rates_version.clone();
        }
        if let (Some(rates), Some(account)) = (agent::rates(&answer.body), batch.owner.account(self.shared)) {
            *account.rates.lock().unwrap_or_else(PoisonError::into_inner) = rates;
        }
        if answer.agent_state.is_some() {
            self.agent_state = answer.agent_state.clone();
        }
    }
}

/// Posts a payload that the encoder has finished.
pub fn post(agent: &Agent, encoder: &dyn PayloadFormat, sender: &Sender<'_>, body: &[u8]) -> Result<Answer, Failure> {
    let mut headers = Headers::default();
    headers.add("Content-Type", encoder.content_type());
    encoder.headers(sender, &mut |name, value| headers.add(name, value));
    agent.post(encoder.path(), &headers, body)
}

fn reason(result: &Result<Answer, Failure>, unknown: bool, time_over: bool) -> Reason {
    match result {
        _ if unknown => Reason::UnknownFate,
        _ if time_over => Reason::Shutdown,
        Ok(_) => Reason::Refused,
        Err(_) => Reason::Unreachable,
    }
}

fn standing(result: &Result<Answer, Failure>) -> State {
    match result {
        Ok(answer) if (200..300).contains(&answer.status) => State::Answers,
        Ok(_) => State::Refuses,
        Err(_) => State::NotReached,
    }
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
