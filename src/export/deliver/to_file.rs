//! Writes payloads to a file instead of sending them to an agent.

use super::Delivery;
use crate::counters::Reason;
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{DropDetail, Event, SendError};
use crate::export::batch::{Batch, Piece};
use crate::export::connection::State;
use crate::export::transport::{file, Transport};
use std::time::Instant;

impl Delivery {
    /// Writes a payload once. Its spans are then sent or dropped.
    pub(super) fn write(&mut self, body: &[u8], taken: &[Piece], batch: &mut Batch) {
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
            let detail = DropDetail::NotSent(error.clone());
            batch.note(taken, |fate, spans| self.shared.lose_trace(fate, Reason::Unreachable, spans, &detail));
            owner.lose(self.shared, Reason::Unreachable, spans, traces, &detail);
            return;
        }
        batch.note(taken, |fate, spans| self.shared.recorder.fates().written(fate, spans));
        owner.count(self.shared, |counters| counters.deliver_payload(spans, bytes));
        self.totals.sent += traces;
        let (time, recovered) = (began.elapsed(), self.down_since.take().is_some());
        let (status, answer, attempt, totals) = (200, "written", 1, self.totals);
        let event = Event::PayloadSent { url, bytes, traces, spans, time, status, answer, attempt, recovered, totals };
        self.shared.logs.emit(&event);
    }
}
