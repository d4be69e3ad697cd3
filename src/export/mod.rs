//! From a finished chunk to an agent that has it: the bounded queue, the worker, payloads, HTTP and files. One exporter
//! serves one agent address, however many tracers send there, each with a lane of the queue and time-outs of its own. An
//! account stands for a tracer here. What a span is, is known below (`crate::span`); what a tracer is, above
//! (`crate::tracer`).

pub mod agent;
mod card;
pub mod chunk;
mod contact;
pub mod deliver;
pub mod file;
mod info;
pub mod inspected;
mod load;
pub mod payload;
pub mod queue;
pub mod retry;
mod transport;
pub mod worker;

use crate::counters::{Counters, Reason};
use crate::event::{Event, QueueView};
use crate::host;
use crate::log::Logs;
use crate::memory::Pool;
use crate::probes;
use crate::recorder::Recorder;
use crate::settings::{AgentAddress, Settings};
use crate::span::ids;
use crate::sys;
use queue::Queue;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many tracers a process can have at a time; no more addresses than that, either.
pub const TRACERS_MAX: usize = 64;
const _: () = assert!(TRACERS_MAX == crate::recorder::layout::TRACERS);

/// What payloads say of a tracer, frozen with its settings.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The frozen settings.
    pub settings: Arc<Settings>,
    /// Names this process's run of the tracer.
    pub runtime_id: String,
    /// Who sends, for request headers.
    pub identity: agent::Identity,
    /// The service of spans that name none.
    pub service: String,
    /// The application's version, on spans of that service.
    pub version: String,
    /// Text tags for every span: environment and `DD_TAGS`.
    pub every_span: Vec<(String, String)>,
    /// Text tags for the first span of a chunk: the same, and what the tracer says of itself. No key comes twice.
    pub first_span: Vec<(String, String)>,
    /// The process.
    pub process_id: u32,
    /// All that as text, for whoever looks from outside.
    pub card: String,
}

impl Profile {
    /// What payloads say of a tracer with these settings in this process. Reads a few files under /proc and /sys.
    // The first call in a forked child comes here, perhaps on a small stack: no frame holds settings or a profile twice.
    #[inline(never)]
    pub fn of(settings: &Settings, process_id: u32) -> Profile {
        // The trace's own, written as a chunk is sent.
        let of_traces = |key: &str| matches!(key, "_dd.p.dm" | "_dd.p.tid");
        let mut every_span: Vec<_> = settings.tags.iter().filter(|(key, _)| !of_traces(key)).cloned().collect();
        if !settings.env.is_empty() {
            every_span.push(("env".into(), settings.env.clone()));
        }
        let runtime_id = ids::runtime_id();
        let mut first_span =
            vec![("runtime-id".to_string(), runtime_id.clone()), ("language".into(), language_tag(&settings.language))];
        let optional = [
            ("_dd.hostname", settings.report_hostname.then(|| settings.hostname.clone())),
            ("_dd.git.repository_url", settings.git_repository_url.clone()),
            ("_dd.git.commit.sha", settings.git_commit_sha.clone()),
        ];
        first_span.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_string(), value?))));
        let own = first_span.len();
        for (key, value) in &every_span {
            if !first_span[..own].iter().any(|(other, _)| other == key) {
                first_span.push((key.clone(), value.clone()));
            }
        }
        let mut profile = Profile {
            identity: agent::Identity {
                language: settings.language.clone(),
                language_version: settings.language_version.clone(),
                interpreter: settings.interpreter.clone(),
                interpreter_vendor: settings.interpreter_vendor.clone(),
                tracer_version: settings.tracer_version.clone(),
                container_id: host::container_id(),
                entity_id: host::entity_id(),
                external_env: settings.external_env.clone(),
            },
            runtime_id,
            service: settings.service.clone(),
            version: settings.version.clone(),
            every_span,
            first_span,
            process_id,
            settings: shared(settings),
            card: String::new(),
        };
        profile.card = card::of(&profile);
        profile
    }

    /// About how much memory it occupies, in bytes.
    pub fn weight(&self) -> usize {
        // The card has every setting once; the settings themselves and their texts take about twice as much again.
        size_of::<Profile>() + 3 * self.card.len()
    }
}

#[inline(never)]
fn shared(settings: &Settings) -> Arc<Settings> {
    Arc::new(settings.clone())
}

/// The language as spans carry it. Node.js's tracer says another word there than in its headers, and dashboards look for
/// that one.
fn language_tag(language: &str) -> String {
    if language == "nodejs" { "javascript" } else { language }.to_string()
}

