//! Logs attempts to send payloads to an agent.

use super::Delivery;
use crate::event::{Event, Totals};
use crate::export::connection::State;
use crate::export::transport::agent::{Answer, Failure};
use std::time::{Duration, Instant};

/// An attempt to send a payload.
pub(super) struct Attempt {
    pub(super) bytes: u64,
    pub(super) traces: u64,
    pub(super) spans: u64,
    pub(super) time: Duration,
    /// Whether another attempt follows.
    pub(super) retry: bool,
}

impl Delivery {
    /// Logs the result of an attempt, and keeps whether the agent answers. `number`: how many attempts there were.
    pub(super) fn report(&mut self, result: &Result<Answer, Failure>, attempt: &Attempt, number: u32) {
        let (logs, url) = (&self.shared.logs, &self.url);
        self.exporter.connection.set(standing(result), result.as_ref().map_or(0, |answer| answer.status));
        let Attempt { bytes, traces, spans, time, retry } = *attempt;
        let (before, attempt) = (self.totals, number);
        let mut totals = Totals { failed: before.failed + traces, ..before };
        match result {
            Ok(answered) => {
                let down = self.down_since.take();
                if let Some(since) = down {
                    logs.emit(&Event::AgentReachable { url, after: since.elapsed() });
                }
                let (status, answer, recovered) = (answered.status, answered.body.trim_end(), down.is_some());
                self.ask_info |= recovered;
                if answered.is_taken() {
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
        // A payload that is tried again has not failed yet.
        self.totals = if retry { before } else { totals };
    }
}

/// The connection state after this result.
fn standing(result: &Result<Answer, Failure>) -> State {
    match result {
        Ok(answer) if answer.is_taken() => State::Answers,
        Ok(_) => State::Refuses,
        Err(_) => State::NotReached,
    }
}
