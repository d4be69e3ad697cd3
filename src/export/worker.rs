//! The worker: one plain thread for one agent address. It waits until a lane of the queue is due, takes chunks as a
//! batch and has them delivered (`deliver`), runs the periodic tasks (`periodic`), and logs start-up lines
//! (`announce`).
//!
//! All its state is on its own stack: a forked child inherits nothing of it. A panic costs the batch that the worker
//! was busy with; its spans are counted as dropped.

use super::announce::Announcer;
use super::batch::{Batch, Batches};
use super::connection::State;
use super::deliver::{Delivery, AT_ONCE};
use super::exporter::{Connections, Exporter};
use super::info::{self, InfoPoll, Timing};
use super::metadata::Metadata;
use super::periodic::poller::Poller;
use super::periodic::{message_of, NotRun, Schedule, Task, When};
use super::queue::{Errand, Ticket, Wake};
use super::shared::Shared;
use super::transport::agent::{Failure, Timeouts};
use super::transport::Transport;
use crate::counters::Reason;
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{DropDetail, Event, SendError};
use crate::settings::rejection::Unusable;
use crate::span::clock;
use crate::sys;
use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How often memory that is kept for later payloads is given back.
const REST: Duration = Duration::from_secs(60);
/// How often the worker wakes at least.
const WAKE: Duration = Duration::from_secs(1);
/// How soon it wakes first: the clock's scale is needed soon after the first span.
const FIRST_WAKE: Duration = Duration::from_millis(25);
/// After this many internal errors, tracing is turned off, and the worker counts what it drops.
const FAILURES_MAX: u32 = 5;
/// After this many, the worker ends and is not started again.
pub(super) const FAILURES_END: u32 = 10;

/// See the module.
struct Worker {
    shared: &'static Shared,
    exporter: &'static Exporter,
    delivery: Delivery,
    batches: Batches,
    /// The batch that it is busy with: its place among `batches`.
    busy: Option<usize>,
    /// The lane that was served last.
    turn: Ticket,
    schedule: Schedule,
    /// Runs the polls of the schedule; none where the address is no agent's.
    poller: Option<Poller>,
    info: Arc<InfoPoll>,
    info_timing: Timing,
    announcer: Announcer,
    /// When kept memory was last given back.
    rested: Instant,
}

/// Runs until no tracer is attached and nothing is left to send.
pub(super) fn run(shared: &'static Shared, exporter: &'static Exporter) {
    sys::be_a_batch_thread();
    crate::log::bridge::attach(&shared.logs);
    let Some(connections) = exporter.connections.lock().unwrap_or_else(PoisonError::into_inner).take() else {
        exporter.started.store(false, Relaxed);
        exporter.queue.thread_failed();
        exporter.asked.fail();
        return;
    };
    let mut worker = Worker::new(shared, exporter, connections);
    let _shown = Shown::of(exporter, &worker.batches);
    loop {
        let over = match catch_unwind(AssertUnwindSafe(|| worker.serve())) {
            Ok(End::Idle) => {
                // A poll may have been asked for while this worker ended.
                if exporter.asked.any() && !exporter.start_asked(shared) {
                    exporter.asked.fail();
                }
                return;
            }
            Ok(End::Failed) => true,
            Err(panic) => catch_unwind(AssertUnwindSafe(|| worker.recover(&*panic))).is_err() || worker.has_failed(),
        };
        if over {
            let give_up = AssertUnwindSafe(|| worker.drop_all(Reason::Invalid, &DropDetail::WorkerPanicked));
            let _ = catch_unwind(give_up);
            exporter.started.store(false, Relaxed);
            exporter.queue.thread_failed();
            exporter.asked.fail();
            return;
        }
    }
}

/// Why the worker ends.
enum End {
    /// Nothing is left to do.
    Idle,
    /// Too many internal errors.
    Failed,
}

