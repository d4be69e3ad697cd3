//! Finds the layout of the standard library's containers, which is private and may change with every compiler, by
//! looking at containers with known content. A container that is not recognised is left out of the table, and readers
//! report that it is missing.

use super::descriptor::{Field, TypeDescriptor};
use crate::sys;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

const WORD: usize = size_of::<usize>();

fn place(words: &[usize], value: usize) -> Option<usize> {
    let mut places = (0..words.len()).filter(|&n| words[n] == value);
    places.next().filter(|_| places.next().is_none()).map(|n| n * WORD)
}

fn word(name: &'static str, offset: usize) -> Field {
    Field::number(name, offset, WORD)
}

/// The type `vec`: where a `Vec` has its pointer and its length.
fn vec() -> Option<TypeDescriptor> {
    let mut known: Vec<u64> = Vec::with_capacity(7);
    known.extend([1, 2, 3]);
    let words = sys::words_of(&known);
    let fields =
        vec![word("pointer", place(&words, known.as_ptr() as usize)?), word("length", place(&words, known.len())?)];
    Some(TypeDescriptor::inside::<Vec<u64>>("vec", fields))
}

/// The type `deque`: where a `VecDeque` has its pointer, capacity, first item and length.
fn deque() -> Option<TypeDescriptor> {
    let mut known: VecDeque<u64> = VecDeque::with_capacity(11);
    known.extend(0..10);
    known.drain(..4);
    let (capacity, head, length) = (known.capacity(), 4, known.len());
    let words = sys::words_of(&known);
    let first = known.as_slices().0.as_ptr() as usize;
    let fields = vec![
        word("pointer", place(&words, first - head * size_of::<u64>())?),
        word("capacity", place(&words, capacity)?),
        word("head", place(&words, head)?),
        word("length", place(&words, length)?),
    ];
    Some(TypeDescriptor::inside::<VecDeque<u64>>("deque", fields))
}

/// Describes the containers, and the elements of a `Vec<u8>`.
pub fn descriptors() -> Vec<TypeDescriptor> {
    [vec(), deque(), Some(TypeDescriptor::inside::<u8>("byte", Vec::new()))].into_iter().flatten().collect()
}

/// Returns the offset of a `Mutex`'s content.
pub fn in_mutex<T>(mutex: &Mutex<T>) -> usize {
    let content = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    std::ptr::from_ref(&*content) as usize - std::ptr::from_ref(mutex) as usize
}

/// Returns the offset of an `Arc`'s content from the address that the `Arc` holds.
pub fn in_arc<T>(arc: &Arc<T>) -> usize {
    let pointed_to = sys::words_of(arc).first().copied().unwrap_or(0);
    (Arc::as_ptr(arc) as usize).wrapping_sub(pointed_to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_compilers_containers_are_recognised() {
        assert_eq!(
            descriptors().iter().map(|descriptor| (descriptor.name, descriptor.fields.len())).collect::<Vec<_>>(),
            [("vec", 2), ("deque", 4), ("byte", 0)]
        );
        let mutex = Mutex::new([7u64; 3]);
        assert!(in_mutex(&mutex) + size_of::<[u64; 3]>() <= size_of_val(&mutex));
        assert_eq!(in_arc(&Arc::new(7u64)), 16, "two counts before the content");
    }
}
