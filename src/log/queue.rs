//! A bounded queue of records, and of facts of which records are made later. Counts what it loses.

use super::moment::Moment;
use super::record::Record;
use crate::event::Facts;
use std::collections::VecDeque;
use std::sync::Arc;

/// Records that a queue holds at most.
pub const RECORDS_MAX: usize = 4096;
/// Bytes that a queue holds at most, an allowance for each record included.
pub const BYTES_MAX: usize = 1 << 20;
/// Bytes of facts that the queue of the log thread holds at most, beside its records.
const PUSHED_FACTS_MAX: usize = 4 << 20;
/// Records that a pull makes of waiting facts may take this many times what a queue holds, until they are taken or the next
/// item comes.
const MADE_SHARE: usize = 4;
/// The most bytes of facts that wait as one item.
pub const FACTS_MAX: usize = 64 << 10;

/// What a full queue drops.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// The oldest items.
    DropOldest,
    /// New items, until half of the queue is free again, so that what is written is in order and without gaps. Records and
    /// facts have room of their own.
    DropNewest,
}

/// The facts of an event and its moment: all that its records are made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub facts: Facts,
    pub moment: Moment,
    /// Whether the log thread makes records of the same facts. Then it keeps them for flares, too.
    pub pushed: bool,
}

/// A record, or facts of which records are made later. Neither: the place of facts of which records are being made.
#[derive(Default)]
pub(super) struct Item {
    pub record: Option<Arc<Record>>,
    /// Empty for a record. No `Option`, so that debuggers know where the facts are.
    pub kept: Kept,
    /// How many items the queue of the log thread lost right before these facts. A record has this in a field of its own.
    pub lost: u64,
}

impl Kept {
    /// Returns about how many bytes it occupies.
    #[inline(always)]
    fn weight(&self) -> usize {
        self.facts.weight() + self.moment.weight()
    }
}

impl From<Arc<Record>> for Item {
    fn from(record: Arc<Record>) -> Item {
        Item { record: Some(record), ..Item::default() }
    }
}

impl From<Kept> for Item {
    fn from(kept: Kept) -> Item {
        Item { kept, ..Item::default() }
    }
}

impl Item {
    /// Whether these are facts.
    pub fn has_facts(&self) -> bool {
        !self.kept.facts.is_empty()
    }

    fn weight(&self) -> usize {
        self.record.as_ref().map_or(0, |record| record.weight()) + self.weight_of_facts()
    }

    fn weight_of_facts(&self) -> usize {
        if self.has_facts() {
            self.kept.weight()
        } else {
            0
        }
    }

    fn set_lost(&mut self, lost: u64) {
        match &mut self.record {
            Some(record) => *record = with_lost(record, lost),
            None => self.lost = lost,
        }
    }
}

/// A bounded queue that counts what it loses.
pub(super) struct Queue {
    /// The oldest items, if pulls have looked at them: records only.
    pub made: VecDeque<Item>,
    /// The others.
    pub items: VecDeque<Item>,
    when_full: WhenFull,
    /// How many of the items are records, and their bytes.
    records: usize,
    bytes: usize,
    pub text_bytes: usize,
    bytes_of_facts: usize,
    pub lost: u64,
    full: [bool; 2],
    /// The first of `items` is the place of facts that were taken out.
    gap: bool,
}

impl Queue {
    pub fn new(when_full: WhenFull) -> Queue {
        Queue {
            made: VecDeque::new(),
            items: VecDeque::new(),
            when_full,
            records: 0,
            bytes: 0,
            text_bytes: 0,
            bytes_of_facts: 0,
            lost: 0,
            full: [false; 2],
            gap: false,
        }
    }

    pub fn len(&self) -> usize {
        self.made.len() + self.items.len()
    }

    /// Returns how many records there are.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Returns the oldest item if it is a record.
    pub fn front(&self) -> Option<&Arc<Record>> {
        self.made.front().or_else(|| self.items.front())?.record.as_ref()
    }

    /// Adds an item if the bounds and the policy allow it. Returns whether it did, and the dropped items, so that
    /// the caller frees them without the lock.
    pub fn push(&mut self, item: impl Into<Item>) -> (bool, Vec<Item>) {
        let (mut item, mut evicted) = (item.into(), Vec::new());
        if item.weight() > BYTES_MAX {
            self.lost += 1;
            return (false, evicted);
        }
        match self.when_full {
            WhenFull::DropOldest => {
                evicted = self.evict(RECORDS_MAX - 1, BYTES_MAX - item.weight());
            }
            WhenFull::DropNewest => {
                let kind = usize::from(item.has_facts());
                if !self.has_room(&item, if self.full[kind] { 2 } else { 1 }) && self.len() > 0 {
                    self.full[kind] = true;
                    self.lost += 1;
                    return (false, evicted);
                }
                self.full[kind] = false;
                if self.lost > 0 {
                    item.set_lost(std::mem::take(&mut self.lost));
                }
            }
        }
        self.count_in(&item);
        self.items.push_back(item);
        (true, evicted)
    }

