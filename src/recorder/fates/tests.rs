use super::super::Recorder;
use super::cause::rule;
use super::read::of_trace;
use super::*;
use crate::counters::Reason;

fn ring() -> Recorder {
    let recorder = Recorder::new(4711, 1, 0);
    assert!(recorder.keeps(), "this machine gives no memory");
    recorder
}

fn trace(low: u64, spans: u32) -> Handed {
    Handed {
        id: 0,
        trace_id: (7, low),
        tracer: 3,
        priority: 2,
        mechanism: -3,
        rule: rule::at(1),
        rate: 0.1,
        decided_elsewhere: false,
        spans,
        complete: true,
    }
}

fn memory(recorder: &Recorder) -> Vec<u64> {
    let mut words: Vec<u64> = recorder.mapping.expect("it keeps").iter().map(|word| word.load(Relaxed)).collect();
    words[header::MAGIC] = MAGIC;
    words
}

#[test]
fn a_trace_is_followed_from_the_queue_to_the_agents_answer() {
    let recorder = ring();
    let fates = recorder.fates();
    let id = fates.handed(1_000, &trace(5, 4));
    let fate = |high: Option<u64>| fates.of_trace(high, 5);
    let known = fate(Some(7)).expect("it is in the ring");
    assert_eq!((known.trace_id_high, known.trace_id_low, known.tracer, known.handed_ns), (7, 5, 3, 1_000));
    assert_eq!((known.priority, known.mechanism, known.rule, known.rate), (Some(2), Some(-3), 2, Some(0.1)));
    assert_eq!((known.standing(), known.pending()), (Standing::Queued, 4));
    assert_eq!(fate(Some(8)), None, "another trace with that low half");
    assert_eq!(fate(None).map(|fate| fate.id), Some(id));

    fates.taken(id, Some(&Name::of(b"web.request")));
    let known = fate(None).expect("it is in the ring");
    assert_eq!((known.standing(), known.name.as_str()), (Standing::InFlight, "web.request"));
    fates.failed(id, Cause { kind: CauseKind::System, code: 111 });
    let said = fate(None).expect("it is in the ring").to_string();
    assert!(said.contains("1 attempt with 4 spans failed") && said.contains("Connection refused"), "{said}");
    fates.sent(sys::wall_ns(), id, 4, 200);
    let known = fate(None).expect("it is in the ring");
    assert_eq!((known.standing(), known.sent, known.cause.code, known.attempts), (Standing::Sent, 4, 200, 1));
    let said = known.to_string();
    assert!(said.contains("4 spans sent, and the Agent answered 200; sampling kept it"), "{said}");
    assert!(said.contains("rule 2 of DD_TRACE_SAMPLING_RULES with a rate of 0.1"), "{said}");
}

#[test]
fn chunks_of_a_trace_add_up_to_one_fate() {
    let recorder = ring();
    let fates = recorder.fates();
    let first = fates.handed(1_000, &Handed { complete: false, ..trace(5, 4) });
    assert!(!fates.of_trace(None, 5).expect("known").complete);
    let again = fates.handed(2_000, &Handed { id: first, ..trace(5, 3) });
    assert_eq!(again, first, "one entry for both");
    // Spans that start after the trace has ended make an entry of their own.
    let late = fates.handed(3_000, &trace(5, 2));
    assert_ne!(late, first);
    fates.sent(sys::wall_ns(), first, 4, 200);
    fates.lost(first, 3, Reason::Refused as usize, Cause { kind: CauseKind::Answered, code: 403 });
    let known = fates.of_trace(None, 5).expect("known");
    assert_eq!((known.handed, known.sent, known.lost, known.pending()), (9, 4, 3, 2));
    assert_eq!((known.standing(), known.reason), (Standing::Queued, Some(Reason::Refused)));
    fates.sent(sys::wall_ns(), late, 2, 200);
    let known = fates.of_trace(None, 5).expect("known");
    assert_eq!((known.standing(), known.complete, known.handed_ns), (Standing::Dropped, true, 1_000));
    let said = known.to_string();
    assert!(
        said.starts_with("3 spans dropped (dropped_refused): the Agent answered 403; the other 6 spans sent"),
        "{said}"
    );
}

#[test]
fn the_ring_grows_to_the_last_16384_traces_and_forgets_older_ones() {
    let recorder = ring();
    let fates = recorder.fates();
    assert_eq!(recorder.mapping.expect("it keeps")[header::FATES_READY].load(Relaxed), FATES_FIRST as u64);
    let ids: Vec<FateId> = (1..=20_000).map(|low| fates.handed(low, &trace(low, 1))).collect();
    for (low, id) in (1..).zip(&ids) {
        fates.sent(sys::wall_ns(), *id, 1, 202);
        if low % 101 == 0 {
            assert_eq!(fates.of_trace(None, low).is_some(), low > 20_000 - FATES as u64, "{low}");
        }
    }
    let all = fates.snapshot();
    assert_eq!(all.len(), FATES);
    assert!(all.iter().zip(3_617..).all(|(fate, low)| fate.trace_id_low == low && fate.sent == 1));
    // Another process reads the same.
    let outside = read::all(&memory(&recorder));
    assert_eq!(outside, all);
    assert_eq!(of_trace(&outside, Some(7), 20_000), fates.of_trace(Some(7), 20_000));
}

