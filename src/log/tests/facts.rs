//! Facts that are kept become the records that their event would have made at once.

use super::*;
use crate::event::facts::{EnqueuedView, Outcome};
use crate::event::{DecidedBy, Facts, SampledView, SpanView, Standing};
use crate::languages::remembered::Remembered;
use crate::languages::{dialects, Frame, Line};
use crate::log::queue::{Item, Kept, Queue, WhenFull, BYTES_MAX, FACTS_MAX, RECORDS_MAX};
use crate::memory::{Buffer, Pool};
use crate::settings::LOGGER_LEVELS_MAX;
use crate::span::open::{Field, OpenSpan, ERROR, LOCAL_ROOT};
use crate::span::record;

const OUTCOME: Outcome = Outcome { priority: Some(2), decision_maker: Some(-4) };
const STANDING: Standing = Standing { open: 2, finished: 1, leaves: false };
const TRACE_ID: u128 = 0x77 << 64 | 0x1234;

/// A span whose tags were set in another order than they lie in memory.
fn span(id: u64) -> OpenSpan {
    let mut span = OpenSpan::default();
    (span.trace_id_high, span.trace_id_low, span.span_id, span.parent_id) = (0x77, 0x1234, id, 7);
    (span.start_ns, span.flags) = (1_795_536_395_147_563_000, LOCAL_ROOT);
    span.set_field(Field::Name, b"web.request").unwrap();
    span.set_field(Field::Resource, "GET /ö?a=b".as_bytes()).unwrap();
    span.set_field(Field::Type, b"web").unwrap();
    for (key, value) in [("first", "1"), ("gone", "x"), ("api_key", "hunter2"), ("turned", "text")] {
        span.set_text(key.as_bytes(), value.as_bytes()).unwrap();
    }
    span.set_number(b"rows", 42.5).unwrap();
    span.set_number(b"turned", 1.0).unwrap();
    assert!(span.remove(b"gone"));
    span.set_text(b"first", b"a longer value").unwrap();
    assert!(!span.is_in_order());
    span
}

fn view(span_id: u64, (duration_ns, error): (i64, bool)) -> SpanView<'static> {
    SpanView {
        trace_id: TRACE_ID,
        span_id,
        parent_id: 7,
        name: "web.request",
        service: "shop",
        resource: "GET /ö?a=b",
        span_type: "web",
        start_ns: 1_795_536_395_147_563_000,
        duration_ns,
        error,
        tags: vec![("first", "a longer value"), ("api_key", "hunter2")],
        metrics: vec![("turned", 1.0), ("rows", 42.5)],
        links: Vec::new(),
        events: Vec::new(),
        local_root: true,
        priority: Some(2),
        decision_maker: Some(-4),
    }
}

fn started() -> Facts {
    Facts::started(&span(5), OUTCOME, "shop", STANDING)
}

/// Facts of a chunk with so many bytes of records.
fn enqueued(records: &[u8]) -> Facts {
    Facts::enqueued(&EnqueuedView {
        trace_id: TRACE_ID,
        outcome: OUTCOME,
        spans: 2,
        bytes: 400,
        complete: true,
        queued_chunks: 3,
        queued_bytes: 1200,
        agent_url: "http://h:1",
        records,
        service: "shop",
    })
}

