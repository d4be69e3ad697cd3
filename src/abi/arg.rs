//! Arguments as C passes them. Each type is one parameter, or one field of a structure, with the checks that belong to
//! it; in the C header it is a plain pointer or number.
//!
//! The exported functions are safe functions although they read and write what these types point to. That is sound
//! because fields are private and no safe code makes a value: each one comes from a C caller, which keeps the
//! requirements of the header for that parameter. The `SAFETY` comments below refer to this. The callers in `abi` keep
//! one rule: a length or count goes only to the pointer in front of it.

use super::nul;
use crate::memory::Short;
use crate::tracer::Error;
use std::ffi::{c_char, c_void, CStr};
use std::slice;

/// A length of this value means "NUL-terminated: measure it". `SPANWIRE_NUL` in C.
const NUL: usize = usize::MAX;

/// A text as it was given: `None` for NULL, an error for an invalid length.
pub(super) type Given<'a> = Result<Option<&'a [u8]>, Error>;

/// A text that ends with a NUL; may be NULL.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct CText(*const c_char);

impl CText {
    #[inline]
    pub(super) fn get(&self) -> Option<&[u8]> {
        // SAFETY: the caller gives NULL, or bytes up to and including a NUL.
        (!self.0.is_null()).then(|| unsafe { CStr::from_ptr(self.0) }.to_bytes())
    }

    /// The text; the empty text for NULL.
    #[inline]
    pub(super) fn or_empty(&self) -> &[u8] {
        self.get().unwrap_or_default()
    }

    /// The same, measured in place: for calls that every span makes.
    #[inline(always)]
    pub(super) fn measured(&self) -> &[u8] {
        if self.0.is_null() {
            return &[];
        }
        // SAFETY: the caller gives bytes up to and including a NUL.
        unsafe { slice::from_raw_parts(self.0.cast(), nul::length(self.0)) }
    }
}

/// A length in bytes, or a number of elements, of what the pointer in front of it points to.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct CLen(usize);

impl CLen {
    /// Returns this length, or `max` if it is larger. For callers that reject texts longer than `max - 1` without
    /// reading them.
    #[inline]
    pub(super) fn at_most(self, max: usize) -> CLen {
        CLen(self.0.min(max))
    }

    #[inline]
    pub(super) fn get(self) -> usize {
        self.0
    }
}

/// A text whose length is the next parameter or field; may be NULL.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct CBytes(*const c_char);

impl CBytes {
    /// A text for a callback, with its length.
    ///
    /// # Safety
    /// The result is not used after `text`.
    #[inline]
    pub(super) unsafe fn lent(text: &[u8]) -> (CBytes, CLen) {
        (CBytes(text.as_ptr().cast()), CLen(text.len()))
    }

    /// A fixed text for a callback, with its length.
    #[inline]
    pub(super) fn fixed(text: &'static CStr) -> (CBytes, CLen) {
        (CBytes(text.as_ptr()), CLen(text.to_bytes().len()))
    }

    #[inline]
    pub(super) fn of(&self, len: CLen) -> Given<'_> {
        if self.0.is_null() {
            return Ok(None);
        }
        if len.0 == NUL {
            // SAFETY: the caller gives bytes up to and including a NUL.
            return Ok(Some(unsafe { CStr::from_ptr(self.0) }.to_bytes()));
        }
        match self.usual(len) {
            None => Err(Error::Argument),
            text => Ok(text),
        }
    }

    /// The text if it is not NULL and its length is given and possible. For callers that try [`CBytes::of`] next.
    #[inline(always)]
    pub(super) fn usual(&self, len: CLen) -> Option<&[u8]> {
        if self.0.is_null() || len.0 > isize::MAX as usize {
            return None;
        }
        // SAFETY: the caller gives as many bytes as the length says.
        Some(unsafe { slice::from_raw_parts(self.0.cast(), len.0) })
    }
}

impl CBytes {
    /// A short text, or none for NULL. `None` for a text that is long or must be measured, for callers that try
    /// [`CBytes::of`] next.
    #[inline(always)]
    pub(super) fn short(&self, len: CLen) -> Option<Option<Short<'_>>> {
        if self.0.is_null() {
            return Some(None);
        }
        if len.0 > Short::MAX {
            return None;
        }
        // SAFETY: the caller gives as many bytes as the length says.
        Short::of(unsafe { slice::from_raw_parts(self.0.cast(), len.0) }).map(Some)
    }
}

/// An array whose number of elements is the next parameter or field; may be NULL if that is 0.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct CArray<T>(*const T);

impl<T: Copy> CArray<T> {
    #[inline]
    pub(super) fn of(&self, count: CLen) -> Result<&[T], Error> {
        // SAFETY: the caller gives as many elements as the count says.
        unsafe { elements(self.0, count.0) }
    }
}

/// Bytes that are no text, whose length is the next parameter; may be NULL if that is 0.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct CBlob(*const c_void);

impl CBlob {
    #[inline]
    pub(super) fn of(&self, len: CLen) -> Result<&[u8], Error> {
        // SAFETY: the caller gives as many bytes as the length says.
        unsafe { elements(self.0.cast(), len.0) }
    }
}

/// # Safety
/// `at` is NULL or points to `count` elements, which live as long as the result is used.
#[inline]
unsafe fn elements<'a, T>(at: *const T, count: usize) -> Result<&'a [T], Error> {
    if count == 0 {
        return Ok(&[]);
    }
    if at.is_null() || !at.is_aligned() || count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Error::Argument);
    }
    // SAFETY: by the caller; the size was checked.
    Ok(unsafe { slice::from_raw_parts(at, count) })
}

