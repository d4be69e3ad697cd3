//! Text over the boundary: in as pointers with or without a length, out into the caller's buffer.

use crate::tracer::Error;
use std::ffi::{c_char, CStr};

/// Stands for "NUL-terminated: measure it" where a length is asked for. `SPANWIRE_NUL` in C.
pub(super) const NUL: usize = usize::MAX;

/// A NUL-terminated text; `None` for NULL.
///
/// # Safety
/// `text` is NULL or points to bytes up to and including a NUL.
#[inline]
pub(super) unsafe fn terminated<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: by the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A text with its length, which may be [`NUL`]; `None` for NULL.
///
/// # Safety
/// `text` is NULL or points to `len` bytes, or to bytes up to a NUL where `len` is [`NUL`].
#[inline]
pub(super) unsafe fn measured<'a>(text: *const c_char, len: usize) -> Result<Option<&'a [u8]>, Error> {
    if text.is_null() {
        return Ok(None);
    }
    if len == NUL {
        // SAFETY: by the caller.
        return Ok(unsafe { terminated(text) });
    }
    if len > isize::MAX as usize {
        return Err(Error::Argument);
    }
    // SAFETY: by the caller.
    Ok(Some(unsafe { std::slice::from_raw_parts(text.cast(), len) }))
}

/// An array; empty for NULL or no elements.
///
/// # Safety
/// `items` is NULL or points to `count` elements.
#[inline]
pub(super) unsafe fn array<'a, T>(items: *const T, count: usize) -> Result<&'a [T], Error> {
    if count == 0 {
        return Ok(&[]);
    }
    if items.is_null() || !items.is_aligned() || count > isize::MAX as usize / std::mem::size_of::<T>().max(1) {
        return Err(Error::Argument);
    }
    // SAFETY: by the caller.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// Refuses a call that asks for a text and says neither where it goes nor where its size goes. Checked before anything
/// is looked up, so that the answer does not depend on what is there.
pub(super) fn wanted(buffer: *const c_char, need: *const usize) -> Result<(), Error> {
    if buffer.is_null() && need.is_null() {
        return Err(Error::Argument);
    }
    Ok(())
}

/// Writes a text and a NUL into the caller's buffer. `*need` becomes what that takes. A buffer that is too small gets
/// the empty text and [`Error::Limit`]; no buffer at all is the question how large it must be.
///
/// # Safety
/// `buffer` is NULL or points to `capacity` bytes; `need` is NULL or points to a size.
pub(super) unsafe fn put(text: &[u8], buffer: *mut c_char, capacity: usize, need: *mut usize) -> Result<(), Error> {
    // SAFETY: by the caller.
    unsafe {
        if !need.is_null() {
            *need = text.len() + 1;
        }
        if buffer.is_null() {
            return wanted(buffer, need);
        }
        if capacity <= text.len() {
            if capacity > 0 {
                *buffer = 0;
            }
            return Err(Error::Limit);
        }
        std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), text.len());
        *buffer.add(text.len()) = 0;
    }
    Ok(())
}
