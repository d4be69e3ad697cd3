//! How a load of chunks gets to the agent: payloads of the right size, attempt after attempt, and the verdict on each.
//! What is too large is split between spans, what is refused with 413 is halved; every span ends as sent or as dropped
//! for a reason.

use super::agent::{Failure, TraceHeaders};
use super::contact::State;
use super::queue::Chunk;
use super::retry::{judge, Verdict};
use super::worker::{Way, Worker};
use super::{agent, file, payload, Account, Profile};
use crate::counters::{Counters, Reason};
use crate::log::event::{Event, Totals};
use crate::memory::Buffer;
use crate::probes;
use crate::span::encode;
use crate::sys;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The most that an agent takes when it does not say.
const REQUEST_MAX: usize = 25 << 20;
/// One payload in flight, and a small one: what is larger leaves the cache before it is sent.
pub(super) const AT_ONCE: usize = 1 << 20;
/// A body that grew beyond this is not kept for the next payload.
const BODY_KEPT: usize = 2 << 20;

/// What the worker has in its hands: chunks taken from the queue, their spans in order, and the body being sent.
#[derive(Default)]
pub(super) struct Load {
    pub(super) chunks: Vec<Chunk>,
    /// Offsets of all records, chunk by chunk, in the order in which they are sent.
    pub(super) order: Vec<u32>,
    /// How many of those are sent or dropped. This and the next two are for whoever looks from outside: after a crash
    /// they tell what may still be sent.
    pub(super) gone: AtomicUsize,
    /// A request is under way: nobody knows yet what the agent has.
    pub(super) asking: AtomicBool,
    /// An earlier request for the same spans got no answer.
    pub(super) unknown: AtomicBool,
    body: Buffer,
}

impl Load {
    /// All that lies before this place in `order` is sent or dropped.
    fn gone_up_to(&self, place: usize) {
        self.gone.store(place, Relaxed);
        self.asking.store(false, Relaxed);
        self.unknown.store(false, Relaxed);
    }

    /// Gives the chunks' buffers away, and is empty.
    pub(super) fn empty(&mut self) -> impl Iterator<Item = Buffer> + '_ {
        self.order.clear();
        self.gone_up_to(0);
        self.chunks.drain(..).map(|chunk| chunk.records)
    }
}

/// Spans of one chunk: places in `Load::order`.
#[derive(Clone, Copy, Debug)]
struct Piece {
    chunk: usize,
    from: usize,
    to: usize,
}

impl Piece {
    fn spans(&self) -> u64 {
        (self.to - self.from) as u64
    }
}

/// What became of a payload.
enum Outcome {
    Sent,
    TooLarge,
    Lost(Reason, String),
}

impl Worker {
    /// Delivers `self.load.chunks`, which are all of one tracer.
    pub(super) fn deliver(&mut self, tracer: u32) {
        let account = self.shared.account(tracer);
        let spans: u64 = self.load.chunks.iter().map(|chunk| u64::from(chunk.spans)).sum();
        Counters::add(&account.counters.taken, spans);
        let Some(profile) = account.profile() else {
            return self.lose(tracer, Reason::Shutdown, spans, self.load.chunks.len() as u64, "the tracer is gone");
        };
        let mut pieces = self.pieces();
        let agents = self.info.as_ref().and_then(|info| info.max_request_bytes).map_or(REQUEST_MAX, |max| max as usize);
        let most = profile.settings.payload_max_bytes.min(agents);
        let mut limit = most;
        let mut body = std::mem::take(&mut self.load.body);
        while !pieces.is_empty() {
            let taken = self.fill(&mut body, &mut pieces, &profile, (limit, most), tracer);
            if taken.is_empty() {
                continue;
            }
            let spans = taken.iter().map(Piece::spans).sum();
            let end = taken.last().map_or(0, |piece| piece.to);
            match self.send(body.bytes(), &taken, spans, &profile, account) {
                Outcome::Sent => {
                    Counters::add(&account.counters.sent, spans);
                    Counters::add(&account.counters.resolved, spans);
                    self.load.gone_up_to(end);
                    self.end_losses(account);
                }
                Outcome::Lost(reason, detail) => {
                    self.load.gone_up_to(end);
                    self.lose(tracer, reason, spans, taken.len() as u64, &detail);
                }
                Outcome::TooLarge if spans == 1 => {
                    self.load.gone_up_to(end);
                    self.lose(tracer, Reason::TooLarge, 1, 1, "the agent refused it alone with 413");
                }
                Outcome::TooLarge => {
                    self.load.asking.store(false, Relaxed);
                    limit = body.len() / 2;
                    taken.into_iter().rev().for_each(|piece| pieces.push(piece));
                }
            }
        }
        body.clear(BODY_KEPT);
        self.load.body = body;
    }

