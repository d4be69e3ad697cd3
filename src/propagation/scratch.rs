//! The text of one header while it is written: in an array on the stack, or, if that is too short, on the heap.

use crate::memory::{self, Buffer, Full};

/// Longer texts go to the heap. The headers of ids and the usual `tracestate` are shorter.
const NEAR: usize = 256;

/// A text that grows.
pub struct Scratch {
    near: [u8; NEAR],
    /// Bytes used of `near`.
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
        if size > NEAR - from.min(NEAR) || !self.far.is_empty() {
            return self.far_tail(size);
        }
        self.len += size;
        Ok(&mut self.near[from..from + size])
    }

    #[cold]
    #[inline(never)]
    fn far_tail(&mut self, size: usize) -> Result<&mut [u8], Full> {
        if self.far.is_empty() {
            self.far.push(&self.near[..self.len])?;
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
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self.far.len() {
            0 => &self.near[..self.len],
            _ => self.far.bytes(),
        }
    }

    /// The length of the text.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self.far.len() {
            0 => self.len,
            far => far,
        }
    }

    /// Cuts the text.
    #[inline]
    pub(super) fn truncate(&mut self, length: usize) {
        self.len = self.len.min(length);
        self.far.truncate(length);
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
