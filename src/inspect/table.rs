//! The table of type descriptors in memory, and the symbol that leads to it.
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
//!
//! The table contains its names and lies in memory that is written at run time, because a core does not hold constant
//! data. A change that a reader of version 1 would not notice by the sizes makes version 2; new types, fields and kinds
//! do not.

mod root;

pub use root::spanwire_debug_root;

use super::{Kind, Place, TypeDescriptor};
use root::Root;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

/// How the root begins: what a reader without symbols looks for.
pub const MAGIC: [u8; 16] = *b"spanwire debug\r\n";
/// Of the form.
pub const VERSION: u32 = 1;
/// The index of no type.
const NONE: u32 = u32::MAX;

/// A type descriptor in memory.
#[repr(C)]
struct Entry {
    name: [u8; 24],
    fields: AtomicPtr<FieldEntry>,
    field_count: u32,
    stride: u32,
    base: u64,
    count: u64,
    form: u32,
    per: u32,
}

/// A field in memory.
#[repr(C)]
struct FieldEntry {
    name: [u8; 32],
    offset: u32,
    size: u32,
    kind: u32,
    of: u32,
}

/// What the table describes now.
static DESCRIBED: AtomicUsize = AtomicUsize::new(0);

/// Puts a description of `what` (its address) in place of the former one, unless it is there. A table that is replaced,
/// as in a forked child, stays in memory: a debugger may be reading it.
pub fn publish(what: usize, describe: impl FnOnce() -> Vec<TypeDescriptor>) {
    if DESCRIBED.swap(what, AcqRel) == what {
        return;
    }
    let descriptors = describe();
    let index =
        |of: &str| descriptors.iter().position(|descriptor| descriptor.name == of).map_or(NONE, |index| index as u32);
    let entries: Vec<Entry> = descriptors.iter().map(|descriptor| entry(descriptor, index)).collect();
    let entries = entries.leak();
    root::each(|root| {
        root.descriptor_count.store(0, Release);
        root.descriptors.store(entries.as_mut_ptr(), Release);
        root.descriptor_count.store(entries.len() as u64, Release);
    });
}

fn entry(descriptor: &TypeDescriptor, index: impl Fn(&str) -> u32) -> Entry {
    let fields: Vec<FieldEntry> = descriptor
        .fields
        .iter()
        .filter(|field| field.of.is_empty() || index(field.of) != NONE)
        .map(|field| FieldEntry {
            name: name(field.name),
            offset: field.offset as u32,
            size: field.size as u32,
            kind: field.kind as u32,
            of: if field.of.is_empty() { NONE } else { index(field.of) },
        })
        .collect();
    let (form, base, count, per) = match descriptor.place {
        Place::Inside => (0, 0, 0, 0),
        Place::Row { base, count } => (1, base, count, 0),
        Place::Directory { base, count, per } => (2, base, count, per),
    };
    Entry {
        name: name(descriptor.name),
        field_count: fields.len() as u32,
        fields: AtomicPtr::new(fields.leak().as_mut_ptr()),
        stride: descriptor.stride as u32,
        base: base as u64,
        count: count as u64,
        form,
        per: per as u32,
    }
}

/// A name in its place, cut if need be, with a NUL behind it.
const fn name<const N: usize>(text: &str) -> [u8; N] {
    let (bytes, mut name, mut n) = (text.as_bytes(), [0; N], 0);
    while n < bytes.len() && n < N - 1 {
        name[n] = bytes[n];
        n += 1;
    }
    name
}

// What the module's comment says, and readers take for granted.
const _: () = assert!(size_of::<Root>() == 64 && size_of::<Entry>() == 64 && size_of::<FieldEntry>() == 48);
const _: () = assert!(Kind::Unsigned as u32 == 1 && Kind::Pointer as u32 == 8);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What is wrong with descriptions: a name that is cut or unknown, a field outside of its structure.
    pub(crate) fn faults(descriptors: &[TypeDescriptor]) -> Vec<String> {
        let known = |of: &str| of.is_empty() || descriptors.iter().any(|descriptor| descriptor.name == of);
        let mut faults = Vec::new();
        for descriptor in descriptors {
            if descriptor.name.len() >= 24
                || descriptors.iter().filter(|other| other.name == descriptor.name).count() > 1
            {
                faults.push(format!("{} is too long, or there twice", descriptor.name));
            }
            for field in &descriptor.fields {
                let fits = field.name.len() < 32 && known(field.of) && field.offset + field.size <= descriptor.stride;
                if !fits || (field.kind == Kind::Unsigned && !matches!(field.size, 1 | 2 | 4 | 8)) {
                    faults.push(format!("{}.{}: {field:?}", descriptor.name, field.name));
                }
            }
        }
        faults
    }
}
