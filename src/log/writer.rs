//! The `spanwire-log` thread and the queue in front of it: it gives records to standard error, the log file and the
//! host's callbacks. How each of them is written is theirs (`crate::lines`, `file.rs`, `sink.rs`).

use super::callback::Returned;
use super::file::{FileConfig, LogFile, Moved};
use super::ring::{Queue, Record, WhenFull};
use super::{emit, threads, Shared};
use crate::event::{Event, Outlet, Thread};
use crate::languages::NATIVE_CODE;
use crate::level::Level;
use crate::lines::Lines;
use crate::sys;
use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Panics that are told of.
const PANICS_TOLD: u32 = 5;
/// The name of the log's thread.
const THREAD: Thread = Thread::Log;
/// Records taken from the queue at once.
const BATCH: usize = 16;
/// How long the thread sleeps at a time where nothing is due.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);
/// How long one line waits for a reader.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);
/// How long a thread that could not be started is not tried again.
const START_AGAIN: Duration = Duration::from_secs(1);

/// What waits for the log thread.
pub(super) struct Push {
    state: Mutex<State>,
    wake: Condvar,
    written: Condvar,
}

struct State {
    queue: Queue,
    accepted: u64,
    done: u64,
    waiting: bool,
    alive: bool,
    closing: bool,
    start_after: Option<Instant>,
}

impl State {
    /// Whether the caller is to start the thread.
    fn claim(&mut self) -> bool {
        let start = !self.alive && self.start_after.is_none_or(|after| Instant::now() >= after);
        self.alive |= start;
        start
    }
}

impl Push {
    pub fn new() -> Push {
        let state = State {
            queue: Queue::new(WhenFull::DropNewest),
            accepted: 0,
            done: 0,
            waiting: false,
            alive: false,
            closing: false,
            start_after: None,
        };
        Push { state: Mutex::new(state), wake: Condvar::new(), written: Condvar::new() }
    }

    /// Queues a record, or counts it as lost; whether it was queued, and whether the caller is to start the thread.
    fn add(&self, record: Arc<Record>) -> (bool, bool) {
        let mut state = self.lock();
        let (queued, _) = state.queue.push(record);
        state.accepted += u64::from(queued);
        let start = state.claim();
        let wake = std::mem::take(&mut state.waiting);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        (queued, start)
    }

    /// Waits for the next records, or until what was gathered is due; `None` when there will be none. With the last one
    /// that waits comes the number of those that were lost after it, which no later record may ever tell. `due_ns` is
    /// asked under the lock that is taken to open a window.
    fn next(&self, done: usize, due_ns: impl Fn() -> Option<u64>) -> Option<(Vec<Arc<Record>>, u64)> {
        let mut state = self.lock();
        state.done += done as u64;
        self.written.notify_all();
        while state.queue.len() == 0 {
            if state.closing {
                return None;
            }
            let due = due_ns();
            let left = due.map_or(LOOK_AGAIN, |due| Duration::from_nanos(due.saturating_sub(sys::monotonic_ns())));
            if due.is_some() && left.is_zero() {
                return Some((Vec::new(), 0));
            }
            state.waiting = true;
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting = false;
        }
        let batch = (0..BATCH).map_while(|_| state.queue.pop()).collect();
        let lost = if state.queue.len() == 0 { state.queue.take_lost() } else { 0 };
        Some((batch, lost))
    }

    /// Lets the thread look at the time anew; whether the caller is to start it.
    fn wake(&self) -> bool {
        let mut state = self.lock();
        let start = state.claim();
        state.waiting = false;
        drop(state);
        self.wake.notify_one();
        start
    }

