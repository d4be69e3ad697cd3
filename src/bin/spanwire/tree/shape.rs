//! Finds the parent of each span of a trace. Accepts any input: missing parents, cycles, spans that are their own
//! parent.

use crate::decode::Span;
use std::collections::{HashMap, HashSet};

/// Parents and children, by the span's position in the payload.
pub struct Shape {
    /// Spans without a parent in this payload, in order of start.
    pub roots: Vec<usize>,
    below: HashMap<usize, Vec<usize>>,
    notes: HashMap<usize, String>,
}

impl Shape {
    /// Computes each span's place: every span is the child of exactly one other span, or a root.
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

    /// Makes a root of the first span of each cycle: spans that are their own ancestors are reached from no other root.
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

    /// Returns the children of a span, in order of start.
    pub fn children(&self, span: usize) -> &[usize] {
        self.below.get(&span).map_or(&[], Vec::as_slice)
    }

    /// Returns a remark about a span's parent if the parent is not the span above it.
    pub fn note(&self, span: usize) -> Option<&str> {
        self.notes.get(&span).map(String::as_str)
    }
}