    /// All spans, as pieces of whole chunks, the first one last.
    fn pieces(&mut self) -> Vec<Piece> {
        self.load.order.clear();
        let mut pieces = Vec::with_capacity(self.load.chunks.len());
        for (chunk, content) in self.load.chunks.iter().enumerate() {
            let from = self.load.order.len();
            payload::order(content, &mut self.load.order);
            pieces.push(Piece { chunk, from, to: self.load.order.len() });
        }
        pieces.reverse();
        pieces
    }

    /// Fills `body` with as many pieces as fit; those are returned. A piece that does not fit alone is cut.
    fn fill(
        &mut self,
        body: &mut Buffer,
        pieces: &mut Vec<Piece>,
        profile: &Profile,
        (limit, most): (usize, usize),
        tracer: u32,
    ) -> Vec<Piece> {
        let mut taken = Vec::new();
        body.truncate(0);
        if let Way::File(_) = self.way {
            taken.extend(pieces.pop());
            return taken;
        }
        let _ = payload::put(body, &encode::array_head(0));
        while let Some(piece) = pieces.pop() {
            let before = body.len();
            let offsets = &self.load.order[piece.from..piece.to];
            let sealed = payload::seal(body, &self.load.chunks[piece.chunk], offsets, profile, limit);
            let Ok(done) = sealed else {
                body.truncate(before);
                self.lose(tracer, Reason::Memory, piece.spans(), 1, "no memory for the payload");
                continue;
            };
            if done == offsets.len() {
                taken.push(piece);
                continue;
            }
            if !taken.is_empty() {
                body.truncate(before);
                pieces.push(piece);
                break;
            }
            let cut = piece.from + done;
            if done > 0 {
                pieces.push(Piece { from: cut, ..piece });
                taken.push(Piece { to: cut, ..piece });
                break;
            }
            body.truncate(before);
            if piece.spans() > 1 {
                pieces.push(Piece { from: cut + 1, ..piece });
            }
            // What was halved because of its neighbours may be taken alone.
            let alone = payload::seal(body, &self.load.chunks[piece.chunk], &offsets[..1], profile, most);
            if alone == Ok(1) {
                taken.push(Piece { to: cut + 1, ..piece });
                break;
            }
            body.truncate(before);
            self.lose(tracer, Reason::TooLarge, 1, 1, &format!("one span is larger than {most} bytes"));
        }
        if !body.is_empty() {
            payload::correct(body, 0, &encode::array_head(taken.len()));
        }
        taken
    }

