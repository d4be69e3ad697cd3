use super::*;
use crate::export::metadata::Metadata;
use crate::memory::Pool;
use crate::settings::Settings;
use crate::trace::{Chunk, Decision, TraceTags};
use std::sync::atomic::AtomicBool;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMITS: Limits = Limits { bytes: 4096, chunks: 5, flush_bytes: 2048 };
const LONG: Duration = Duration::from_secs(60);

fn chunk(tracer: u32, capacity: usize) -> Chunk {
    let mut records = Pool::default().take(capacity).unwrap();
    records.push(&vec![1; capacity]).unwrap();
    Chunk {
        tracer,
        trace_id_high: 0,
        trace_id_low: 1,
        decision: Decision::DEFAULT,
        tags: TraceTags::default(),
        spans: 1,
        complete: true,
        records,
        sequence: 0,
        fate: 0,
        decided_elsewhere: false,
    }
}

fn metadata(interval_ms: u64) -> Arc<Metadata> {
    let code = [("SPANWIRE_FLUSH_INTERVAL_MS".to_string(), interval_ms.to_string())];
    Arc::new(Metadata::of(&Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0, 7))
}

/// A queue with these tracers, whose intervals are too long to matter.
fn queue(tracers: u32) -> Queue {
    let queue = Queue::default();
    (0..tracers).for_each(|tracer| queue.attach(tracer, metadata(3_600_000), LIMITS.flush_bytes));
    assert_eq!(wait(&queue, 0, Duration::ZERO), Wake::Look, "tracers have come");
    queue.lock().all().for_each(|lane| lane.due = Instant::now() + LONG);
    queue
}

fn errand(after: Ticket, time: Duration) -> Errand<'static> {
    Errand { after, held: &[], pause: None, until: Instant::now() + time }
}

fn wait(queue: &Queue, after: Ticket, time: Duration) -> Wake {
    queue.wait(&errand(after, time))
}

fn take(queue: &Queue, ticket: Ticket, max: usize) -> (usize, u64) {
    let mut out = Vec::new();
    let taken = queue.take(ticket, max, &mut out).unwrap();
    (out.len(), taken.sequence)
}

#[test]
fn a_full_lane_gives_the_chunk_back_at_once_and_leaves_others_their_room() {
    let of_bytes = queue(2);
    for _ in 0..4 {
        of_bytes.push(chunk(0, 1024), LIMITS).unwrap();
    }
    assert!(of_bytes.push(chunk(0, 512), LIMITS).is_err(), "bytes");
    assert_eq!(of_bytes.push(chunk(1, 1024), LIMITS).unwrap(), (1, 1024), "another tracer's lane");
    let of_chunks = queue(1);
    for _ in 0..5 {
        of_chunks.push(chunk(0, 512), LIMITS).unwrap();
    }
    assert!(of_chunks.push(chunk(0, 512), LIMITS).is_err(), "chunks");
}

#[test]
fn one_payload_holds_one_tracers_chunks_up_to_its_size() {
    let queue = queue(2);
    for tracer in [0, 0, 1, 0] {
        queue.push(chunk(tracer, 512), LIMITS).unwrap();
    }
    assert_eq!(take(&queue, 1, 700), (1, 1));
    assert_eq!(take(&queue, 1, 5_000), (2, 3));
    assert_eq!(take(&queue, 2, 5_000), (1, 1));
    assert!(queue.take(1, 5_000, &mut Vec::new()).is_none());
}

#[test]
fn lanes_take_turns_whatever_waits_in_one_of_them() {
    let queue = queue(2);
    for _ in 0..4 {
        queue.push(chunk(0, 1024), LIMITS).unwrap();
    }
    queue.push(chunk(1, 512), LIMITS).unwrap();
    assert!(!queue.flush(1, Duration::ZERO));
    assert_eq!(wait(&queue, 0, LONG), Wake::Serve(1), "enough bytes wait");
    take(&queue, 1, 1024);
    assert_eq!(wait(&queue, 1, LONG), Wake::Serve(2), "its turn, although more waits in the first");
    let (_, sequence) = take(&queue, 2, 1024);
    queue.resolve(2, sequence);
    assert!(queue.flush(1, Duration::ZERO) && !queue.flush(0, Duration::ZERO));
    assert_eq!(wait(&queue, 2, LONG), Wake::Serve(1));
}

#[test]
fn each_lane_is_due_after_its_own_interval() {
    let queue = queue(1);
    queue.attach(1, metadata(10), LIMITS.flush_bytes);
    assert_eq!(wait(&queue, 0, LONG), Wake::Look);
    queue.push(chunk(0, 512), LIMITS).unwrap();
    queue.push(chunk(1, 512), LIMITS).unwrap();
    assert_eq!(wait(&queue, 0, LONG), Wake::Serve(2));
    take(&queue, 2, 1024);
    assert_eq!(wait(&queue, 0, Duration::from_millis(50)), Wake::Look, "the other one's hour is not over");
}

