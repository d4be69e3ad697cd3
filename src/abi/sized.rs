//! Structures that begin with their `size` and grow at the end: a caller built with an older header gives or takes
//! fewer fields, one built with a newer header more. `In` and `OutSized` are parameters as those of `arg`.

use super::arg::CLen;
use crate::tracer::Error;

/// The largest size that is taken for one.
const MAX: usize = 64 * 1024;
const WORD: usize = size_of::<usize>();

/// A structure of the C API whose first field is its size in bytes, and for which all zeros mean "nothing given".
///
/// # Safety
/// `repr(C)`, begins with a `usize`, and every bit pattern of its fields is valid.
pub unsafe trait Sized_: Copy {}

/// A structure, or an array of them, that the caller gives; may be NULL where the function says so.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct In<T>(*const T);

impl<T: Sized_> In<T> {
    #[inline]
    pub(super) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Returns the structure where it is if the caller's version is this library's. `None` otherwise, or if it is invalid:
    /// [`In::read`] tells.
    #[inline(always)]
    pub(super) fn same(&self) -> Option<&T> {
        if self.0.is_null() || !self.0.is_aligned() {
            return None;
        }
        // SAFETY: the caller gives a structure of the size that its first field says, and does not change it meanwhile.
        unsafe { (*self.0.cast::<usize>() == size_of::<T>()).then(|| &*self.0) }
    }

    /// Copies the fields that the caller's version has; the others are zero. Fields that this library does not know
    /// must be zero: otherwise the call would ignore what they ask for.
    #[inline]
    pub(super) fn read(self) -> Result<T, Error> {
        if self.0.is_null() || !self.0.is_aligned() {
            return Err(Error::Argument);
        }
        // SAFETY: the caller gives a structure of the size that its first field says.
        unsafe { read_as(self.0, *self.0.cast::<usize>()) }
    }

    /// Returns the elements of an array. The `size` of the first one applies to all; the fields of the others are
    /// ignored.
    pub(super) fn elements(self, count: CLen) -> Result<impl Iterator<Item = Result<T, Error>>, Error> {
        self.read()?;
        // SAFETY: `read` has read the first one's size.
        let size = unsafe { *self.0.cast::<usize>() };
        if size % align_of::<T>() != 0 {
            return Err(Error::Version);
        }
        if count.get() > isize::MAX as usize / size {
            return Err(Error::Argument);
        }
        // SAFETY: the caller gives as many structures of that size.
        Ok((0..count.get()).map(move |n| unsafe { read_as(self.0.byte_add(n * size), size) }))
    }

    #[cfg(test)]
    pub(super) fn made(elements: &[T]) -> In<T> {
        In(elements.as_ptr())
    }
}

/// # Safety
/// `from` is aligned and points to a structure of `size` bytes.
#[inline]
unsafe fn read_as<T: Sized_>(from: *const T, size: usize) -> Result<T, Error> {
    let ours = size_of::<T>();
    // SAFETY: by the caller; the trait allows zeros and any bytes.
    unsafe {
        if size == ours {
            return Ok(*from);
        }
        if !(WORD..=MAX).contains(&size) {
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

/// A structure that the caller wants to have filled, with its `size` set; may be NULL where the function says so.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct OutSized<T>(*mut T);

impl<T: Sized_> OutSized<T> {
    /// Returns the size of the caller's version. A function that removes what it returns calls this before it removes
    /// it.
    pub(super) fn check(self) -> Result<usize, Error> {
        if self.0.is_null() || !self.0.is_aligned() {
            return Err(Error::Argument);
        }
        // SAFETY: the caller gives a structure that begins with its size.
        let size = unsafe { *self.0.cast::<usize>() };
        (WORD..=MAX).contains(&size).then_some(size).ok_or(Error::Version)
    }

    /// Writes as much as the caller's version has; its `size` stays.
    pub(super) fn write(self, value: &T) -> Result<(), Error> {
        let length = self.check()?.min(size_of::<T>()) - WORD;
        // SAFETY: the caller gives a structure of the size that was checked.
        unsafe {
            let from = (&raw const *value).cast::<u8>().add(WORD);
            std::ptr::copy_nonoverlapping(from, self.0.cast::<u8>().add(WORD), length);
        }
        Ok(())
    }
}
