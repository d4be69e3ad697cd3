//! The table of a forked child. It knows the parent's slots and allocates others, so that it can recognise an inherited
//! handle. It reuses segments of processes that are several forks older, each under its own number and with higher
//! generations, so that all handles of those processes are stale.

use super::base::Table;
use super::slots::{Content, Segment, SEGMENT, SEGMENTS};
use crate::sys;
use std::sync::atomic::{AtomicU32, Ordering::*};

impl<T: Content> Table<T> {
    /// Makes a forked child's table.
    pub fn after_fork(parent: &Table<T>) -> Table<T> {
        let mut table = Table::new(parent.last_generation);
        // A thread of the parent may have been adding a segment at the fork. The child does not know that one and does
        // not use it.
        let (from, to) = (parent.own_from.load(Acquire), parent.own_to.load(Acquire).min(SEGMENTS as u32));
        let parents = if from < to { from..to } else { 0..0 };
        table.forks = parent.forks + 1;
        table.empty = if parent.empty.is_null() {
            sys::outliving(|| Segment::<T>::build(0, 0)).unwrap_or(std::ptr::null_mut())
        } else {
            parent.empty
        };
        table.known = parent.segments.load(Acquire).max(parent.known).min(SEGMENTS as u32);
        for number in 0..table.known as usize {
            let known = parent.directory[number].load(Acquire);
            let none = known.is_null() || known == parent.empty;
            let segment = if none { parent.spare[number].load(Acquire) } else { known };
            let place = if parents.contains(&(number as u32)) { &table.directory } else { &table.spare };
            place[number].store(segment, Release);
        }
        table.segments = AtomicU32::new(parents.end);
        table.fill(0..parents.end);
        table.inherited_from = parents.start * SEGMENT as u32;
        table.inherited = (parents.end - parents.start) * SEGMENT as u32;
        table
    }
}
