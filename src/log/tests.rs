//! The log as its callers see it: from an event to ring, file and callback.

mod facts;

use super::*;
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{SendError, Thread};
use crate::languages;
use crate::os_error::OsError;
use crate::settings::{FileConfig, Settings};
use crate::sys;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

const SOON: Duration = Duration::from_secs(10);

/// A log with a level of its own, so that tests in one process do not disturb each other.
fn logs() -> Logs {
    let switch = Switch::new(Box::leak(Box::new(AtomicU8::new(0))));
    Logs::of(Shared::new(Recorder::none(), switch, Filter::new(), OnceLock::new(), Sinks::new(), HostsOwn::now()))
}

fn quiet() -> LogConfig {
    LogConfig {
        level: Level::Info,
        level_given: false,
        debug: false,
        debug_level: Level::Debug,
        rules: Vec::new(),
        dialect: Dialect::NATIVE,
        about: About::default(),
        zone: Zone::default(),
        stderr: false,
        ring: true,
        file: None,
        file_level: Level::Trace,
        native_file: None,
        rate: None,
        once: true,
        aggregate: None,
    }
}

fn say(logs: &Logs, level: Level, text: &str) {
    logs.emit(&Event::HostText { level, target: "test", text });
}

/// Panics at a place in the code if the record's text asks for it.
pub(super) fn panic_if_asked(text: &str, place: &str) {
    let asked = format!("panic {place}");
    assert!(!text.ends_with(&asked), "{place}");
}

fn texts(logs: &Logs) -> Vec<String> {
    let mut texts = Vec::new();
    logs.poll(usize::MAX, &mut |record| texts.push(record.text.rsplit(' ').next().unwrap_or("").to_string()));
    texts
}

fn count(counter: &Arc<AtomicUsize>) -> SinkFn {
    let counter = counter.clone();
    Arc::new(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    })
}

struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> TempFile {
        TempFile(std::env::temp_dir().join(format!("spanwire-logs-{}-{name}", sys::pid())))
    }

    fn config(&self) -> Option<FileConfig> {
        Some(FileConfig { path: self.0.clone(), max_bytes: 0, backups: 0, mode: 0o600, ..FileConfig::default() })
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.0).unwrap_or_default()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn debug_mode_can_be_switched_while_running_and_is_off_by_default() {
    let logs = logs();
    assert!(logs.configure(&quiet()));
    say(&logs, Level::Debug, "before");
    logs.debug_set(true);
    say(&logs, Level::Debug, "during");
    logs.debug_set(false);
    say(&logs, Level::Debug, "after");
    say(&logs, Level::Off, "never");
    assert_eq!(texts(&logs), ["during"]);
}

#[test]
fn debug_mode_with_a_time_limit_ends_by_itself() {
    let logs = logs();
    assert!(logs.configure(&quiet()));
    logs.debug_set_for(1);
    assert!(logs.debug_get());
    say(&logs, Level::Debug, "during");
    thread::sleep(Duration::from_millis(1_050));
    say(&logs, Level::Debug, "after");
    assert!(!logs.debug_get());
    assert_eq!(texts(&logs), ["during"]);
}

#[test]
fn the_first_tracers_settings_win() {
    let logs = logs();
    assert!(logs.configure(&quiet()));
    logs.debug_set(true);
    assert!(logs.configure(&quiet()), "equal settings");
    assert!(
        logs.configure(&LogConfig { about: About { service: "another".into(), ..About::default() }, ..quiet() }),
        "another service logs the same way"
    );
    assert!(!logs.configure(&LogConfig { level: Level::Off, ..quiet() }));
    assert!(logs.debug_get());
    say(&logs, Level::Debug, "still");
    assert_eq!(texts(&logs), ["still"]);
}

#[test]
fn without_a_ring_nothing_waits_to_be_pulled() {
    let logs = logs();
    assert!(logs.configure(&LogConfig { ring: false, ..quiet() }));
    say(&logs, Level::Error, "x");
    assert_eq!(logs.drain(&mut [0; 1024]), (0, 0));
}

