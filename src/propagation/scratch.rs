//! The text of one header while it is written: in an array on the stack, or, if that is too short, on the heap.

use crate::memory::{self, Buffer, Full};

/// Longer texts go to the heap. The headers of ids and the usual `tracestate` are shorter.
const NEAR: usize = 192;
/// The length that `len` has while the text is on the heap.
const FAR: usize = usize::MAX / 2;

/// A text that grows.
pub struct Scratch {
    near: [u8; NEAR],
    /// Bytes used of `near`, or [`FAR`].
    len: usize,
    /// The whole text, once it is longer than `near`; else empty.
    far: Buffer,
}

impl Scratch {
    /// An empty text.
    #[inline]
    pub const fn new() -> Scratch {
        Scratch { near: [0; NEAR], len: 0, far: Buffer::new() }
    }

    /// Appends `size` bytes and returns them for the caller to fill.
    #[inline(always)]
    pub(super) fn tail(&mut self, size: usize) -> Result<&mut [u8], Full> {
        let from = self.len;
        if from > NEAR || size > NEAR - from {
            return self.far_tail(size);
        }
        self.len = from + size;
        Ok(&mut self.near[from..from + size])
    }

    /// Returns room for a text of `size` bytes that is made and used at once, in place of the text; `None` if it is too
    /// long to be near.
    #[inline(always)]
    pub(super) fn once(&mut self, size: usize) -> Option<&mut [u8]> {
        self.near.get_mut(..size)
    }

    #[cold]
    #[inline(never)]
    fn far_tail(&mut self, size: usize) -> Result<&mut [u8], Full> {
        if self.len != FAR {
            self.far.push(&self.near[..self.len])?;
            self.len = FAR;
        }
        self.far.tail(size)
    }

    /// Appends bytes.
    #[inline(always)]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        memory::copy(self.tail(bytes.len())?, bytes);
        Ok(())
    }

    /// The text.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        match self.near.get(..self.len) {
            Some(near) => near,
            None => self.far.bytes(),
        }
    }

    /// The length of the text.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        match self.len {
            FAR => self.far.len(),
            near => near,
        }
    }

    /// Cuts the text.
    #[inline(always)]
    pub(super) fn truncate(&mut self, length: usize) {
        if self.len != FAR {
            self.len = self.len.min(length);
            return;
        }
        self.far.truncate(length);
        if length == 0 {
            self.len = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_moves_to_the_heap_and_an_empty_one_comes_back() {
        let mut text = Scratch::new();
        let piece = |n: usize| [b'a' + n as u8 % 26; 37];
        for round in 0..2 {
            for n in 0..20 {
                assert_eq!(text.len(), n * 37);
                text.push(&piece(n)).expect("memory");
            }
            assert!(text.bytes().chunks(37).enumerate().all(|(n, part)| part == piece(n)), "round {round}");
            text.truncate(300);
            text.push(b"end").expect("memory");
            assert_eq!((text.len(), &text.bytes()[299..]), (303, &b"iend"[..]));
            text.truncate(100);
            assert_eq!((text.len(), text.bytes()), (100, &[piece(0), piece(1), piece(2)].concat()[..100]));
            text.push(b"x").expect("memory");
            assert_eq!(text.bytes().last(), Some(&b'x'));
            text.truncate(0);
            assert!(text.len() == 0 && text.bytes().is_empty());
        }
    }
}