    /// Waits until what was queued before this call is written; false at the deadline, or if nobody writes.
    pub fn flush(&self, deadline: Duration) -> bool {
        let give_up = Instant::now() + deadline;
        let mut state = self.lock();
        let target = state.accepted;
        while state.done < target {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() || !state.alive {
                return false;
            }
            state = self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Ends the thread once it has written what is queued.
    pub fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_all();
    }

    /// Whether the caller is to start the thread.
    fn claim(&self) -> bool {
        self.lock().claim()
    }

    /// Whether the thread runs or is being started.
    fn is_alive(&self) -> bool {
        self.lock().alive
    }

    fn not_started(&self) {
        let mut state = self.lock();
        state.alive = false;
        state.start_after = Some(Instant::now() + START_AGAIN);
        drop(state);
        self.written.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands a record to whoever pulls and to whoever is pushed to.
pub(super) fn deliver(shared: &Arc<Shared>, record: Arc<Record>) {
    if record.level as u8 <= shared.push_level() {
        push(shared, record.clone());
    }
    shared.pull(record);
}

/// Keeps an error until its window is over. The window's end is the log thread's to see.
pub(super) fn gather(shared: &Arc<Shared>, template: &str, record: Record, period: Duration) {
    let now = sys::monotonic_ns();
    let opened = shared.gathered.add(template, record, period.as_nanos() as u64, now);
    say_gathered(shared, false);
    if opened && shared.push.wake() {
        start(shared);
    }
}

/// Says what was gathered, if it is due or must go now.
pub(super) fn say_gathered(shared: &Arc<Shared>, now: bool) {
    for record in shared.gathered.due(sys::monotonic_ns(), now, shared.zone()) {
        deliver(shared, Arc::new(record));
    }
}

/// Queues a record for the log thread, starting it if need be.
fn push(shared: &Arc<Shared>, record: Arc<Record>) {
    let (queued, begin) = shared.push.add(record);
    if !queued {
        shared.counts.push_lost.fetch_add(1, Relaxed);
    }
    if begin {
        start(shared);
    }
}

#[allow(clippy::disallowed_methods)] // Starts a thread.
fn start(shared: &Arc<Shared>) {
    let for_thread = shared.clone();
    match sys::spawn(THREAD.name(), move || run(for_thread)) {
        Ok(()) => threads::started(shared, THREAD),
        Err(error) => {
            shared.push.not_started();
            threads::failed(shared, THREAD, &error.into());
        }
    }
}

/// Hands on a record that must not wait for the log's thread, which may not start either: without that thread the calling
/// one writes it to standard error, if a line can be written there without waiting.
pub(super) fn deliver_at_once(shared: &Arc<Shared>, mut record: Record) {
    if record.level as u8 <= shared.push_level() {
        if shared.push.claim() {
            start(shared);
        }
        if !shared.push.is_alive() && record.level <= shared.stderr_level() {
            let line = [record.text.as_bytes(), b"\n"].concat();
            record.on_stderr = Lines::to_given(shared.given.standard_error).write(&line, Duration::ZERO).is_ok();
        }
    }
    deliver(shared, Arc::new(record));
}

/// The log's thread. A panic costs the record that it came at, which is counted, and nothing else.
fn run(shared: Arc<Shared>) {
    sys::be_a_batch_thread();
    let (mut outputs, mut done) = (Outputs::new(&shared), 0);
    loop {
        let served = catch_unwind(AssertUnwindSafe(|| serve(&shared, &mut outputs, &mut done)));
        match served {
            Ok(Returned::Here) => return,
            // Nothing here is this process's: it is left as it is, and the thread ends.
            Ok(Returned::InForkedChild) => return std::mem::forget((outputs, shared)),
            Err(panic) => outputs.panicked(&shared, &*panic, 0),
        }
    }
}

/// Until there will be no more records, or this is a forked child.
fn serve(shared: &Arc<Shared>, outputs: &mut Outputs, done: &mut usize) -> Returned {
    while let Some((batch, lost)) = shared.push.next(std::mem::take(done), || shared.gathered.ends_ns()) {
        *done = batch.len();
        for record in &batch {
            match catch_unwind(AssertUnwindSafe(|| outputs.give(shared, record))) {
                Ok(Returned::Here) => {}
                Ok(Returned::InForkedChild) => {
                    std::mem::forget(batch);
                    return Returned::InForkedChild;
                }
                Err(panic) => outputs.panicked(shared, &*panic, 1),
            }
        }
        outputs.lost += lost;
        match catch_unwind(AssertUnwindSafe(|| outputs.tell_lost(shared, 0))) {
            Ok(Returned::Here) => {}
            Ok(Returned::InForkedChild) => {
                std::mem::forget(batch);
                return Returned::InForkedChild;
            }
            Err(panic) => outputs.panicked(shared, &*panic, 0),
        }
        say_gathered(shared, false);
    }
    Returned::Here
}

struct Outputs {
    stderr: Output,
    lines: Lines,
    file: FileOutput,
    native_file: FileOutput,
    /// Records that were lost and not told yet, by a panic or because the queue was full.
    lost: u64,
    panics: u32,
}

/// A file, and what it has lost.
struct FileOutput {
    output: Output,
    file: Option<LogFile>,
}

/// What one output has lost since it last took a line, and whether the reason was told.
#[derive(Default)]
struct Output {
    lost: u64,
    told: bool,
}

impl Outputs {
    fn new(shared: &Shared) -> Outputs {
        let file = || FileOutput { output: Output::default(), file: None };
        let (stderr, lines) = (Output::default(), Lines::to_given(shared.given.standard_error));
        Outputs { stderr, lines, file: file(), native_file: file(), lost: 0, panics: 0 }
    }

    /// Counts what a panic cost, and says so, but not for ever: saying it may panic too.
    fn panicked(&mut self, shared: &Arc<Shared>, panic: &(dyn Any + Send), records: u64) {
        self.lost += records;
        shared.counts.panic_lost.fetch_add(records, Relaxed);
        self.panics = self.panics.saturating_add(1);
        if self.panics <= PANICS_TOLD {
            let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
            let message = format!("in the log's thread: {}", text.unwrap_or("no message"));
            let _ = catch_unwind(AssertUnwindSafe(|| emit(shared, &Event::PanicCaught { message: &message })));
        }
    }

    fn give(&mut self, shared: &Shared, record: &Record) -> Returned {
        #[cfg(test)]
        super::tests::panic_if_asked(&record.text, "in the writer");
        match self.tell_lost(shared, record.lost) {
            Returned::Here => self.give_one(shared, record),
            Returned::InForkedChild => Returned::InForkedChild,
        }
    }

    /// Says how many records were lost, if any were. `told` is how many of them the next record tells a callback of; the
    /// others are told by this one.
    fn tell_lost(&mut self, shared: &Shared, told: u64) -> Returned {
        let lost = std::mem::take(&mut self.lost);
        let records = told + lost;
        if records == 0 {
            return Returned::Here;
        }
        let lost = Record { lost, ..shared.record(&Event::RecordsLost { sink: Outlet::Writer, records }) };
        let returned = self.give_one(shared, &lost);
        if returned == Returned::InForkedChild {
            std::mem::forget(lost);
        }
        returned
    }

    fn give_one(&mut self, shared: &Shared, record: &Record) -> Returned {
        let line = [record.text.as_bytes(), b"\n"].concat();
        if record.level <= shared.stderr_level() && !record.on_stderr {
            self.write_stderr(shared, &line);
        }
        if let Some(config) = shared.config.get().filter(|config| record.level <= config.file_level) {
            let native = config.native_file.as_ref().filter(|_| record.logger == NATIVE_CODE);
            if let Some(file) = native.or(config.file.as_ref()).filter(|_| !record.host_only) {
                self.write_file(shared, file, native.is_some(), record.level, &line);
            }
        }
        let sinks = shared.sinks.list();
        for sink in sinks.iter() {
            if sink.call(record, shared.epoch_pid) == Returned::InForkedChild {
                std::mem::forget((sinks, line));
                return Returned::InForkedChild;
            }
        }
        Returned::Here
    }

    fn write_stderr(&mut self, shared: &Shared, line: &[u8]) {
        let lines = &mut self.lines;
        self.stderr.write(shared, Outlet::Stderr, line, |line| lines.write(line, PATIENCE)).unwrap_or_else(|_| {
            shared.counts.stderr_lost.fetch_add(1, Relaxed);
        });
    }

    fn write_file(&mut self, shared: &Shared, config: &FileConfig, native: bool, level: Level, line: &[u8]) {
        let FileOutput { output, file } = if native { &mut self.native_file } else { &mut self.file };
        let file = file.get_or_insert_with(|| LogFile::new(config.clone(), shared.given.file(native)));
        let now = sys::monotonic_ns();
        let written = output.write(shared, Outlet::File, line, |line| file.write(line, now));
        if let Some(Moved { wanted, used, error }) = file.moved() {
            let event = Event::LogFileMoved { wanted: &wanted, used: &used, error: &error };
            let record = Arc::new(for_host(shared.record(&event)));
            let line = [record.text.as_bytes(), b"\n"].concat();
            let lines = &mut self.lines;
            let _ = self.stderr.write(shared, Outlet::Stderr, &line, |line| lines.write(line, PATIENCE));
            shared.pull(record);
        }
        let Err(error) = written else { return };
        let told = std::mem::replace(&mut output.told, true);
        let instead = config.else_stderr && !file.is_open();
        if !told {
            let event = Event::LogFileNotWritten { path: file.path(), error: &error.into(), to_stderr: instead };
            let record = Arc::new(for_host(shared.record(&event)));
            self.write_stderr(shared, &[record.text.as_bytes(), b"\n"].concat());
            shared.pull(record);
        }
        if instead && level > shared.stderr_level() {
            self.write_stderr(shared, line);
        } else if instead {
            // Standard error has it already.
        } else {
            shared.counts.file_lost.fetch_add(1, Relaxed);
        }
    }
}

/// A record about the log file, which the host takes to its own log although a file is set: standard error may lead
/// nowhere, as in a worker of php-fpm.
fn for_host(record: Record) -> Record {
    Record { host_only: true, ..record }
}

impl Output {
    /// Writes a line, and before it how many were lost, if some were.
    fn write<E>(
        &mut self,
        shared: &Shared,
        sink: Outlet,
        line: &[u8],
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let told = if self.lost > 0 {
            let lost = shared.record(&Event::RecordsLost { sink, records: self.lost });
            write(&[lost.text.as_bytes(), b"\n"].concat())
        } else {
            Ok(())
        };
        let written = told.and_then(|()| {
            self.lost = 0;
            write(line)
        });
        match written {
            Ok(()) => self.told = false,
            Err(_) => self.lost += 1,
        }
        written
    }
}