#[test]
fn drained_lines_are_in_the_dialect_that_was_chosen() {
    let logs = logs();
    assert!(logs.configure(&LogConfig { dialect: Dialect::from_name("json").unwrap_or_default(), ..quiet() }));
    say(&logs, Level::Warn, "hello");
    let mut out = [0; 1024];
    let (written, need) = logs.drain(&mut out);
    assert_eq!(written, need);
    let line: serde_json::Value = serde_json::from_slice(&out[..written]).expect("an object");
    assert_eq!((line["kind"].as_str(), line["text"].as_str()), (Some("test"), Some("hello")));
}

#[test]
fn the_file_has_every_line_after_a_flush() {
    let (logs, file) = (logs(), TempFile::new("flush"));
    assert!(logs.configure(&LogConfig { file: file.config(), ..quiet() }));
    for n in 0..100 {
        say(&logs, Level::Info, &format!("line{n}"));
    }
    assert!(logs.flush(SOON));
    assert_eq!(file.read().lines().count(), 100);
    assert!(file.read().ends_with("test: line99\n"));
}

#[test]
fn a_file_that_cannot_be_written_is_told_in_the_ring_once_and_counted() {
    let logs = logs();
    let path = std::env::temp_dir().join("spanwire-no-such-folder/log");
    let file = Some(FileConfig { path, max_bytes: 0, backups: 0, mode: 0o600, ..FileConfig::default() });
    assert!(logs.configure(&LogConfig { file, ..quiet() }));
    say(&logs, Level::Info, "a");
    say(&logs, Level::Info, "b");
    assert!(logs.flush(SOON));
    let mut told = 0;
    logs.poll(10, &mut |record| told += usize::from(record.target == "log.file"));
    assert_eq!((told, logs.counts().file_lost), (1, 2));
}

#[test]
fn a_callback_gets_its_level_and_worse_and_what_it_logs_is_counted() {
    let logs = Arc::new(logs());
    assert!(logs.configure(&quiet()));
    let calls = Arc::new(AtomicUsize::new(0));
    let callback: SinkFn = {
        let (logs, calls) = (Arc::downgrade(&logs), calls.clone());
        Arc::new(move |_| {
            let Some(logs) = logs.upgrade() else { return };
            say(&logs, Level::Error, "from inside");
            let begun = Instant::now();
            let waited_for_itself = logs.flush(SOON) || begun.elapsed() >= SOON;
            calls.fetch_add(usize::from(!waited_for_itself), Ordering::SeqCst);
        })
    };
    let id = logs.add_sink(Level::Warn, callback, None).expect("added");
    say(&logs, Level::Info, "no");
    say(&logs, Level::Warn, "yes");
    say(&logs, Level::Error, "too");
    assert!(logs.flush(SOON));
    assert_eq!((calls.load(Ordering::SeqCst), logs.counts().inside_sinks), (2, 2));
    assert_eq!(logs.remove_sink(id), Ok(()));
    say(&logs, Level::Error, "late");
    assert!(logs.flush(SOON));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(texts(&logs), ["no", "yes", "too", "late"]);
}

#[test]
fn a_slow_callback_delays_no_caller_and_what_it_misses_is_counted() {
    let logs = logs();
    assert!(logs.configure(&LogConfig { ring: false, ..quiet() }));
    let leave = Arc::new(AtomicBool::new(false));
    let lost = Arc::new(AtomicUsize::new(0));
    let calls = Arc::new(AtomicUsize::new(0));
    let callback: SinkFn = {
        let (leave, lost, calls) = (leave.clone(), lost.clone(), calls.clone());
        Arc::new(move |record| {
            while !leave.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            calls.fetch_add(1, Ordering::SeqCst);
            lost.fetch_add(record.lost as usize, Ordering::SeqCst);
        })
    };
    logs.add_sink(Level::Info, callback, None).expect("added");
    let begun = Instant::now();
    for _ in 0..10_000 {
        say(&logs, Level::Info, "x");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!logs.flush(Duration::from_millis(20)));
    leave.store(true, Ordering::SeqCst);
    assert!(logs.flush(SOON));
    say(&logs, Level::Info, "the line that tells of the loss goes before this one");
    assert!(logs.flush(SOON));
    let lost = lost.load(Ordering::SeqCst) as u64;
    assert!(lost > 5_000);
    assert_eq!(lost, logs.counts().push_lost);
    assert_eq!(calls.load(Ordering::SeqCst) as u64, 10_000 - lost + 2, "with the line about the loss and the last");
}