/// A tracer as the exporter sees it.
#[derive(Debug, Default)]
pub struct Account {
    /// What it has counted.
    pub counters: Counters,
    /// What payloads say of it; none while the slot is unused.
    pub profile: Mutex<Option<Arc<Profile>>>,
    /// The sampling rates that its agent last gave, by `service:…,env:…`.
    pub rates: Mutex<BTreeMap<String, f64>>,
    /// Whether the start-up line was logged.
    pub announced: AtomicBool,
    /// Monotonic time in ns from which nothing of it is tried again; 0 for never.
    pub give_up_at: AtomicU64,
}

impl Account {
    /// The profile, if the slot is in use.
    pub fn profile(&self) -> Option<Arc<Profile>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Profile>>> {
        self.profile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account is a new tracer's from here on: nothing is counted yet.
    pub fn give_to(&self, profile: Arc<Profile>) {
        let mut owner = self.lock();
        self.counters.reset();
        self.give_up_at.store(0, Relaxed);
        self.announced.store(false, Relaxed);
        self.rates.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *owner = Some(profile);
    }

    /// Whether it is the account of the tracer with this profile, and not of one that has the slot since.
    pub fn is_of(&self, profile: &Arc<Profile>) -> bool {
        self.lock().as_ref().is_some_and(|owner| Arc::ptr_eq(owner, profile))
    }

    /// Counts something for the tracer with this profile; does nothing if the slot is another tracer's by now.
    pub fn count_for(&self, profile: &Arc<Profile>, count: impl FnOnce(&Counters)) {
        let owner = self.lock();
        if owner.as_ref().is_some_and(|owner| Arc::ptr_eq(owner, profile)) {
            count(&self.counters);
        }
    }
}

/// What all exporters and tracers of the process share.
pub struct Shared {
    /// One for each tracer, by its index.
    pub accounts: Box<[Account]>,
    /// Buffers for chunks.
    pub pool: Pool,
    /// Where events go.
    pub logs: Logs,
    /// Where events are kept for later questions.
    pub recorder: Recorder,
    /// What a worker does besides its own work.
    pub chores: Chores,
}

/// What workers do for those above them.
#[derive(Clone, Copy, Debug)]
pub struct Chores {
    /// Each time that one looks up, about once a second.
    pub tick: fn(),
    /// About once a minute.
    pub minute: fn(),
    /// Turns tracing off for good, after too many internal errors.
    pub turn_off: fn(),
}

impl Shared {
    /// Nothing counted, nothing pooled.
    #[inline(never)]
    pub fn new(logs: Logs, recorder: Recorder, chores: Chores) -> Shared {
        // On the heap one by one: the first call of a process may come on a small stack.
        let accounts = (0..TRACERS_MAX).map(|_| Account::default()).collect();
        Shared { accounts, pool: Pool::default(), logs, recorder, chores }
    }

    /// The account of a tracer; an index out of range, which cannot come up, is the first one's.
    #[inline]
    pub fn account(&self, tracer: u32) -> &Account {
        &self.accounts[tracer as usize % TRACERS_MAX]
    }

    /// Counts spans as dropped, says so in debug mode, and says when a loss begins.
    pub fn drop_spans(&self, tracer: u32, reason: Reason, spans: u64, traces: u64, detail: &str) {
        let began = self.account(tracer).counters.drop_spans(reason, spans);
        self.say_dropped(began, reason, spans, traces, detail);
    }

    /// Says that spans were dropped. `began`: the first ones for this reason for a while.
    fn say_dropped(&self, began: bool, reason: Reason, spans: u64, traces: u64, detail: &str) {
        probes::spans_drop(spans, reason as u64);
        if began {
            self.logs.emit(&Event::LossBegan { reason: reason.name() });
        }
        self.logs.emit(&Event::SpansDropped { reason: reason.name(), spans, traces, detail, queue: None });
    }

