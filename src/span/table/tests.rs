use super::handle::INDEX_BITS;
use super::slots::{KEPT_FORKS, SEGMENT};
use super::*;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::*};

impl Content for u64 {
    type Label = AtomicU64;
    const LISTED: bool = true;
}

fn table(last_generation: u32) -> Table<u64> {
    Table::new(last_generation)
}

#[test]
fn a_handle_fits_a_double_and_comes_back() {
    let handle = Handle { index: (1 << INDEX_BITS) - 1, generation: LAST_GENERATION };
    for kind in [Kind::Tracer, Kind::Span, Kind::Context] {
        let number = handle.number(kind);
        assert!(number < 1 << 53 && number as f64 as u64 == number);
        assert_eq!(Handle::of(number, kind), Some(handle));
    }
    assert_eq!(Handle::of(handle.number(Kind::Span), Kind::Tracer), None);
    assert_eq!(Handle::of(0, Kind::Span), None);
    assert_eq!(Handle::of(u64::MAX, Kind::Context), None);
}

#[test]
fn a_number_that_is_no_handle_of_this_kind_locks_nothing() {
    let table = table(LAST_GENERATION);
    let handle = table.allocate(0).unwrap().publish();
    let number = handle.number(Kind::Span);
    assert!(table.lock_number(number, Kind::Span).is_ok());
    assert!(table.lock_number_briefly(number, Kind::Span).is_ok());
    let mut state = 1u64;
    for round in 0..1_000_000u64 {
        // Other kinds and bits above, and any number.
        let other = match round {
            0..64 => number ^ 1 << round,
            64..4096 => number ^ round << 49,
            _ => {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state
            }
        };
        let locked = table.lock_number(other, Kind::Span).map(|guard| guard.handle());
        match Handle::of(other, Kind::Span).filter(|&other| other == handle) {
            Some(handle) => assert_eq!(locked, Ok(handle)),
            None => assert_eq!(locked, Err(Refused::Stale), "{other:x}"),
        }
    }
    for kind in [Kind::Tracer, Kind::Context] {
        assert_eq!(table.lock_number(number, kind).err(), Some(Refused::Stale));
        assert!(table.lock_number(handle.number(kind), kind).is_ok());
    }
}

#[test]
fn a_freed_handle_is_stale_and_so_is_one_not_yet_given_out() {
    let table = table(LAST_GENERATION);
    let handle = table.allocate(0).unwrap().publish();
    let next = Handle { generation: handle.generation + 1, ..handle };
    assert_eq!(table.lock(next).err(), Some(Refused::Stale));
    table.lock(handle).unwrap().free();
    assert_eq!(table.lock(handle).err(), Some(Refused::Stale));
    assert_eq!(table.lock(next).err(), Some(Refused::Stale), "free, and due to be handed out next");
    assert_eq!(table.lock(Handle { index: 1 << 20, generation: 1 }).err(), Some(Refused::Stale));
}

#[test]
fn a_slot_whose_generations_are_used_up_is_retired() {
    let table = table(3);
    let mut seen = HashSet::new();
    for _ in 0..SEGMENT * 3 {
        let handle = table.allocate(0).unwrap().publish();
        assert!(handle.generation <= 3 && seen.insert((handle.index, handle.generation)), "{handle:?} twice");
        table.lock(handle).unwrap().free();
    }
    let handle = table.allocate(0).unwrap().publish();
    assert_eq!(handle.index as usize / SEGMENT, 1, "the first segment is used up");
    for &(index, generation) in &seen {
        assert_eq!(table.lock(Handle { index, generation }).err(), Some(Refused::Stale));
    }
}

#[test]
fn a_slot_held_too_long_is_busy_not_a_hang() {
    let table = table(LAST_GENERATION);
    let handle = table.allocate(0).unwrap().publish();
    let _held = table.lock(handle).unwrap();
    assert_eq!(table.lock(handle).err(), Some(Refused::Busy));
}

#[test]
fn a_child_knows_inherited_handles_and_never_gives_them_out() {
    let parent = table(LAST_GENERATION);
    let mut slot = parent.allocate(0).unwrap();
    *slot = 42;
    let open = slot.publish();
    let closed = parent.allocate(0).unwrap().publish();
    parent.lock(closed).unwrap().free();
    let child = Table::after_fork(&parent);
    assert_eq!(child.lock(open).err(), Some(Refused::Forked));
    assert_eq!(child.lock(closed).err(), Some(Refused::Stale));
    assert_eq!(child.read_inherited(open, |value| *value), Some(42));
    assert_eq!(child.read_inherited(closed, |value| *value), None);
    let own = child.allocate(0).unwrap().publish();
    assert!(own.index >= SEGMENT as u32);
    assert_eq!(child.live().collect::<Vec<_>>(), [own]);
}