    /// Adds facts of at most [`FACTS_MAX`] bytes to a queue that drops new items, as [`Queue::push`] does. Returns whether it did.
    #[inline(always)]
    pub fn push_kept(&mut self, kept: Kept) -> bool {
        let weight = kept.weight();
        let most = PUSHED_FACTS_MAX >> u32::from(self.full[1]);
        self.full[1] = self.bytes_of_facts + weight > most && self.len() > 0;
        if self.full[1] {
            self.lost += 1;
            return false;
        }
        self.bytes_of_facts += weight;
        self.items.push_back(Item { record: None, kept, lost: std::mem::take(&mut self.lost) });
        true
    }

    fn has_room(&self, item: &Item, share: usize) -> bool {
        if item.has_facts() {
            return self.bytes_of_facts + item.weight_of_facts() <= PUSHED_FACTS_MAX / share;
        }
        self.records < RECORDS_MAX / share && self.bytes + item.weight() <= BYTES_MAX / share
    }

    /// Returns how many items were lost after the last one in the queue, and forgets them.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Takes the oldest item if it is a record; its `lost` says how many were lost before it.
    pub fn pop(&mut self) -> Option<Arc<Record>> {
        let record = self.take()?;
        if self.when_full == WhenFull::DropOldest && self.lost > 0 {
            let lost = record.lost + std::mem::take(&mut self.lost);
            return Some(with_lost(&record, lost));
        }
        Some(record)
    }

    /// Takes the oldest item as it is, if it is a record.
    pub fn take(&mut self) -> Option<Arc<Record>> {
        self.front()?;
        self.take_item()?.record
    }

    /// Takes the oldest item as it is.
    pub fn take_item(&mut self) -> Option<Item> {
        let item = self.made.pop_front().or_else(|| {
            self.gap = false;
            self.items.pop_front()
        })?;
        self.count_out(&item);
        Some(item)
    }

    /// Drops the oldest items until there are at most so many, with at most so many bytes. Returns them.
    fn evict(&mut self, most: usize, bytes: usize) -> Vec<Item> {
        let mut evicted = Vec::new();
        while self.len() > most || self.bytes + self.bytes_of_facts > bytes {
            let Some(oldest) = self.take_item() else { break };
            self.lost += oldest.record.as_ref().map_or(0, |record| record.lost) + 1;
            evicted.push(oldest);
        }
        evicted
    }

    /// Takes the first facts out, provided that fewer than `most` records come before them, and keeps their place. The next
    /// call is [`Queue::fill_gap`].
    pub fn take_facts(&mut self, most: usize) -> Option<Kept> {
        while self.made.len() < most {
            let item = self.items.front_mut()?;
            if item.has_facts() {
                self.bytes_of_facts -= item.weight_of_facts();
                self.gap = true;
                return Some(std::mem::take(&mut item.kept));
            }
            self.made.extend(self.items.pop_front());
        }
        None
    }

    /// Puts the records of facts into their place. If that was dropped meanwhile, they are lost. Returns the dropped items, so
    /// that the caller frees them without the lock.
    pub fn fill_gap(&mut self, records: Vec<Arc<Record>>) -> Vec<Item> {
        if !std::mem::take(&mut self.gap) {
            return Vec::new();
        }
        self.items.pop_front();
        for record in records {
            let item = Item::from(record);
            self.count_in(&item);
            self.made.push_back(item);
        }
        self.evict(MADE_SHARE * RECORDS_MAX, MADE_SHARE * BYTES_MAX)
    }

    fn count_in(&mut self, item: &Item) {
        if let Some(record) = &item.record {
            self.records += 1;
            self.bytes += record.weight();
            self.text_bytes += record.text.len();
        }
        self.bytes_of_facts += item.weight_of_facts();
    }

    fn count_out(&mut self, item: &Item) {
        if let Some(record) = &item.record {
            self.records -= 1;
            self.bytes -= record.weight();
            self.text_bytes -= record.text.len();
        }
        self.bytes_of_facts -= item.weight_of_facts();
    }
}

fn with_lost(record: &Record, lost: u64) -> Arc<Record> {
    Arc::new(Record { lost, ..record.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn record(text: &str) -> Arc<Record> {
        Arc::new(Record { text: text.to_string(), ..Record::new(Level::Info) })
    }

    #[test]
    fn a_full_push_queue_keeps_the_oldest_until_half_is_free() {
        let mut queue = Queue::new(WhenFull::DropNewest);
        for n in 0..RECORDS_MAX + 3 {
            assert_eq!(queue.push(record(&n.to_string())).0, n < RECORDS_MAX);
        }
        assert_eq!(queue.pop().map(|r| r.text.clone()).as_deref(), Some("0"));
        assert!(!queue.push(record("still full")).0);
        while queue.len() >= RECORDS_MAX / 2 {
            queue.pop();
        }
        assert!(queue.push(record("again")).0);
        let last = std::iter::from_fn(|| queue.pop()).last();
        assert_eq!(last.map(|r| (r.text.clone(), r.lost)), Some(("again".to_string(), 4)));
    }
}
