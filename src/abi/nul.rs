//! Measures texts that end with a NUL. Most of them are short: to look for the NUL in place costs less than a call of the C
//! library's `strlen`, before which every call would have to store its arguments.
//!
//! The invariant: memory is read in blocks of 16 bytes whose addresses are multiples of 16, first the block in which the
//! text begins, then one after another up to that with the NUL. So each block has a byte of the text, and lies in one page
//! with it, which can be read. What else a block holds is ignored. The compiler knows nothing of these reads, which go
//! beyond the text: they are instructions of the processor. AddressSanitizer, which checks every read, gets `strlen`.

use std::ffi::c_char;

/// Returns the number of bytes before the NUL.
///
/// # Safety
/// `text` points to bytes up to and including a NUL.
#[cfg(all(target_arch = "x86_64", not(spanwire_sanitized)))]
#[inline(always)]
pub(super) unsafe fn length(text: *const c_char) -> usize {
    let offset = text as usize % BLOCK;
    let mut block = text.cast::<u8>().wrapping_sub(offset);
    // SAFETY: the block begins at a multiple of 16 and has the first byte of the text.
    let found = unsafe { zeros(block) } >> offset;
    if found != 0 {
        return found.trailing_zeros() as usize;
    }
    loop {
        block = block.wrapping_add(BLOCK);
        // SAFETY: the NUL comes after the block before this one, whose last byte belongs to the text: so does this one's
        // first byte.
        let found = unsafe { zeros(block) };
        if found != 0 {
            return block as usize - text as usize + found.trailing_zeros() as usize;
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(spanwire_sanitized)))]
const BLOCK: usize = 16;

/// Returns a bit for each zero of a block.
///
/// # Safety
/// `block` is a multiple of 16, and a byte of the block can be read.
#[cfg(all(target_arch = "x86_64", not(spanwire_sanitized)))]
#[inline(always)]
unsafe fn zeros(block: *const u8) -> u32 {
    let found: u32;
    // SAFETY: every x86-64 processor has the instructions. They read the block, which lies in one page.
    unsafe {
        std::arch::asm!(
            "pxor {bytes}, {bytes}",
            "pcmpeqb {bytes}, xmmword ptr [{block}]",
            "pmovmskb {found:e}, {bytes}",
            bytes = out(xmm_reg) _,
            block = in(reg) block,
            found = lateout(reg) found,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    found
}

/// Returns the number of bytes before the NUL.
///
/// # Safety
/// `text` points to bytes up to and including a NUL.
#[cfg(not(all(target_arch = "x86_64", not(spanwire_sanitized))))]
#[inline(always)]
pub(super) unsafe fn length(text: *const c_char) -> usize {
    // SAFETY: by the caller.
    unsafe { std::ffi::CStr::from_ptr(text) }.count_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn every_length_at_every_place_is_that_of_the_c_library() {
        // Bytes before and behind a text do not matter, whatever they are.
        for around in [0, 1, b'x', 0x80, 0xff] {
            for inside in [1, b'x', 0x7f, 0x80, 0xff] {
                for at in 0..33 {
                    for length in 0..100 {
                        let mut bytes = [around; 200];
                        bytes[at..at + length].fill(inside);
                        bytes[at + length] = 0;
                        let text: *const c_char = bytes[at..].as_ptr().cast();
                        // SAFETY: a NUL was written.
                        let (measured, expected) = unsafe { (super::length(text), CStr::from_ptr(text).count_bytes()) };
                        assert_eq!((measured, expected), (length, length), "{at}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_byte_of_the_next_page_is_read() {
        const PAGE: usize = 4096;
        // SAFETY: a fresh mapping of two pages, of which the second one cannot be read. All writes are to the first.
        unsafe {
            let (anywhere, flags) = (std::ptr::null_mut(), libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let pages = libc::mmap(anywhere, 2 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(pages, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(pages.byte_add(PAGE), PAGE, libc::PROT_NONE), 0);
            let page: *mut u8 = pages.cast();
            page.write_bytes(b'x', PAGE - 1);
            page.add(PAGE - 1).write(0);
            for size in 0..PAGE {
                assert_eq!(length(page.add(PAGE - 1 - size).cast()), size);
            }
            libc::munmap(pages, 2 * PAGE);
        }
    }
}