    /// The same for a chunk that the queue had no room for.
    pub fn drop_queued(&self, tracer: u32, spans: u64, detail: &str, queue: QueueView) {
        let reason = Reason::QueueFull;
        probes::spans_drop(spans, reason as u64);
        if self.account(tracer).counters.drop_spans(reason, spans) {
            self.logs.emit(&Event::LossBegan { reason: reason.name() });
        }
        let queue = Some(queue);
        self.logs.emit(&Event::SpansDropped { reason: reason.name(), spans, traces: 1, detail, queue });
    }
}

/// One agent address: its queue, and the worker that serves it. Never freed, so that a pushing thread needs no count.
#[derive(Debug, Default)]
pub struct Exporter {
    /// Where it sends; none while unused.
    pub address: Mutex<Option<AgentAddress>>,
    /// The way there, made on the thread of a host's call: making it reads the environment, which another thread must
    /// not do while the host may change it. The worker takes it, and puts it back when it ends.
    pub way: Mutex<Option<worker::Way>>,
    /// What the agent's name meant last.
    names: Arc<transport::Names>,
    /// What waits.
    pub queue: Queue,
    /// Whether the worker's thread was started: one relaxed load where a trace begins.
    pub started: AtomicBool,
    /// A tracer has come whose start-up line is due.
    pub unannounced: AtomicBool,
    /// How it stands with the agent.
    pub contact: contact::Contact,
    /// How often an internal error was caught in its worker.
    failures: AtomicU32,
    /// The address of what the worker has in hand, for debuggers; 0 without a worker.
    loads: AtomicUsize,
    /// When the system gave no thread for the worker; monotonic nanoseconds, 0 if it did.
    failed_ns: AtomicU64,
}

/// The name of the worker's thread.
const THREAD: &str = "spanwire-worker";
/// How long a thread that could not be started is not tried again for a span.
const START_AGAIN: Duration = Duration::from_secs(1);
/// The same for a host that waits for it.
const START_AGAIN_ASKED: Duration = Duration::from_millis(20);

impl Exporter {
    /// Starts the worker if it is not running, for a span: where the system gave no thread, not before a second is over.
    /// Whether it is running now.
    #[cold]
    pub fn start(&'static self, shared: &'static Shared) -> bool {
        self.start_again(shared, START_AGAIN)
    }

    /// The same for a host that waits for it, and must know at once whether there is anything to wait for.
    #[cold]
    pub fn start_asked(&'static self, shared: &'static Shared) -> bool {
        self.start_again(shared, START_AGAIN_ASKED)
    }

    fn start_again(&'static self, shared: &'static Shared, again: Duration) -> bool {
        let failed_ns = self.failed_ns.load(Relaxed);
        let lately = failed_ns > 0 && sys::monotonic_ns().saturating_sub(failed_ns) < again.as_nanos() as u64;
        if lately || self.failures.load(Relaxed) >= worker::FAILURES_END {
            return false;
        }
        if !self.queue.claim_thread(&self.started) {
            return true;
        }
        // Also called by a host's thread that starts a span.
        sys::uncancelled(|| self.start_thread(shared))
    }

    fn start_thread(&'static self, shared: &'static Shared) -> bool {
        self.prepare();
        self.names.report_to(&shared.logs);
        let run = move || {
            // The worker contains panics of its own; this is for one outside of that.
            if catch_unwind(AssertUnwindSafe(|| worker::run(shared, self))).is_err() {
                self.started.store(false, Relaxed);
                self.queue.thread_failed();
            }
        };
        // Before the thread: it takes this back itself when it ends at once.
        self.started.store(true, Relaxed);
        match sys::spawn(THREAD, run) {
            Ok(()) => {
                self.failed_ns.store(0, Relaxed);
                shared.logs.thread_started(THREAD);
                true
            }
            Err(error) => {
                self.failed_ns.store(sys::monotonic_ns().max(1), Relaxed);
                self.queue.thread_failed();
                self.started.store(false, Relaxed);
                shared.logs.thread_failed(THREAD, &error);
                false
            }
        }
    }

    /// In a forked child: takes over what the parent's exporters knew of the agent's name.
    pub fn inherit_names(&self, inherited: &[Exporter]) {
        let address = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(AgentAddress::Http { host, port, .. }) = &*address {
            self.names.inherit(host, *port, inherited.iter().map(|exporter| &*exporter.names));
        }
    }

    /// Makes the way to the address, if there is none yet.
    pub fn prepare(&self) {
        let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        let address = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(address)) = (&*way, &*address) {
            *way = Some(worker::Way::to(address, &self.names));
        }
    }

    /// Drops what waits of a tracer that is being shut down.
    pub fn drop_waiting(&self, shared: &Shared, tracer: u32, reason: Reason, detail: &str) {
        let rest = self.queue.remove(tracer);
        let spans: u64 = rest.iter().map(|chunk| u64::from(chunk.spans)).sum();
        if spans > 0 {
            shared.drop_spans(tracer, reason, spans, rest.len() as u64, detail);
            Counters::add(&shared.account(tracer).counters.removed, spans);
        }
        shared.pool.give_all(rest.into_iter().map(|chunk| chunk.records));
    }

    /// The tracer's slot is given to another one. What waits is still sent, unless memory is short.
    pub fn abandon(&self, shared: &Shared, tracer: u32) {
        let rest = self.queue.abandon(tracer);
        let spans: u64 = rest.iter().map(|chunk| u64::from(chunk.spans)).sum();
        if spans > 0 {
            shared.drop_spans(tracer, Reason::Memory, spans, rest.len() as u64, "of a tracer that was freed");
        }
        shared.pool.give_all(rest.into_iter().map(|chunk| chunk.records));
    }
}
