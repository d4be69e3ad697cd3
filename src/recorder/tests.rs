//! Tests of the recorder through its reader: with many threads, other versions, and damaged memory.

use super::kind::KINDS;
use super::*;
use std::sync::atomic::AtomicBool;

fn recorder() -> Recorder {
    let recorder = Recorder::new(4711, 3, 0);
    assert!(recorder.keeps(), "this machine gives no memory");
    recorder
}

fn read(recorder: &Recorder) -> Snapshot {
    recorder.snapshot().expect("it keeps").expect("it can be read")
}

fn words(recorder: &Recorder) -> Vec<u64> {
    let mut words: Vec<u64> = recorder.words.expect("it keeps").iter().map(|word| word.load(Relaxed)).collect();
    words.resize(FILE_WORDS, 0);
    words
}

#[test]
fn the_layout_that_other_versions_read_has_not_changed() {
    let recorder = recorder();
    recorder.span_started(1, 1_000, 7, 2, 0xabcd);
    let words = words(&recorder);
    assert_eq!(&words[..14], &[0x4552_4957_4e41_5053, 1, 218_112, 64, 64, 9, 2_064, 16, 512, 4, 18_640, 64, 40, 9]);
    assert_eq!(words[28..35], [21_504, 16_384, 12, 0, 0, 512, 512]);
    assert_eq!(words[14..17], [4711, std::os::unix::process::parent_id().into(), 3]);
    let shard = 64 + 2_064;
    assert_eq!(words[shard], 1);
    let event = &words[shard + 16..][..4];
    assert_eq!(event[0] & 0xffff_ffff_ffff, 1 << 32 | 1);
    assert_eq!(event[1..], [1_000, 7, 2 << 56 | 0xabcd]);
}

#[test]
fn new_events_overwrite_the_oldest() {
    let recorder = recorder();
    for n in 0..1_300 {
        recorder.span_started(0, n, n as u64 + 1, 0, 9);
    }
    recorder.rare(Kind::AgentUnreachable, 1, 5);
    let snapshot = read(&recorder);
    let spans: Vec<u64> = snapshot.events.iter().filter(|event| event.kind == 1).map(|event| event.first).collect();
    assert_eq!(spans, (789..=1_300).collect::<Vec<u64>>(), "512 of them, oldest first");
    assert_eq!((snapshot.written, snapshot.torn), (1_301, 0));
    let last = snapshot.events.last().expect("events");
    assert_eq!(last.name(), "agent.unreachable", "a flood of spans does not push out what is rare");
    assert_eq!(last.describe(), "Agent not reached with 5 spans: connection refused");
}