#[test]
fn sinks_come_and_go_under_load_without_a_deadlock() {
    let logs = Arc::new(logs());
    assert!(logs.configure(&LogConfig { ring: false, ..quiet() }));
    let stop = Arc::new(AtomicBool::new(false));
    let speakers: Vec<_> = (0..2)
        .map(|_| {
            let (logs, stop) = (logs.clone(), stop.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    say(&logs, Level::Info, "x");
                }
            })
        })
        .collect();
    let calls = Arc::new(AtomicUsize::new(0));
    let released = Arc::new(AtomicUsize::new(0));
    for _ in 0..300 {
        let released = released.clone();
        let release: ReleaseFn = Arc::new(move || {
            released.fetch_add(1, Ordering::SeqCst);
        });
        let id = logs.add_sink(Level::Info, count(&calls), Some(release)).expect("added");
        thread::yield_now();
        logs.remove_sink(id).expect("removed");
    }
    stop.store(true, Ordering::SeqCst);
    for speaker in speakers {
        speaker.join().expect("ended");
    }
    assert_eq!(released.load(Ordering::SeqCst), 300);
}

fn refused() -> SendError {
    SendError::new(SendErrorKind::System(OsError::Errno(libc::ECONNREFUSED)), Peer::Unnamed)
}

#[test]
fn an_agent_that_stays_away_is_said_once() {
    let logs = logs();
    assert!(logs.configure(&quiet()));
    for attempt in 1..=20 {
        let (url, error) = ("http://localhost:1/v0.4/traces", &refused());
        logs.emit(&Event::AgentUnreachable {
            url,
            error,
            bytes: 1,
            traces: 1,
            spans: 1,
            attempt,
            retry: true,
            first: true,
            totals: Default::default(),
        });
    }
    assert_eq!((texts(&logs).len(), logs.counts().held_back), (1, 19));
}

#[test]
fn a_forked_child_keeps_settings_and_sinks_and_none_of_the_records() {
    let logs = logs();
    let calls = Arc::new(AtomicUsize::new(0));
    assert!(logs.configure(&LogConfig { dialect: Dialect::from_name("json").unwrap_or_default(), ..quiet() }));
    logs.debug_set(true);
    let id = logs.add_sink(Level::Info, count(&calls), None).expect("added");
    say(&logs, Level::Debug, "parent");
    let child = Logs::after_fork(&logs, Recorder::none());
    assert!(child.debug_get());
    assert_eq!(texts(&child), Vec::<String>::new());
    say(&child, Level::Info, "child");
    assert!(child.flush(SOON));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    child.poll(1, &mut |record| assert!(record.text.starts_with('{')));
    assert_eq!(child.remove_sink(id), Ok(()));
    assert!(child.add_sink(Level::Info, count(&calls), None).expect("added") > id);
}

#[test]
fn the_one_load_is_of_the_level_that_the_process_set() {
    let logs = Logs::new();
    assert!(std::ptr::eq(logs.shared.switch.effective, &EFFECTIVE));
    assert!(std::ptr::eq(Logs::after_fork(&logs, Recorder::none()).shared.switch.effective, &EFFECTIVE));
    assert_eq!(enabled(Level::Trace), EFFECTIVE.load(Ordering::Relaxed) >= Level::Trace as u8);
}

#[test]
fn a_child_does_not_empty_the_file_that_its_parent_began() {
    let file = TempFile::new("begun");
    let config = file.config().map(|config| FileConfig { truncate: true, ..config });
    let logs = logs();
    assert!(logs.configure(&LogConfig { file: config, ..quiet() }));
    say(&logs, Level::Warn, "parent");
    assert!(logs.flush(SOON));
    let child = Logs::after_fork(&logs, Recorder::none());
    say(&child, Level::Warn, "child");
    assert!(child.flush(SOON));
    let lines = file.read();
    assert!(lines.contains("parent") && lines.contains("child"), "{lines}");
}