    fn send(&mut self, body: &[u8], taken: &[Piece], spans: u64, profile: &Profile, account: &Account) -> Outcome {
        if let Way::File(_) = self.way {
            return self.write(taken, spans, profile, account);
        }
        let (began, traces) = (Instant::now(), taken.len() as u64);
        let mut unknown = false;
        for attempt in 1u32.. {
            let Way::Http(agent) = &self.way else {
                return Outcome::Lost(Reason::Unreachable, "the agent's URL cannot be used".into());
            };
            let (logs, url, bytes) = (&self.shared.logs, &self.url, body.len() as u64);
            logs.emit(&Event::PayloadSending { url, bytes, traces, spans, attempt });
            let headers = TraceHeaders { rates_version: self.rates_version.clone(), old_endpoint: self.old_endpoint };
            let asked = Instant::now();
            self.load.asking.store(true, Relaxed);
            let result = agent.post_traces(&profile.identity, body, taken.len(), &headers);
            let verdict = judge(&result);
            probes::payload_send(body.len() as u64, result.as_ref().map_or(0, |answer| answer.status.into()));
            if !matches!(verdict, Verdict::Sent) {
                Counters::add(&account.counters.attempts_failed, 1);
            }
            if let Err(Failure::Unknown(_) | Failure::Timeout(_)) = result {
                unknown = true;
                self.load.unknown.store(true, Relaxed);
                Counters::add(&account.counters.payloads_unknown, 1);
            }
            let wait = match verdict {
                // The agent may ask for a longer wait than the usual one, never for a shorter one.
                Verdict::Retry { after } => self.backoff.wait().max(after.unwrap_or_default()),
                _ => Duration::ZERO,
            };
            let (give_up, now) = (account.give_up_at.load(Relaxed), sys::monotonic_ns());
            let closing = give_up != 0 && now >= give_up;
            let wait = if give_up == 0 { wait } else { wait.min(Duration::from_nanos(give_up.saturating_sub(now))) };
            let retry = match verdict {
                Verdict::Retry { .. } => !closing && began.elapsed() + wait <= profile.settings.retry_for,
                Verdict::Downgrade => !self.old_endpoint,
                _ => false,
            };
            self.say(&result, body.len() as u64, traces, spans, asked.elapsed(), attempt, retry);
            match (verdict, result) {
                (Verdict::Sent, Ok(answer)) => {
                    self.answered(&answer, account);
                    Counters::add(&account.counters.payloads_sent, 1);
                    Counters::add(&account.counters.bytes_sent, body.len() as u64);
                    return Outcome::Sent;
                }
                (Verdict::Split, _) => return Outcome::TooLarge,
                (Verdict::Downgrade, _) if !self.old_endpoint => self.old_endpoint = true,
                (Verdict::Downgrade, result) => {
                    // Neither endpoint: a wrong address, more likely than an agent older than both.
                    self.old_endpoint = false;
                    return Outcome::Lost(Reason::Refused, cause(&result));
                }
                (Verdict::Retry { .. }, result) if retry => {
                    self.load.asking.store(false, Relaxed);
                    self.exporter.queue.pause(wait);
                    let give_up = account.give_up_at.load(Relaxed);
                    if give_up != 0 && sys::monotonic_ns() >= give_up {
                        return Outcome::Lost(reason(&result, unknown, true), cause(&result));
                    }
                }
                (Verdict::Retry { .. }, result) => {
                    return Outcome::Lost(reason(&result, unknown, closing), cause(&result))
                }
                (_, result) => return Outcome::Lost(Reason::Refused, cause(&result)),
            }
        }
        Outcome::Lost(Reason::Unreachable, String::new())
    }

    fn write(&mut self, taken: &[Piece], spans: u64, profile: &Profile, account: &Account) -> Outcome {
        let Way::File(file) = &mut self.way else { return Outcome::Lost(Reason::Unreachable, String::new()) };
        let began = Instant::now();
        for piece in taken {
            let line = file::line(&self.load.chunks[piece.chunk], &self.load.order[piece.from..piece.to], profile);
            let (bytes, traces) = (line.len() as u64, 1);
            let written = file.write(&line);
            let standing = if written.is_ok() { State::Answers } else { State::NotReached };
            self.exporter.contact.stands(standing, 0);
            if let Err(error) = written {
                let (url, error) = (&self.url, error.to_string());
                let first = self.down_since.is_none();
                self.down_since.get_or_insert_with(Instant::now);
                self.totals.failed += traces;
                let (error, totals, attempt) = (&error, self.totals, 1);
                self.shared.logs.emit(&Event::AgentUnreachable {
                    url,
                    error,
                    bytes,
                    traces,
                    spans,
                    attempt,
                    retry: false,
                    first,
                    totals,
                });
                let error = error.clone();
                return Outcome::Lost(Reason::Unreachable, error);
            }
            Counters::add(&account.counters.payloads_sent, 1);
            Counters::add(&account.counters.bytes_sent, bytes);
            self.totals.sent += traces;
            let (url, time, recovered) = (&self.url, began.elapsed(), self.down_since.take().is_some());
            self.shared.logs.emit(&Event::PayloadSent {
                url,
                bytes,
                traces,
                spans,
                time,
                status: 200,
                answer: "written",
                attempt: 1,
                recovered,
                totals: self.totals,
            });
        }
        Outcome::Sent
    }

