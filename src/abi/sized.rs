//! Structures that begin with their `size` and grow at the end: a caller built with an older header gives or takes
//! fewer fields, one built with a newer header more.

use crate::tracer::Error;

/// A structure of the C API whose first field is its size in bytes, and for which all zeros mean "nothing given".
///
/// # Safety
/// `repr(C)`, begins with a `usize`, and every bit pattern of its fields is valid.
pub(super) unsafe trait Sized_: Copy {}

/// Reads what the caller's version has; the rest is zero. Fields beyond ours must be zero, or we would ignore a wish.
///
/// # Safety
/// `from` is NULL or points to a structure of the size that its first field says.
#[inline]
pub(super) unsafe fn read<T: Sized_>(from: *const T) -> Result<T, Error> {
    if from.is_null() || !from.is_aligned() {
        return Err(Error::Argument);
    }
    // SAFETY: by the caller.
    unsafe { read_as(from, *from.cast::<usize>()) }
}

/// The same for a structure whose size is known otherwise: of an element of an array, from the first one.
///
/// # Safety
/// `from` is aligned and points to a structure of `size` bytes.
#[inline]
pub(super) unsafe fn read_as<T: Sized_>(from: *const T, size: usize) -> Result<T, Error> {
    let (ours, word) = (std::mem::size_of::<T>(), std::mem::size_of::<usize>());
    // SAFETY: by the caller; the trait allows zeros and any bytes.
    unsafe {
        if size == ours {
            return Ok(*from);
        }
        if size < word || size > 64 * 1024 {
            return Err(Error::Version);
        }
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), size);
        if bytes.get(ours..).is_some_and(|beyond| beyond.iter().any(|&byte| byte != 0)) {
            return Err(Error::Version);
        }
        let mut value: T = std::mem::zeroed();
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut value).cast(), size.min(ours));
        Ok(value)
    }
}

/// The size that the caller's version of a structure to be written has. Asked apart where what is to be written is gone
/// once it is taken.
///
/// # Safety
/// `to` is NULL or points to a structure of the size that its first field says.
pub(super) unsafe fn writable<T: Sized_>(to: *mut T) -> Result<usize, Error> {
    if to.is_null() || !to.is_aligned() {
        return Err(Error::Argument);
    }
    // SAFETY: by the caller.
    match unsafe { *to.cast::<usize>() } {
        size if size < std::mem::size_of::<usize>() || size > 64 * 1024 => Err(Error::Version),
        size => Ok(size),
    }
}

/// Writes as much as the caller's version has; its `size` stays.
///
/// # Safety
/// `to` is NULL or points to a structure of the size that its first field says.
pub(super) unsafe fn write<T: Sized_>(to: *mut T, value: &T) -> Result<(), Error> {
    let word = std::mem::size_of::<usize>();
    // SAFETY: by the caller.
    unsafe {
        let size = writable(to)?;
        let length = size.min(std::mem::size_of::<T>()) - word;
        let from = (&raw const *value).cast::<u8>().add(word);
        std::ptr::copy_nonoverlapping(from, to.cast::<u8>().add(word), length);
    }
    Ok(())
}