#[test]
fn a_rule_for_a_logger_below_another_is_kept_in_either_order() {
    for order in [["datadog", "datadog.trace"], ["datadog.trace", "datadog"]] {
        let level_of = |logger: &str| if logger == "datadog" { Level::Warn } else { Level::Debug };
        let logs = logs();
        let rules = order.map(|logger| (logger.to_string(), level_of(logger))).into();
        logs.configure(&LogConfig { rules, ..quiet() });
        assert_eq!(logs.shared.filter.level_of("datadog.trace.x"), Some(Level::Debug), "{order:?}");
        assert_eq!(logs.shared.filter.level_of("datadog.other"), Some(Level::Warn), "{order:?}");
    }
}

#[test]
fn what_a_tracer_says_louder_than_debug_is_said_without_debug_mode() {
    let said = |name, event: &Event<'_>| {
        let logs = logs();
        let dialect = Dialect::from_name(name).expect("a dialect");
        logs.configure(&LogConfig { dialect, ..quiet() });
        logs.emit(event);
        texts(&logs).len()
    };
    let host = |kind, fields| Event::HostEvent { kind, fields };
    let limited = [("trace_id", "77"), ("traces", "100"), ("ms", "1000")];
    assert_eq!(said("dotnet@source", &host("rate_limited", &limited)), 1);
    assert_eq!(said("node", &Event::IntegrationLoaded { name: "http", version: "", status: "loaded" }), 1);
    assert_eq!(said("python@source", &host("integration.failed", &[("name", "flask"), ("error", "boom")])), 1);
    assert_eq!(said("ruby@source", &host("integration.failed", &[("name", "rack"), ("error", "boom")])), 1);
    // And what is debug there stays so.
    assert_eq!(said("java", &host("class.transformed", &[("class", "A")])), 0);
    assert_eq!(said("php", &Event::IntegrationLoaded { name: "web", version: "", status: "loaded" }), 0);
}

#[test]
fn gathered_errors_come_out_when_their_window_is_over_though_nothing_else_happens() {
    let logs = logs();
    let dialect = Dialect::from_name("go").expect("a dialect");
    logs.configure(&LogConfig { dialect, aggregate: Some(Duration::from_millis(200)), ..quiet() });
    let totals = Default::default();
    for attempt in 1..4 {
        let (url, error) = ("http://h:1", &refused());
        let facts = Event::AgentUnreachable {
            url,
            error,
            bytes: 1,
            traces: 1,
            spans: 1,
            attempt,
            retry: false,
            first: attempt == 1,
            totals,
        };
        logs.emit(&facts);
    }
    let fd = logs.fd().expect("a descriptor");
    assert!(!sys::wait_readable(fd, Duration::from_millis(20)), "not before the window is over");
    assert!(sys::wait_readable(fd, SOON), "nobody was woken");
    let mut lines = Vec::new();
    logs.poll(usize::MAX, &mut |record| lines.push(record.text.clone()));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(", 2 additional messages skipped (first occurrence: "), "{lines:?}");
}

#[test]
fn a_panic_in_the_logs_thread_costs_one_record_which_is_counted() {
    let (logs, seen) = (logs(), Arc::new(Mutex::new(Vec::new())));
    assert!(logs.configure(&quiet()));
    let sink: SinkFn = {
        let seen = seen.clone();
        Arc::new(move |record| seen.lock().unwrap().push(record.text.clone()))
    };
    logs.add_sink(Level::Info, sink, None).unwrap();
    for text in ["first", "panic in the writer", "second", "third"] {
        say(&logs, Level::Warn, text);
    }
    assert!(logs.flush(SOON) && logs.flush(SOON), "the thread goes on");
    let seen = seen.lock().unwrap();
    let ends = |end: &str| seen.iter().filter(|text| text.ends_with(end)).count();
    assert_eq!((ends(" first"), ends(" second"), ends(" third")), (1, 1, 1), "{seen:?}");
    assert!(seen.iter().any(|text| text.contains("log records lost: sink=\"log writer\" records=1")), "{seen:?}");
    assert!(seen.iter().any(|text| text.contains("internal error caught: in the log's thread")), "{seen:?}");
    assert_eq!(logs.counts().panic_lost, 1);
}