/// Calls `check` with facts and the event that they are of.
fn each(check: &mut dyn FnMut(&Facts, &Event<'_>)) {
    check(&started(), &Event::SpanStarted { span: &view(5, (0, false)), standing: STANDING });
    let finished = Facts::finished(&span(5), (LOCAL_ROOT | ERROR, 1_000), OUTCOME, "shop", STANDING);
    check(&finished, &Event::SpanFinished { span: &view(5, (1_000, true)), standing: STANDING });
    let trace = SampledView {
        trace_id: TRACE_ID,
        span_id: 5,
        parent_id: 7,
        name: "web.request",
        service: "shop",
        env: "prod",
        priority: 2,
        mechanism: -3,
        rate: Some(0.5),
        limit_rate: None,
        limited_to: None,
        by: DecidedBy::Rule { place: 1, text: "{\"sample_rate\":0.5}" },
    };
    check(&Facts::decided(&trace), &Event::TraceDecided { trace: &trace });
    let trace = SampledView { by: DecidedBy::AgentRate, env: "", ..trace };
    check(&Facts::decided(&trace), &Event::TraceDecided { trace: &trace });
    let (mut records, pool) = (Buffer::new(), Pool::default());
    for id in [5, 6] {
        let mut span = span(id);
        span.set_text(b"first", b"1").unwrap();
        span.close_gaps();
        record::append(&mut records, &pool, &span, LOCAL_ROOT, 1_000).unwrap();
    }
    let listed = |id| {
        // A chunk has the tags in the order of its records.
        let (tags, metrics) = (vec![("api_key", "hunter2"), ("first", "1")], vec![("rows", 42.5), ("turned", 1.0)]);
        SpanView { tags, metrics, ..view(id, (1_000, false)) }
    };
    let list = [listed(5), listed(6)];
    let event = |list| Event::ChunkEnqueued {
        trace_id: TRACE_ID,
        spans: 2,
        bytes: 400,
        complete: true,
        queued_chunks: 3,
        queued_bytes: 1200,
        agent_url: "http://h:1",
        list,
    };
    check(&enqueued(records.bytes()), &event(&list));
    check(&enqueued(&[]), &event(&[]));
}

#[test]
fn kept_facts_become_the_lines_of_their_event_in_every_dialect() {
    let (about, zone, remembered) = (About::default(), Zone::default(), Remembered::default());
    let frame = Frame {
        time_ns: 1_795_536_395_147_563_000,
        pid: 12,
        thread: "main",
        held_back: Default::default(),
        debug: true,
        about: &about,
        zone: &zone,
        remembered: None,
    };
    let mut compared = 0;
    for name in dialects() {
        let dialect = Dialect::from_name(name).expect("a dialect");
        let lines_of = |frame: &Frame<'_>, event: &Event<'_>| {
            let mut lines: Vec<Line> = Vec::new();
            dialect.lines(frame, event, &mut lines);
            lines
        };
        let lines = |event: &Event<'_>| lines_of(&frame, event);
        each(&mut |facts, event| {
            let made = lines(event);
            assert_eq!(facts.with(lines).as_ref(), Some(&made), "{name}");
            for time_ns in [frame.time_ns, frame.time_ns + 7_000_000, frame.time_ns + 2_000_000_000] {
                let frame = Frame { time_ns, ..frame };
                let again = lines_of(&Frame { remembered: Some(&remembered), ..frame }, event);
                assert_eq!(again, lines_of(&frame, event), "{name}, with a memory of texts");
            }
            // The level is decided before there are words.
            let level = dialect.event_level(event);
            assert_eq!(facts.outline(|event| dialect.event_level(event)), Some(level), "{name}");
            let loudest = facts.loudest(level);
            assert!(made.iter().all(|line| line.level >= loudest), "{name}: {made:?}");
            compared += made.len();
        });
    }
    assert!(compared > 50, "{compared} lines");
}

#[test]
fn the_levels_of_the_moment_of_an_event_hold_for_its_records() {
    let logs = logs();
    assert!(logs.configure(&quiet()));
    logs.debug_set(true);
    logs.emit_facts(started());
    logs.debug_set(false);
    logs.emit_facts(started());
    assert!(logs.set_logger_level("span.started", Some(Level::Debug)));
    logs.emit_facts(started());
    assert!(logs.set_logger_level("span.started", Some(Level::Warn)));
    logs.debug_set(true);
    logs.emit_facts(started());
    assert!(logs.set_logger_level("span.started", None));
    assert_eq!(texts(&logs), ["parent_id=7", "parent_id=7"]);
}

#[test]
fn facts_and_records_are_pulled_in_the_order_in_which_they_happened() {
    let pulls: [fn(&Logs, &mut Vec<String>); 3] = [
        |logs, all| {
            let given = logs.poll(2, &mut |record| all.push(record.text.clone()));
            assert!(given <= 2);
        },
        |logs, all| {
            let (record, need) = logs.take(|_| true, |record| record.text.len());
            assert_eq!(record.as_ref().map_or(0, |record| record.text.len()), need);
            all.extend(record.map(|record| record.text.clone()));
        },
        |logs, all| {
            let mut out = vec![0; 1 << 16];
            let (written, need) = logs.drain(&mut []);
            assert_eq!((written, logs.drain(&mut out)), (0, (need, need)));
            all.extend(String::from_utf8_lossy(&out[..need]).lines().map(str::to_string));
        },
    ];
    for pull in pulls {
        let (logs, mut all) = (logs(), Vec::new());
        assert!(logs.configure(&LogConfig { debug: true, ..quiet() }));
        let fd = logs.fd().expect("a descriptor");
        for n in 0..10 {
            logs.emit_facts(started());
            say(&logs, Level::Info, &format!("after {n}"));
        }
        assert!(sys::wait_readable(fd, Duration::ZERO));
        (0..20).for_each(|_| pull(&logs, &mut all));
        let ends = |n: usize| if n.is_multiple_of(2) { "parent_id=7".to_string() } else { format!("after {}", n / 2) };
        assert_eq!(all.len(), 20);
        all.iter().enumerate().for_each(|(n, text)| assert!(text.ends_with(&ends(n)), "{n}: {text}"));
        assert!(!sys::wait_readable(fd, Duration::ZERO));
    }
}

#[test]
fn the_file_has_the_records_of_facts_in_their_order_after_a_flush() {
    let (logs, file) = (logs(), TempFile::new("facts"));
    assert!(logs.configure(&LogConfig { file: file.config(), debug: true, ..quiet() }));
    for n in 0..300 {
        logs.emit_facts(started());
        say(&logs, Level::Info, &format!("after {n}"));
    }
    assert!(logs.flush(SOON));
    let lines: Vec<String> = file.read().lines().map(str::to_string).collect();
    let count = |end: &str| lines.iter().filter(|line| line.ends_with(end)).count();
    assert_eq!((count("parent_id=7"), lines.len()), (300, 601), "with the line about the file");
    assert!(lines[1].ends_with("parent_id=7") && lines[600].ends_with("after 299"));
    let mut pulled = 0;
    logs.poll(usize::MAX, &mut |_| pulled += 1);
    assert_eq!(pulled, 601, "the ring has them too");
}

#[test]
fn facts_that_are_too_large_to_wait_become_records_at_once() {
    let logs = logs();
    assert!(logs.configure(&LogConfig { debug: true, ..quiet() }));
    let large = enqueued(&vec![0; FACTS_MAX]);
    logs.emit_facts(large);
    assert!(logs.shared.ring.front_is_record());
    assert_eq!(texts(&logs).len(), 1);
}

fn kept_of(logs: &Logs) -> Kept {
    let moment = compose::moment(&logs.shared, logs.shared.switch.in_force(now_ms), Default::default());
    Kept { facts: started(), moment, pushed: false }
}

fn kept() -> Item {
    let logs = logs();
    kept_of(&logs).into()
}

fn line(text: &str) -> Arc<Record> {
    Arc::new(Record { text: text.to_string(), ..Record::new(Level::Info) })
}

#[test]
fn facts_leave_room_for_records_and_what_is_lost_is_counted() {
    let mut queue = Queue::new(WhenFull::DropNewest);
    let mut queued = 0;
    while queue.push(kept()).0 {
        queued += 1;
    }
    assert!(queued > RECORDS_MAX, "{queued}");
    assert!(!queue.push(kept()).0);
    assert!(queue.push(line("a warning")).0);
    for _ in 0..queued / 2 + 1 {
        assert!(queue.take_item().is_some_and(|item| item.has_facts() && item.lost == 0));
    }
    assert!(queue.push(kept()).0, "half of it is free");
    let told: Vec<u64> =
        std::iter::from_fn(|| queue.take_item()).filter_map(|it| it.record).map(|it| it.lost).collect();
    assert_eq!((told, queue.take_lost()), (vec![2], 0), "the warning says what was lost");
}

#[test]
fn facts_in_a_full_ring_are_lost_like_records_even_while_records_are_made_of_them() {
    let mut queue = Queue::new(WhenFull::DropOldest);
    queue.push(line("first"));
    queue.push(kept());
    queue.push(kept());
    assert!(queue.take_facts(1).is_none(), "one record is ready");
    assert!(queue.take_facts(2).is_some());
    assert_eq!(queue.pop().map(|record| record.text.clone()).as_deref(), Some("first"));
    assert!(queue.pop().is_none(), "its records are being made");
    queue.fill_gap(vec![line("two"), line("lines")]);
    assert_eq!((queue.records(), queue.text_bytes), (2, 8));
    assert!(queue.take_facts(usize::MAX).is_some());
    (0..RECORDS_MAX).for_each(|_| drop(queue.push(line("x"))));
    queue.fill_gap(vec![line("too late")]);
    assert_eq!((queue.len(), queue.records(), queue.text_bytes), (RECORDS_MAX, RECORDS_MAX, RECORDS_MAX));
    assert_eq!(queue.pop().map(|record| (record.text.clone(), record.lost)), Some(("x".to_string(), 3)));
}

#[test]
fn records_that_a_pull_makes_of_facts_are_bounded() {
    let mut queue = Queue::new(WhenFull::DropOldest);
    for (text, count) in [("x".to_string(), 10 * RECORDS_MAX), ("x".repeat(100_000), 100)] {
        queue.push(kept());
        assert!(queue.take_facts(usize::MAX).is_some());
        let evicted = queue.fill_gap(vec![line(&text); count]);
        assert!(!evicted.is_empty() && evicted.iter().all(|item| item.record.is_some()));
        assert!(queue.len() <= 4 * RECORDS_MAX && queue.text_bytes <= 4 * BYTES_MAX, "{} records", queue.len());
    }
    let last = queue.len() as u64;
    assert_eq!(queue.pop().map(|record| record.lost), Some(10 * RECORDS_MAX as u64 + 100 - last));
}

#[test]
fn rules_that_wait_with_facts_count_against_the_bounds() {
    let logs = logs();
    let without = queued_until_full(&kept_of(&logs));
    for n in 0..LOGGER_LEVELS_MAX {
        assert!(logs.set_logger_level(&format!("logger{n}"), Some(Level::Debug)));
    }
    let with = queued_until_full(&kept_of(&logs));
    assert!(with * 3 < without * 2, "{with} with rules, {without} without");
}

fn queued_until_full(kept: &Kept) -> usize {
    let mut queue = Queue::new(WhenFull::DropNewest);
    (0..).find(|_| !queue.push(kept.clone()).0).unwrap_or(0)
}

#[test]
fn a_flare_has_the_records_of_facts_that_only_the_host_pulls() {
    let (logs, seen) = (logs(), Arc::new(Mutex::new(0)));
    assert!(logs.configure(&LogConfig { debug: true, ..quiet() }));
    let counted = seen.clone();
    let warnings = Arc::new(move |_: &Record| *counted.lock().unwrap() += 1);
    logs.add_sink(Level::Warn, warnings, None).expect("added");
    let own = |logs: &Logs| logs.kept().0.iter().filter(|record| record.text.ends_with("parent_id=7")).count();
    logs.emit_facts(started());
    assert_eq!(own(&logs), 1, "before the host has pulled them");
    logs.emit_facts(started());
    assert_eq!(texts(&logs).len(), 2);
    assert_eq!(own(&logs), 2, "after that");
    logs.add_sink(Level::Debug, Arc::new(|_: &Record| ()), None).expect("added");
    logs.emit_facts(started());
    assert!(logs.flush(SOON));
    assert_eq!(own(&logs), 3, "once, where the log thread makes them too");
    assert_eq!(*seen.lock().unwrap(), 0);
}
