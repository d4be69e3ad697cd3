//! Sorts and builds maps where size matters more than speed. The standard library's stable sort is about 6 KB of machine
//! code for each type that it sorts. Here one copy of it sorts positions, whatever the type.

use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Sorts by a key. Elements with equal keys keep their order.
pub fn by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts as `compare` says. Equal elements keep their order.
pub fn by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut order = order(items.len(), &|one, other| compare(&items[one], &items[other]));
    for first in 0..items.len() {
        // Follows one cycle of the permutation. Each swap moves one element to its place.
        let mut place = first;
        while order[place] != first {
            let from = std::mem::replace(&mut order[place], place);
            items.swap(place, from);
            place = from;
        }
        order[place] = place;
    }
}

/// Returns the positions of `count` elements in ascending order of the elements.
fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&one, &other| compare(one, other));
    order
}

/// Makes a JSON object. `collect` would sort the fields first, with a sort of its own for each iterator.
pub fn object(fields: &mut dyn Iterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in fields {
        object.insert(name, value);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_with_equal_keys_keep_their_order() {
        // A permutation with long cycles, and keys that repeat.
        for count in [0, 1, 2, 3, 10, 257] {
            let mut sorted: Vec<(usize, usize)> = (0..count).map(|n| (n * 7919 % 31, n)).collect();
            let mut expected = sorted.clone();
            expected.sort_by_key(|item| item.0);
            by_key(&mut sorted, |item| item.0);
            assert_eq!(sorted, expected);
        }
    }
}