#[test]
fn only_a_flush_ends_a_pause_early_and_none_ends_one_that_the_agent_asked_for() {
    let queue = queue(2);
    queue.push(chunk(0, 512), LIMITS).unwrap();
    let now = Instant::now();
    let (asked, usual) = (queue.pause(now + LONG, now + LONG), queue.pause(now + LONG, now));
    let paused = |pause, time| queue.wait(&Errand { pause: Some(pause), ..errand(0, time) });
    queue.nudge();
    queue.attach(2, metadata(1_000), LIMITS.flush_bytes);
    queue.detach(2);
    assert_eq!(paused(usual, LONG), Wake::Look, "it was nudged");
    assert_eq!(paused(usual, Duration::from_millis(20)), Wake::Look, "and the pause goes on");
    assert!(!queue.flush(0, Duration::ZERO));
    assert_eq!(paused(asked, Duration::from_millis(20)), Wake::Look);
    assert_eq!(paused(usual, LONG), Wake::Serve(1));
    let later = queue.pause(Instant::now() + LONG, Instant::now());
    assert_eq!(paused(later, Duration::from_millis(20)), Wake::Look, "a flush shortens one pause, not every later one");
}

#[test]
fn what_a_shutdown_removes_keeps_no_flush_waiting_and_no_worker_awake() {
    let queue = queue(1);
    assert!(queue.claim_thread(&AtomicBool::new(false)));
    queue.push(chunk(0, 512), LIMITS).unwrap();
    let (_, sequence) = take(&queue, 1, 5_000);
    queue.push(chunk(0, 512), LIMITS).unwrap();
    assert!(!queue.flush(0, Duration::ZERO));
    assert_eq!(queue.remove(0).len(), 1);
    assert!(!queue.is_resolved(0), "the worker has one in hand");
    queue.resolve(1, sequence);
    assert!(queue.is_resolved(0) && queue.flush(0, Duration::ZERO));
    let began = Instant::now();
    assert_eq!(wait(&queue, 0, Duration::from_millis(30)), Wake::Look);
    assert!(began.elapsed() >= Duration::from_millis(30), "a worker that nobody waits for sleeps");
}

#[test]
fn what_a_freed_tracer_has_left_is_sent_for_it_when_its_slot_is_another_tracers() {
    let queue = queue(1);
    queue.push(chunk(0, 512), LIMITS).unwrap();
    queue.detach(0);
    assert!(queue.abandon(0).is_empty());
    queue.attach(0, metadata(3_600_000), LIMITS.flush_bytes);
    queue.lock().all().for_each(|lane| lane.due = Instant::now() + LONG);
    assert!(queue.is_resolved(0), "of the new tracer nothing waits");
    queue.push(chunk(0, 1024), LIMITS).unwrap();
    assert_eq!(wait(&queue, 0, LONG), Wake::Look);
    assert_eq!(wait(&queue, 0, LONG), Wake::Serve(1));
    let (count, sequence) = take(&queue, 1, 5_000);
    assert_eq!(count, 1);
    queue.resolve(1, sequence);
    assert_eq!(wait(&queue, 0, Duration::from_millis(10)), Wake::Look, "the new tracer's interval is not over");
    assert!(queue.lock().orphans.is_empty());
}

#[test]
fn a_worker_that_was_told_to_end_goes_on_for_a_tracer_that_has_come_since() {
    let queue = Queue::default();
    assert!(queue.claim_thread(&AtomicBool::new(false)));
    assert_eq!(wait(&queue, 0, LONG), Wake::End);
    queue.attach(0, metadata(1_000), LIMITS.flush_bytes);
    assert!(!queue.claim_thread(&AtomicBool::new(false)));
    assert!(!queue.end_thread(|| panic!("it goes on")));
    queue.detach(0);
    assert!(queue.end_thread(|| ()) && queue.claim_thread(&AtomicBool::new(false)));
}

#[test]
fn flush_waits_for_what_was_queued_and_no_longer_than_asked() {
    let queue = queue(1);
    assert!(queue.flush(0, Duration::ZERO), "nothing waits");
    queue.push(chunk(0, 512), LIMITS).unwrap();
    assert!(!queue.flush(0, Duration::from_millis(20)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(wait(&queue, 0, LONG), Wake::Serve(1), "a flush ends the interval");
            let (_, sequence) = take(&queue, 1, 5_000);
            queue.resolve(1, sequence);
        });
        assert!(queue.flush(0, Duration::from_secs(30)));
    });
}

#[test]
fn a_lane_whose_last_chunks_were_removed_is_resolved_though_the_exporter_is_needed_for_another_address() {
    let queue = queue(1);
    assert!(queue.claim_thread(&AtomicBool::new(false)));
    (0..2).for_each(|_| assert!(queue.push(chunk(0, 1024), LIMITS).is_ok()));
    let (_, sequence) = take(&queue, 1, 1);
    assert_eq!(queue.remove(0).len(), 1, "a shutdown gives up what the worker has not taken");
    queue.detach(0);
    assert!(queue.ask_to_yield());
    assert!(queue.yielded().is_some_and(|all| all.is_empty()), "nothing waits");
    assert!(!queue.is_resolved(0), "the worker has a chunk in hand");
    queue.resolve(1, sequence);
    assert!(queue.is_resolved(0));
}