#[test]
fn events_mixed_by_threads_of_one_shard_are_never_shown() {
    let recorder = recorder();
    let done = AtomicBool::new(false);
    // Each event's values follow from its span's id, so that a mixed event contradicts itself.
    let consistent = |event: &snapshot::Event| {
        let id = event.first;
        event.time_ns == id * 3 && event.second & LOW_MAX == (id * 7) & LOW_MAX && matches!(event.kind, 1 | 2)
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4u64)
            .map(|thread| {
                scope.spawn(move || {
                    for n in 0..150_000u64 {
                        let id = n * 4 + thread + 1;
                        if n % 2 == 0 {
                            recorder.span_started(5, (id * 3) as i64, id, thread as u32, id * 7);
                        } else {
                            recorder.span_finished(5, id * 3, id, thread as u32, id * 7, false);
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Relaxed) {
                let snapshot = read(&recorder);
                seen += snapshot.events.len();
                let wrong: Vec<_> = snapshot.events.iter().filter(|event| !consistent(event)).collect();
                assert!(wrong.is_empty(), "{wrong:?}");
            }
            assert!(seen > 0);
        });
        writers.into_iter().for_each(|writer| writer.join().expect("it writes"));
        done.store(true, Relaxed);
    });
    let snapshot = read(&recorder);
    assert!(snapshot.events.iter().all(consistent));
    assert!(snapshot.events.len() > 400, "{} of 512 left", snapshot.events.len());
}

#[test]
fn a_half_written_event_is_counted_and_not_shown() {
    let recorder = recorder();
    recorder.span_started(0, 1, 2, 0, 3);
    recorder.span_started(0, 1, 3, 0, 3);
    let words = recorder.words.expect("it keeps");
    words[SHARDS_AT + SHARD_HEAD + 2].store(99, Relaxed);
    words[SHARDS_AT + SHARD_HEAD + EVENT_WORDS].store(0, Relaxed);
    let snapshot = read(&recorder);
    assert_eq!((snapshot.events.len(), snapshot.torn), (0, 2));
}

#[test]
fn a_tracers_counters_are_recorded_until_it_is_freed() {
    let recorder = recorder();
    let mut counters = [0; counters::COUNT];
    (counters[9], counters[25]) = (12, 3);
    let long = "ä".repeat(40);
    for (index, service, closed) in [(0, "shop", false), (63, long.as_str(), true)] {
        recorder.set_tracer(index, Some(&TracerFacts { closed, generation: 2, service, counters }));
    }
    recorder.set_tracer(64, Some(&TracerFacts { closed: false, generation: 1, service: "none", counters }));
    let tracers = read(&recorder).tracers;
    assert_eq!(
        tracers.iter().map(|tracer| (tracer.index, tracer.closed)).collect::<Vec<_>>(),
        [(0, false), (63, true)]
    );
    assert_eq!((tracers[0].service.as_str(), tracers[1].service.as_str()), ("shop", "ä".repeat(28).as_str()));
    assert_eq!((tracers[0].get("sent"), tracers[0].get("parents_unknown"), tracers[0].get("finished")), (12, 3, 0));
    recorder.set_tracer(0, None);
    assert_eq!(read(&recorder).tracers.len(), 1);
}

#[test]
fn a_recorder_without_memory_records_nothing() {
    let recorder = Recorder::none();
    recorder.span_started(0, 1, 2, 0, 3);
    recorder.rare(Kind::PanicCaught, 0, 0);
    recorder.set_tracer(0, None);
    assert!(recorder.snapshot().is_none() && recorder.fd().is_none() && !recorder.keeps());
}

#[test]
fn no_process_can_truncate_the_memory() {
    let recorder = recorder();
    let Some(fd) = recorder.fd() else { return };
    let path = format!("/proc/self/fd/{fd}");
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it opens");
    assert!(file.set_len(0).is_err() && file.set_len(1 << 30).is_err());
    let link = std::fs::read_link(&path).expect("a link");
    assert_eq!(link.to_str(), Some("/memfd:spanwire-recorder (deleted)"));
}

#[test]
fn numbers_and_names_of_kinds_never_change() {
    for (index, (kind, name)) in KINDS.into_iter().enumerate() {
        assert_eq!((kind as usize, Kind::of(index as u64 + 1), kind.name()), (index + 1, Some(kind), name));
    }
    assert_eq!((Kind::of(0), Kind::of(21), Kind::of(u64::MAX)), (None, None, None));
}

/// A random generator with a fixed seed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[test]
fn a_reader_survives_any_damage_of_the_memory() {
    let recorder = recorder();
    for n in 0..700u64 {
        recorder.span_started(n as u8, n as i64, n, 1, n);
        recorder.rare(KINDS[n as usize % KINDS.len()].0, n, n);
    }
    recorder.set_tracer(3, Some(&TracerFacts { closed: false, generation: 1, service: "shop", counters: [5; 26] }));
    let (whole, mut random) = (words(&recorder), Random(0x5eed));
    let mut readable = 0;
    for round in 0..10_000 {
        let mut words = whole.clone();
        for _ in 0..=random.below(6) {
            // Mostly change the header, which holds the offsets of everything else.
            let at = if random.below(4) > 0 { random.below(32) } else { random.below(words.len()) };
            words[at] = match random.below(6) {
                0 => random.next(),
                1 => words[at] ^ 1 << random.below(64),
                2 => u64::MAX - random.next() % 3,
                3 => random.next() % 65_536,
                4 => words[at].wrapping_add(random.next() % 5).wrapping_sub(2),
                _ => 0,
            };
        }
        if round % 5 == 0 {
            words.truncate(random.below(whole.len()));
        }
        match Snapshot::of(&words) {
            Ok(snapshot) => {
                readable += 1;
                assert!(snapshot.events.iter().all(|event| !event.describe().contains(char::is_control)));
                assert!(snapshot.tracers.iter().all(|tracer| !tracer.service.contains(char::is_control)));
            }
            Err(fault) => assert!(fault.to_string().len() > 20),
        }
    }
    assert!((1_000..9_000).contains(&readable), "{readable} of 10000 could be read");
    for (words, fault) in [
        (&[] as &[u64], Fault::NoRecorder),
        (&[MAGIC, 2], Fault::Version(2)),
        (&[MAGIC, 1, 21_504], Fault::Short { has: 3, says: 21_504 }),
    ] {
        assert_eq!(Snapshot::of(words), Err(fault));
    }
}