/// Shows debuggers the worker's batches for as long as the worker lives. Only their address is kept.
struct Shown(&'static Exporter);

impl Shown {
    fn of(exporter: &'static Exporter, batches: &Batches) -> Shown {
        exporter.batches.store(std::ptr::from_ref(batches) as usize, Relaxed);
        Shown(exporter)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.batches.store(0, Relaxed);
    }
}

/// The metadata of the first tracer that sends to the exporter's address.
fn first_metadata(shared: &Shared, exporter: &Exporter) -> Option<Arc<Metadata>> {
    let address = exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
    shared.accounts.iter().filter_map(|account| account.metadata()).find(|metadata| metadata.settings.agent == address)
}

impl Worker {
    fn new(shared: &'static Shared, exporter: &'static Exporter, connections: Connections) -> Worker {
        let Connections { traces, polls } = connections;
        let known = match &traces {
            Transport::Agent(_) | Transport::Collector(_) => None,
            Transport::File(_) => Some(Ok(())),
            Transport::Unusable(why) => {
                shared.logs.emit(&Event::AgentUnusable { why: *why });
                Some(Err(SendError::new(SendErrorKind::Unusable(*why), Peer::Unnamed)))
            }
        };
        let now = Instant::now();
        let info = Arc::new(InfoPoll::default());
        let mut tasks = shared.tasks.clone();
        let address = exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tasks.extend(address.iter().flat_map(|address| (shared.tasks_of)(address)));
        tasks.push(Task::local("ended losses", When::Every(WAKE), || shared.end_losses()));
        tasks.push(Task::poll(info::NAME, When::OnDemand, None, info.clone()));
        Worker {
            shared,
            exporter,
            delivery: Delivery::new(shared, exporter, traces),
            batches: Batches::default(),
            busy: None,
            turn: 0,
            schedule: Schedule::new(tasks, now),
            poller: polls,
            info,
            info_timing: Timing::default(),
            announcer: Announcer::new(known),
            rested: now,
        }
    }

    fn serve(&mut self) -> End {
        let mut next = FIRST_WAKE;
        loop {
            self.run_tasks(false);
            self.drop_what_is_over();
            if self.has_failed() {
                return End::Failed;
            }
            let held: Vec<Ticket> = self.batches.all.iter().map(|batch| batch.lane).collect();
            let now = Instant::now();
            let polls = self.poller.as_ref().is_some_and(Poller::is_idle);
            let until = self.schedule.next(polls).map_or(now + next, |due| due.min(now + next));
            next = WAKE;
            let errand = Errand { after: self.turn, held: &held, pause: self.delivery.pause, until };
            match self.exporter.queue.wait(&errand) {
                Wake::Serve(lane) => self.serve_lane(lane),
                Wake::Look => {}
                Wake::End if self.is_expected_to_say_more() => {
                    // Nothing is left to be sent, so nothing is delayed.
                    std::thread::sleep(FIRST_WAKE);
                }
                Wake::End => {
                    if self.end() {
                        return End::Idle;
                    }
                }
            }
        }
    }

    /// Whether the start-up line is due, or a poll that was asked for waits.
    fn is_expected_to_say_more(&self) -> bool {
        self.exporter.asked.any() || (self.exporter.unannounced.load(Relaxed) && !self.announcer.is_ready())
    }

    /// Runs the periodic tasks that are due, or all local ones if the worker is about to end (`last`). Waits for
    /// nothing.
    fn run_tasks(&mut self, last: bool) {
        clock::calibrate();
        let now = Instant::now();
        if last || now.duration_since(self.rested) >= REST {
            self.rested = now;
            self.delivery.rest();
        }
        let (shared, exporter) = (self.shared, self.exporter);
        self.schedule.run_local(now, last, |panic| count_failure(shared, exporter, message_of(panic)));
        self.poll();
        self.announcer.announce(shared, exporter, &self.delivery.url);
    }

    /// Drops batches whose time is over, and all that waits if the exporter is needed for another address.
    fn drop_what_is_over(&mut self) {
        if let Some(waiting) = self.exporter.queue.yielded() {
            self.batches.all.extend(waiting.into_iter().map(|(lane, taken, chunks)| Batch::of(lane, taken, chunks)));
            self.drop_all(Reason::Unreachable, &DropDetail::ExporterNeeded);
        }
        let over = |(at, batch): (usize, &Batch)| self.delivery.is_over(batch).then_some(at);
        let over: Vec<usize> = self.batches.all.iter().enumerate().filter_map(over).collect();
        for at in over.into_iter().rev() {
            self.batches.all[at].give_up(self.shared, Reason::Shutdown, &DropDetail::TimeOver);
            self.finish(at);
        }
    }

    /// Ends, unless a tracer has come meanwhile; whether it does.
    fn end(&mut self) -> bool {
        self.run_tasks(true);
        self.drop_what_is_over();
        let (exporter, traces, polls) = (self.exporter, &mut self.delivery.transport, &self.poller);
        // Under the queue's lock: a caller that finds this thread running has set `started` again before.
        let put_back = || {
            exporter.started.store(false, Relaxed);
            // A placeholder, which the worker does not use.
            let traces = std::mem::replace(traces, Transport::Unusable(Unusable::Tls));
            let connections = Connections { traces, polls: polls.clone() };
            *exporter.connections.lock().unwrap_or_else(PoisonError::into_inner) = Some(connections);
        };
        exporter.queue.end_thread(put_back)
    }

    /// One attempt with the next payload of a lane.
    fn serve_lane(&mut self, lane: Ticket) {
        self.turn = lane;
        let held = self.batches.all.iter().position(|batch| batch.lane == lane);
        let Some(at) = held.or_else(|| self.take(lane)) else { return };
        self.busy = Some(at);
        if self.is_off() {
            self.batches.all[at].give_up(self.shared, Reason::Invalid, &DropDetail::TurnedOff);
        } else {
            self.delivery.attempt(&mut self.batches.all[at]);
        }
        self.busy = None;
        self.learn();
        if self.batches.all[at].pieces.is_empty() {
            self.finish(at);
        }
    }

    fn take(&mut self, lane: Ticket) -> Option<usize> {
        let mut chunks = Vec::new();
        let taken = self.exporter.queue.take(lane, AT_ONCE, &mut chunks)?;
        self.batches.all.push(Batch::of(lane, taken, chunks));
        Some(self.batches.all.len() - 1)
    }

    /// Everything of this batch is sent or dropped.
    fn finish(&mut self, at: usize) {
        let mut batch = self.batches.all.swap_remove(at);
        self.shared.pool.give_all(batch.take_buffers());
        let (lane, sequence, chunks) = (batch.lane, batch.sequence, std::mem::take(&mut batch.chunks));
        // Before threads that wait for it go on.
        drop(batch);
        self.exporter.queue.give_back(lane, chunks);
        self.exporter.queue.resolve(lane, sequence);
    }

    /// Records what the last attempt showed about the agent. Called before waiting callers are notified that the batch
    /// is settled, so that they find start-up line and counters up to date.
    fn learn(&mut self) {
        let Some(last) = self.delivery.last.take() else { return };
        // The start-up line shows what `/info` said, if that has answered meanwhile.
        self.run_tasks(false);
        self.announcer.learn(last);
        self.announcer.announce(self.shared, self.exporter, &self.delivery.url);
    }

    /// Takes answers of polls, and starts the polls that are due.
    fn poll(&mut self) {
        let Some(poller) = self.poller.clone() else {
            self.exporter.asked.take().iter().for_each(|due| due.poll.failed(NotRun::NoAgent));
            return;
        };
        for message in poller.take_panics() {
            count_failure(self.shared, self.exporter, &message);
        }
        let now = Instant::now();
        if let Some(answer) = self.info.take() {
            self.learn_info(&answer, now);
        }
        if !self.info.is_pending() {
            if std::mem::take(&mut self.delivery.ask_info) {
                self.info_timing.forget();
            }
            let (answers, state) = (self.announcer.agent_answers(), self.delivery.agent_state.as_ref());
            self.schedule.set_due(info::NAME, self.info_timing.due(now, answers, state));
        }
        if !poller.is_idle() {
            return;
        }
        let mut due = self.schedule.take_polls(now);
        due.append(&mut self.exporter.asked.take());
        if due.iter().any(|due| due.name == info::NAME) {
            self.info_timing.asked(now);
            self.info.begin();
        }
        if !due.is_empty() {
            let timeouts = first_metadata(self.shared, self.exporter).map(|metadata| Timeouts {
                connect: metadata.settings.connect_timeout,
                request: metadata.settings.request_timeout,
            });
            let exporter = self.exporter;
            poller.begin(due, timeouts.unwrap_or_default(), || exporter.queue.nudge());
        }
    }

    /// Keeps what `/info` said of the agent.
    fn learn_info(&mut self, answer: &info::Answer, now: Instant) {
        let delivery = &mut self.delivery;
        self.info_timing.answered(answer, now, delivery.agent_state.as_ref());
        let connection = &self.exporter.connection;
        match answer {
            Ok(info) => {
                let (url, version, endpoints) = (&delivery.url, &info.version, info.endpoints.len() as u64);
                self.shared.logs.emit(&Event::AgentInfo { url, version, endpoints });
                *self.exporter.info.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(info.clone()));
                delivery.request_max = info.max_request_bytes;
                delivery.span_events = info.span_events;
                delivery.known.learn(&info.endpoints);
                self.schedule.offer(&info.endpoints, now);
                if connection.is_unknown() {
                    connection.set(State::Answers, 200);
                }
            }
            Err(Failure::NotSent(_) | Failure::Refused(_)) if connection.is_unknown() => {
                connection.set(State::NotReached, 0);
            }
            Err(_) => {}
        }
        if !self.announcer.agent_answers() {
            self.announcer.learn(info::standing(answer));
        }
    }

    /// Drops and counts every batch that it holds.
    fn drop_all(&mut self, reason: Reason, detail: &DropDetail) {
        for batch in &mut self.batches.all {
            batch.give_up(self.shared, reason, detail);
        }
        while !self.batches.all.is_empty() {
            self.finish(0);
        }
    }

    fn is_off(&self) -> bool {
        self.exporter.failures.load(Relaxed) >= FAILURES_MAX
    }

    fn has_failed(&self) -> bool {
        self.exporter.failures.load(Relaxed) >= FAILURES_END
    }

    /// After a panic: drops and counts the batch that the worker was busy with. Other batches are delivered as usual.
    #[cold]
    fn recover(&mut self, panic: &(dyn Any + Send)) {
        count_failure(self.shared, self.exporter, message_of(panic));
        if let Some(at) = self.busy.take().filter(|&at| at < self.batches.all.len()) {
            self.batches.all[at].give_up(self.shared, Reason::Invalid, &DropDetail::WorkerPanicked);
            self.finish(at);
        }
    }
}

/// Logs and counts a panic of the worker or of a task. After a few, tracing is turned off.
#[cold]
fn count_failure(shared: &Shared, exporter: &Exporter, message: &str) {
    let failures = exporter.failures.fetch_add(1, Relaxed) + 1;
    shared.logs.emit(&Event::PanicCaught { message });
    if failures == FAILURES_MAX {
        (shared.turn_off)();
    }
}

#[cfg(test)]
mod tests;
