//! The form of the table in memory. A change that a reader of version 1 would not notice by the sizes makes version 2; new
//! types, fields and kinds do not.
//!
//! ```text
//! root   0  magic, 16 bytes   16  version: 1   20  size of the root   24  of a type   28  of a field, 4 bytes each
//!       32  the library's version, 16 bytes   48  address of the types, 0 before the first call   56  their number
//! type   0  name, 24 bytes   24  address of its fields   32  their number, 4 bytes   36  stride, 4 bytes
//!       40  base   48  count   56  form, 4 bytes   60  per, 4 bytes
//!           form 0: reached by fields   1: `count` of them from `base` on
//!                2: `base` is a directory of `count` pointers, the first null one ends it, each leads to `per`
//! field  0  name, 32 bytes   32  offset   36  size   40  kind   44  the type's index, or 0xffffffff; 4 bytes each
//! ```

use std::sync::atomic::AtomicPtr;

/// The first bytes of the root. A reader without symbols searches for them.
pub const MAGIC: [u8; 16] = *b"spanwire debug\r\n";
/// Version of the form.
pub const VERSION: u32 = 1;
/// The index of no type.
pub(super) const NONE: u32 = u32::MAX;

/// A type descriptor in memory.
#[repr(C)]
pub(super) struct Entry {
    pub(super) name: [u8; 24],
    pub(super) fields: AtomicPtr<FieldEntry>,
    pub(super) field_count: u32,
    pub(super) stride: u32,
    pub(super) base: u64,
    pub(super) count: u64,
    pub(super) form: u32,
    pub(super) per: u32,
}

/// A field of a type in memory.
#[repr(C)]
pub(super) struct FieldEntry {
    pub(super) name: [u8; 32],
    pub(super) offset: u32,
    pub(super) size: u32,
    pub(super) kind: u32,
    pub(super) of: u32,
}

/// Returns a name in a fixed array, cut if necessary, with a NUL behind it.
pub(super) const fn name<const N: usize>(text: &str) -> [u8; N] {
    let (bytes, mut name, mut n) = (text.as_bytes(), [0; N], 0);
    while n < bytes.len() && n < N - 1 {
        name[n] = bytes[n];
        n += 1;
    }
    name
}