#[test]
fn a_defect_that_strikes_at_every_record_neither_ends_the_thread_nor_feeds_itself() {
    let logs = logs();
    assert!(logs.configure(&LogConfig { stderr: true, ..quiet() }));
    for _ in 0..100 {
        say(&logs, Level::Warn, "panic in the writer");
    }
    assert!(logs.flush(SOON));
    assert_eq!(logs.counts().panic_lost, 100);
    let told = texts(&logs).len() - 100;
    assert!(told <= 5, "{told} records of panics");
}

#[test]
fn a_panic_in_a_dialect_on_the_callers_thread_leaves_the_log_usable() {
    let logs = logs();
    assert!(logs.configure(&quiet()));
    say(&logs, Level::Warn, "first");
    let panics =
        || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| say(&logs, Level::Warn, "panic in a dialect")));
    assert!(panics().is_err() && panics().is_err());
    logs.debug_set(true);
    say(&logs, Level::Debug, "second");
    assert_eq!(texts(&logs), ["first", "second"]);
}

#[test]
fn a_thread_that_cannot_be_started_is_told_once_and_its_return_too() {
    let logs = logs();
    assert!(logs.configure(&quiet()));
    let no_more = OsError::Errno(libc::EAGAIN);
    for _ in 0..3 {
        logs.thread_failed(Thread::Worker, &no_more);
    }
    logs.thread_started(Thread::Worker);
    let mut records = Vec::new();
    logs.poll(9, &mut |record| records.push((record.level, record.target.clone(), record.text.clone())));
    let [(Level::Error, first, text), (Level::Info, second, back)] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&first[..], &second[..]), ("limits.threads", "limits.threads"));
    let words = "cannot start thread \"spanwire-worker\": Resource temporarily unavailable (errno 11); ";
    assert!(text.contains(words) && text.contains("ulimit -u") && text.contains("pids.max"), "{text}");
    assert!(back.contains("thread \"spanwire-worker\" runs now"), "{back}");
}

#[test]
fn a_language_needs_its_folder_and_its_line_in_the_list_and_nothing_else() {
    let pairs = [("SPANWIRE_LANGUAGE", "ex"), ("example.verbose", "true"), ("DD_SERVICE", "shop")];
    let code = pairs.map(|(name, value)| (name.to_string(), value.to_string()));
    let (settings, rejected) = Settings::resolve(&code, &|_| None, &languages::FOR_SETTINGS);
    assert_eq!((settings.debug, rejected), (true, vec![]), "its name for a setting");
    let dialect = Dialect::of_language(&settings.language);
    assert_eq!((dialect.language.id(), Dialect::from_name("example")), ("example", Some(dialect)));
    let logs = logs();
    let about = About { service: settings.service, ..About::default() };
    assert!(logs.configure(&LogConfig { dialect, about, ..quiet() }));
    for _ in 0..3 {
        logs.emit(&Event::RecordsLost { sink: crate::event::Outlet::Ring, records: 1 });
    }
    logs.emit(&Event::LossBegan { reason: crate::counters::Reason::Memory });
    let mut lines = Vec::new();
    logs.poll(usize::MAX, &mut |record| lines.push(record.text.clone()));
    assert_eq!(lines, ["<shop> log.lost", "<shop> loss.began"], "its lines");
    assert_eq!(logs.counts().held_back, 2, "its limit");
    #[cfg(feature = "cli")]
    {
        use crate::languages::reading::{Place, Seen};
        let (word, read) = dialect.language.reader.marks[0];
        let place = Place { line: "12:00 <example> 3 left", start: 6, end: 6 + word.len() };
        assert_eq!(read(&place), Some(("example", Seen::Stopped { lost: 3 })), "how its log is read");
    }
}