    /// Logs what an attempt came to, and keeps track of whether the agent answers at all.
    #[allow(clippy::too_many_arguments)]
    fn say(
        &mut self,
        result: &Result<agent::Answer, Failure>,
        bytes: u64,
        traces: u64,
        spans: u64,
        time: Duration,
        attempt: u32,
        retry: bool,
    ) {
        let (logs, url) = (&self.shared.logs, &self.url);
        self.exporter.contact.stands(standing(result), result.as_ref().map_or(0, |answer| answer.status));
        let before = self.totals;
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
                let error = &failure.to_string();
                logs.emit(&Event::AgentUnreachable { url, error, bytes, traces, spans, attempt, retry, first, totals });
            }
        }
        // What is tried again has not failed yet.
        self.totals = if retry { before } else { totals };
        // Attempts may go on for long, and what they come to is what one wants to know meanwhile.
        (self.shared.chores.tick)();
    }

    fn answered(&mut self, answer: &agent::Answer, account: &Account) {
        self.backoff.reset();
        if answer.rates_version.is_some() {
            self.rates_version = answer.rates_version.clone();
        }
        if let Some(rates) = agent::rates(&answer.body) {
            *account.rates.lock().unwrap_or_else(PoisonError::into_inner) = rates;
        }
        // An agent that did not answer at the start is asked with its first answer.
        let wanted = self.info.is_none() && self.ask_after.is_none_or(|after| Instant::now() >= after);
        if wanted || (answer.agent_state.is_some() && answer.agent_state != self.agent_state) {
            self.agent_state = answer.agent_state.clone();
            self.ask();
        }
    }

    fn lose(&self, tracer: u32, reason: Reason, spans: u64, traces: u64, detail: &str) {
        self.shared.drop_spans(tracer, reason, spans, traces, detail);
        // Last: with all resolved, the tracer's slot may be given to another.
        Counters::add(&self.shared.account(tracer).counters.resolved, spans);
    }

    fn end_losses(&self, account: &Account) {
        for reason in [Reason::QueueFull, Reason::Memory, Reason::Unreachable, Reason::Refused, Reason::UnknownFate] {
            if let Some(spans) = account.counters.end_loss(reason) {
                self.shared.logs.emit(&Event::LossEnded { reason: reason.name(), spans });
            }
        }
    }
}

fn reason(result: &Result<agent::Answer, Failure>, unknown: bool, closing: bool) -> Reason {
    match result {
        _ if unknown => Reason::UnknownFate,
        _ if closing => Reason::Shutdown,
        Ok(_) => Reason::Refused,
        Err(_) => Reason::Unreachable,
    }
}

fn standing(result: &Result<agent::Answer, Failure>) -> State {
    match result {
        Ok(answer) if (200..300).contains(&answer.status) => State::Answers,
        Ok(_) => State::Refuses,
        Err(_) => State::NotReached,
    }
}

fn cause(result: &Result<agent::Answer, Failure>) -> String {
    match result {
        Ok(answer) => format!("the agent answered {}", answer.status),
        Err(failure) => failure.to_string(),
    }
}