#[test]
fn slots_of_older_processes_are_used_again_and_their_handles_never_fit() {
    let mut tables = vec![Table::<u64>::new(LAST_GENERATION)];
    let mut handles: Vec<Vec<Handle>> = Vec::new();
    for depth in 0..200 {
        let table = tables.last().unwrap();
        // Sometimes more than one segment, so that the part before the parent's does not suffice.
        let spans = [10, 200, 10, 700][depth % 4];
        let own: Vec<Handle> = (0..spans)
            .map(|n| {
                let mut slot = table.allocate(n % 3).unwrap();
                *slot = depth as u64;
                slot.publish()
            })
            .collect();
        assert_eq!(own.iter().collect::<HashSet<_>>().len(), own.len());
        for (age, former) in handles.iter().rev().enumerate() {
            for &handle in former {
                let parents = table.read_inherited(handle, |value| *value);
                match age {
                    0 => assert_eq!(parents, Some(depth as u64 - 1)),
                    _ => assert!(parents.is_none_or(|value| value != depth as u64)),
                }
                assert!(matches!(table.lock(handle).err(), Some(Refused::Stale | Refused::Forked)), "{handle:?}");
            }
        }
        assert!(own.iter().all(|&handle| *table.lock(handle).unwrap() == depth as u64));
        assert_eq!(table.live().collect::<HashSet<_>>(), own.iter().copied().collect::<HashSet<_>>());
        own[..own.len() / 2].iter().for_each(|&handle| table.lock(handle).unwrap().free());
        handles.push(own[own.len() / 2..].to_vec());
        tables.push(Table::after_fork(table));
    }
    let known = tables.last().unwrap().known;
    assert!(known < 14 * (KEPT_FORKS + 3), "{known} segments after 200 processes of at most 14 each");
}

#[test]
fn a_slot_whose_generations_are_used_up_stays_so_in_a_descendant() {
    let first = Table::<u64>::new(2);
    let used_up = |table: &Table<u64>| {
        let handle = table.allocate(0).unwrap().publish();
        table.lock(handle).unwrap().free();
        handle
    };
    let seen: HashSet<Handle> = (0..SEGMENT * 2 - 2).map(|_| used_up(&first)).collect();
    let last = first.allocate(0).unwrap().publish();
    let child = Table::after_fork(&first);
    let mut tables = vec![child];
    for _ in 0..3 * KEPT_FORKS {
        let table = tables.last().unwrap();
        for _ in 0..SEGMENT / 2 {
            let handle = used_up(table);
            assert!(handle != last && !seen.contains(&handle) && handle.generation <= 2, "{handle:?} twice");
        }
        tables.push(Table::after_fork(table));
    }
}

#[test]
fn threads_never_share_a_slot() {
    let table = table(LAST_GENERATION);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..2_000 {
                table.clean_free(round % 2 == 0, |value| {
                    *value = u64::MAX;
                    true
                });
            }
        });
        for thread in 0..4u64 {
            let table = &table;
            scope.spawn(move || {
                for round in 0..20_000u64 {
                    let mut slot = table.allocate(round as u32 % 2).unwrap();
                    *slot = thread << 32 | round;
                    let handle = slot.publish();
                    let slot = table.lock(handle).unwrap();
                    assert_eq!(*slot, thread << 32 | round);
                    slot.free();
                }
            });
        }
    });
    assert_eq!(table.live().count(), 0);
    assert!(table.segments.load(Relaxed) <= 4, "no slot is lost: {}", table.segments.load(Relaxed));
    table.clean_free(true, |_| true);
    let (before, mut held) = (table.segments.load(Relaxed), Vec::new());
    for shard in 0..2 {
        let known = table.segments.load(Relaxed);
        held.extend(std::iter::from_fn(|| table.allocate(shard)).take_while(|_| table.segments.load(Relaxed) == known));
    }
    assert_eq!(held.len(), before as usize * SEGMENT, "each slot is in one list, once");
}