#[test]
fn a_worker_that_comes_late_does_not_change_the_fate_of_a_later_trace() {
    let recorder = ring();
    let fates = recorder.fates();
    let old = fates.handed(1, &trace(1, 1));
    for low in 2..=20_000 {
        fates.handed(low, &trace(low, 1));
    }
    fates.sent(sys::wall_ns(), old, 1, 200);
    fates.lost(old, 1, Reason::Refused as usize, Cause::of(CauseKind::None));
    fates.ended(old, Unrecorded::Discarded, true);
    assert!(fates.snapshot().iter().all(|fate| fate.standing() == Standing::Queued && !fate.discarded));
    // A further chunk of it makes a new entry.
    let again = fates.handed(5, &Handed { id: old, ..trace(1, 2) });
    assert_ne!(again, old);
    assert_eq!(fates.of_trace(None, 1).map(|fate| fate.handed), Some(2));
}

#[test]
fn threads_that_write_at_once_mix_no_two_traces() {
    let recorder = ring();
    let fates = *recorder.fates();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            scope.spawn(move || {
                for n in 0..20_000 {
                    let low = n * 4 + thread + 1;
                    let handed = Handed { trace_id: (low * 3, low), ..trace(low, low as u32 & 0xff) };
                    let id = fates.handed(low * 5, &handed);
                    fates.sent(sys::wall_ns(), id, low & 0xff, 200);
                }
            });
        }
        scope.spawn(move || {
            for _ in 0..20 {
                for fate in fates.snapshot() {
                    let low = fate.trace_id_low;
                    let counted = (fate.trace_id_high, fate.handed_ns, fate.handed);
                    assert_eq!(counted, (low * 3, low * 5, low & 0xff), "{fate:?}");
                }
            }
        });
    });
    let all = fates.snapshot();
    assert!(all.len() > FATES - 10, "{}", all.len());
    assert!(all.iter().all(|fate| fate.sent == fate.handed && fate.handed == fate.trace_id_low & 0xff));
}

#[test]
fn a_secret_in_a_name_is_not_kept_and_not_cut_in_half() {
    let recorder = ring();
    let fates = recorder.fates();
    let id = fates.handed(1, &trace(1, 1));
    fates.taken(id, Some(&Name::of("ä pay with card no 4111111111111111 now".as_bytes())));
    let name = fates.of_trace(None, 1).expect("known").name;
    assert!(name.starts_with("ä pay with") && !name.contains("4111"), "{name}");
    fates.taken(id, Some(&Name::of(b"login password=hunter2")));
    assert!(!memory(&recorder).iter().any(|word| word.to_le_bytes() == *b"d=hunter"), "not even in memory");
    assert_eq!(fates.of_trace(None, 1).map(|fate| fate.name.contains("hunter2")), Some(false));
}

#[test]
fn a_reader_survives_any_damage_of_the_fates() {
    let recorder = ring();
    for low in 1..600 {
        let id = recorder.fates().handed(low, &trace(low, 1));
        recorder.fates().taken(id, Some(&Name::of(b"work")));
    }
    let (whole, mut seed) = (memory(&recorder), 0x5eed_u64);
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..300 {
        let mut words = whole.clone();
        for _ in 0..20 {
            let at = if next() % 2 == 0 { 28 + next() % 7 } else { FATES_AT as u64 + next() % 7_000 };
            words[at as usize] = if next() % 2 == 0 { next() } else { words[at as usize] ^ 1 << (next() % 64) };
        }
        if round % 5 == 0 {
            words.truncate((next() % whole.len() as u64) as usize);
        }
        for fate in read::all(&words) {
            assert!(!fate.to_string().contains(char::is_control) && !fate.name.contains(char::is_control));
        }
    }
}

#[test]
fn a_fate_is_the_same_after_json() {
    let recorder = ring();
    let fates = recorder.fates();
    for (low, spans) in [(1, 2), (2, 0), (3, 1)] {
        let id = fates.handed(low, &trace(low, spans));
        fates.taken(id, Some(&Name::of(b"work")));
        match low {
            1 => fates.lost(id, 2, Reason::Shutdown as usize, Cause::of(CauseKind::TimeOver)),
            2 => fates.ended(id, Unrecorded::Abandoned, true),
            _ => fates.failed(id, Cause { kind: CauseKind::Answered, code: 503 }),
        }
    }
    let all = fates.snapshot();
    assert_eq!(
        all.iter().map(|fate| Fate::of_json(&fate.json())).collect::<Vec<_>>(),
        all.iter().cloned().map(Some).collect::<Vec<_>>()
    );
}

#[test]
fn every_cause_has_a_number_and_words() {
    let kinds: Vec<CauseKind> = (0..64).filter_map(CauseKind::numbered).collect();
    assert_eq!(kinds.len(), 25);
    assert!(kinds.iter().enumerate().all(|(number, kind)| *kind as usize == number));
    assert!(kinds.iter().all(|&kind| Cause { kind, code: 5 }.to_string().len() > 15));
}