/// A place for a result; may be NULL where the function says so.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    #[inline]
    pub(super) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Refuses NULL, and writes what is there until the call has succeeded.
    #[inline]
    pub(super) fn require(self, initial: T) -> Result<(), Error> {
        if self.0.is_null() {
            return Err(Error::Argument);
        }
        self.set(initial);
        Ok(())
    }

    /// Writes the result, unless the place is NULL.
    #[inline]
    pub(super) fn set(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the caller gives NULL or a place for one value.
            unsafe { *self.0 = value };
        }
    }
}

/// A buffer of the caller's whose size in bytes is the next parameter; may be NULL.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Buffer(*mut c_char);

impl Buffer {
    /// The whole buffer. Refuses NULL.
    pub(super) fn room(&mut self, capacity: CLen) -> Result<&mut [u8], Error> {
        if self.0.is_null() {
            return Err(Error::Argument);
        }
        // SAFETY: the caller gives as many bytes as the capacity says.
        Ok(unsafe { slice::from_raw_parts_mut(self.0.cast(), capacity.at_most(isize::MAX as usize).0) })
    }
}

/// Where a text goes: the parameters `buffer`, `capacity` and `need` of a function.
pub(super) struct OutText {
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
}

impl OutText {
    /// Refuses a call that gives neither a buffer nor a place for the size. Callers do this before they look anything
    /// up, so that the status does not depend on what there is.
    pub(super) fn of(buffer: Buffer, capacity: CLen, need: Out<usize>) -> Result<OutText, Error> {
        match buffer.0.is_null() && need.is_null() {
            true => Err(Error::Argument),
            false => Ok(OutText { buffer, capacity, need }),
        }
    }

    /// Whether the caller only asks for the size.
    pub(super) fn only_asks(&self) -> bool {
        self.buffer.0.is_null()
    }

    /// Writes a text and a NUL, and their size to `need`. A buffer that is too small gets the empty text and
    /// [`Error::Limit`]; without a buffer that is all.
    pub(super) fn put(self, text: &[u8]) -> Result<(), Error> {
        let (buffer, fits) = (self.buffer.0.cast::<u8>(), text.len() < self.capacity.0);
        if fits && !buffer.is_null() {
            // SAFETY: the caller gives as many bytes as the capacity says, and those of the text are fewer.
            unsafe { buffer.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        }
        self.end(if fits { text.len() } else { 0 }, text.len());
        if fits || buffer.is_null() {
            Ok(())
        } else {
            Err(Error::Limit)
        }
    }

    /// Writes a text that is made piece by piece, and a NUL; as [`OutText::put`]. After an error nothing is written.
    #[inline]
    pub(super) fn fill(mut self, write: impl FnOnce(&mut Pieces<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let mut pieces = Pieces { room: self.room(), length: 0 };
        write(&mut pieces)?;
        let (length, fits) = (pieces.length, pieces.length <= pieces.room.len());
        let fits = fits || self.only_asks();
        self.end(if fits { length } else { 0 }, length);
        if fits {
            Ok(())
        } else {
            Err(Error::Limit)
        }
    }

    /// The buffer without its last byte, which is for a NUL; empty where there is none.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let room = self.buffer.room(self.capacity).ok().and_then(|room| room.split_last_mut());
        room.map_or(&mut [], |(_, room)| room)
    }

    /// Adds the NUL behind `written` bytes, and says that the text needs `needed` bytes and a NUL.
    pub(super) fn end(self, written: usize, needed: usize) {
        self.need.set(needed + 1);
        if !self.only_asks() && written < self.capacity.0 {
            // SAFETY: the caller gives as many bytes as the capacity says.
            unsafe { *self.buffer.0.add(written) = 0 };
        }
    }
}

/// A text in the caller's buffer that grows piece by piece. Counts on where the buffer ends.
pub(super) struct Pieces<'a> {
    room: &'a mut [u8],
    length: usize,
}

impl Pieces<'_> {
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        if let Some(place) = self.room.get_mut(self.length..self.length + text.len()) {
            place.copy_from_slice(text);
        }
        self.length += text.len();
    }
}

/// The pointer that the host wants its callback to get.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Userdata(pub(super) *mut c_void);

/// A callback that takes a structure, and its `userdata`.
pub(super) struct Callback<T> {
    function: unsafe extern "C" fn(*const T, *mut c_void),
    userdata: Userdata,
}

impl<T> Callback<T> {
    /// Refuses NULL.
    pub(super) fn of(
        function: Option<unsafe extern "C" fn(*const T, *mut c_void)>,
        userdata: Userdata,
    ) -> Result<Callback<T>, Error> {
        Ok(Callback { function: function.ok_or(Error::Argument)?, userdata })
    }

    pub(super) fn call(&self, argument: &T) {
        // SAFETY: the caller gives a function that may be called with a structure of this type and its `userdata`.
        unsafe { (self.function)(argument, self.userdata.0) }
    }
}

/// Arguments of tests, which call exported functions as C does.
#[cfg(test)]
pub(super) mod made {
    use super::*;

    pub fn text(text: Option<&'static CStr>) -> CText {
        CText(text.map_or(std::ptr::null(), CStr::as_ptr))
    }

    pub fn len(len: usize) -> CLen {
        CLen(len)
    }
}
