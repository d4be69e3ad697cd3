//! The start-up line of each tracer of an exporter. It says whether the agent answers, so the worker logs it as soon as
//! that is known.

use super::exporter::Exporter;
use super::shared::Shared;
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{Event, SendError};
use crate::settings::AgentAddress;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How long the start-up line waits for an agent that does not answer.
const ANNOUNCE_WITHIN: Duration = Duration::from_secs(3);

/// Whether the agent answers, as far as a worker knows.
pub(super) struct Announcer {
    /// That it answers, or why not.
    known: Option<Result<(), SendError>>,
    began: Instant,
}

impl Announcer {
    /// Makes the announcer of a worker that starts now. `known`: the last known state of the agent, if any.
    pub(super) fn new(known: Option<Result<(), SendError>>) -> Announcer {
        Announcer { known, began: Instant::now() }
    }

    /// Whether the agent answered when it was last asked.
    pub(super) fn agent_answers(&self) -> bool {
        matches!(self.known, Some(Ok(())))
    }

    /// Keeps the result of the last request.
    pub(super) fn learn(&mut self, result: Result<(), SendError>) {
        self.known = Some(result);
    }

    /// Whether it is known how the agent answers, or has taken too long to find out.
    pub(super) fn is_ready(&self) -> bool {
        self.known.is_some() || self.began.elapsed() >= ANNOUNCE_WITHIN
    }

    /// Logs the start-up line of each tracer that has come since the last time, if it is ready. `url`: where payloads
    /// go.
    pub(super) fn announce(&self, shared: &Shared, exporter: &Exporter, url: &str) {
        if !exporter.unannounced.load(Relaxed) || !self.is_ready() {
            return;
        }
        exporter.unannounced.store(false, Relaxed);
        let address = exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let late = || SendError::new(SendErrorKind::NoAnswer(ANNOUNCE_WITHIN), Peer::Url(url.into()));
        // Nothing is sent to a Collector before the first payload.
        let is_asked = !matches!(address, Some(AgentAddress::Otlp { .. }));
        let agent_error = self.known.clone().unwrap_or_else(|| if is_asked { Err(late()) } else { Ok(()) }).err();
        let words = agent_error.as_ref().map(SendError::to_string);
        for account in shared.accounts.iter() {
            let Some(metadata) = account.metadata() else { continue };
            if Some(&metadata.settings.agent) != address.as_ref() || account.announced.swap(true, Relaxed) {
                continue;
            }
            if metadata.settings.startup_logs {
                let settings = &metadata.settings;
                let fields = &settings.startup_fields(&metadata.runtime_id, words.as_deref());
                let (agent_url, agent_error) = (&settings.agent.to_string(), agent_error.as_ref());
                let abandoned_spans = settings.debug_abandoned_spans;
                shared.logs.emit(&Event::TracerConfigured { fields, agent_url, agent_error, abandoned_spans });
            }
        }
    }
}
