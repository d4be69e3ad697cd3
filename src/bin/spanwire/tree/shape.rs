//! Finds out which span is below which, whatever a sender claims: missing parents, circles, itself.

use crate::decode::Span;
use std::collections::{HashMap, HashSet};

/// Who is below whom, by position in the payload.
pub struct Shape {
    /// What hangs from no other span here, in order of start.
    pub roots: Vec<usize>,
    below: HashMap<usize, Vec<usize>>,
    notes: HashMap<usize, String>,
}

impl Shape {
    /// Finds each span's place. Every span is below exactly one other, or a root.
    pub fn of(spans: &[Span]) -> Shape {
        let mut position: HashMap<u64, usize> = HashMap::new();
        for (index, span) in spans.iter().enumerate() {
            position.entry(span.span_id).or_insert(index);
        }
        let mut shape = Shape { roots: Vec::new(), below: HashMap::new(), notes: HashMap::new() };
        for (index, span) in spans.iter().enumerate() {
            match position.get(&span.parent_id) {
                Some(parent) if *parent != index => shape.below.entry(*parent).or_default().push(index),
                _ => {
                    shape.roots.push(index);
                    if span.parent_id != 0 {
                        shape.notes.insert(index, format!("{}, not in this payload", span.parent_id));
                    }
                }
            }
        }
        for siblings in shape.below.values_mut().chain([&mut shape.roots]) {
            siblings.sort_by_key(|index| spans[*index].start);
        }
        let parents: Vec<Option<usize>> = spans.iter().map(|span| position.get(&span.parent_id).copied()).collect();
        shape.cut_circles(&parents);
        shape
    }

    /// Spans that are their own ancestors hang from no root: each such circle is cut at its first span.
    fn cut_circles(&mut self, parents: &[Option<usize>]) {
        let mut seen = HashSet::new();
        let mut next = self.roots.clone();
        for (candidate, parent) in parents.iter().enumerate() {
            while let Some(index) = next.pop() {
                if seen.insert(index) {
                    next.extend(self.children(index));
                }
            }
            if !seen.contains(&candidate) {
                if let Some(siblings) = parent.and_then(|parent| self.below.get_mut(&parent)) {
                    siblings.retain(|index| *index != candidate);
                }
                self.roots.push(candidate);
                self.notes.insert(candidate, "one of its own descendants".into());
                next.push(candidate);
            }
        }
    }

    /// The spans right below one, in order of start.
    pub fn children(&self, span: usize) -> &[usize] {
        self.below.get(&span).map_or(&[], Vec::as_slice)
    }

    /// What is to be said about a span's parent, where it is not the span above.
    pub fn note(&self, span: usize) -> Option<&str> {
        self.notes.get(&span).map(String::as_str)
    }
}
