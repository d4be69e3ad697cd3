//! The form that descriptions take in memory, and the symbol that leads to it.
//!
//! ```text
//! root   0  magic, 16 bytes   16  version: 1   20  size of the root   24  of a noun   28  of a field, 4 bytes each
//!       32  the library's version, 16 bytes   48  address of the nouns, 0 before the first call   56  how many
//! noun   0  name, 24 bytes   24  address of its fields   32  how many, 4 bytes   36  stride, 4 bytes
//!       40  base   48  count   56  form, 4 bytes   60  per, 4 bytes
//!           form 0: reached by fields   1: `count` of them from `base` on
//!                2: `base` is a directory of `count` pointers, the first null one ends it, each leads to `per`
//! field  0  name, 32 bytes   32  offset   36  size   40  kind   44  the noun's index, or 0xffffffff; 4 bytes each
//! ```
//!
//! All names lie in the table itself and all of it in memory that is written to at run time: what is constant is not in
//! a core. A change that a reader of version 1 would not notice by the sizes is version 2; new nouns, fields and kinds
//! are no change.

mod root;

pub use root::spanwire_debug_root;

use super::{Kind, Noun, Place};
use root::Root;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

/// How the root begins: what a reader without symbols looks for.
pub const MAGIC: [u8; 16] = *b"spanwire debug\r\n";
/// Of the form.
pub const VERSION: u32 = 1;
/// Stands for no noun.
const NONE: u32 = u32::MAX;

/// A noun in memory.
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
pub fn publish(what: usize, describe: impl FnOnce() -> Vec<Noun>) {
    if DESCRIBED.swap(what, AcqRel) == what {
        return;
    }
    let nouns = describe();
    let index = |of: &str| nouns.iter().position(|noun| noun.name == of).map_or(NONE, |index| index as u32);
    let entries: Vec<Entry> = nouns.iter().map(|noun| entry(noun, index)).collect();
    let entries = entries.leak();
    root::each(|root| {
        root.noun_count.store(0, Release);
        root.nouns.store(entries.as_mut_ptr(), Release);
        root.noun_count.store(entries.len() as u64, Release);
    });
}

fn entry(noun: &Noun, index: impl Fn(&str) -> u32) -> Entry {
    let fields: Vec<FieldEntry> = noun
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
    let (form, base, count, per) = match noun.place {
        Place::Inside => (0, 0, 0, 0),
        Place::Row { base, count } => (1, base, count, 0),
        Place::Directory { base, count, per } => (2, base, count, per),
    };
    Entry {
        name: name(noun.name),
        field_count: fields.len() as u32,
        fields: AtomicPtr::new(fields.leak().as_mut_ptr()),
        stride: noun.stride as u32,
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
    pub(crate) fn faults(nouns: &[Noun]) -> Vec<String> {
        let known = |of: &str| of.is_empty() || nouns.iter().any(|noun| noun.name == of);
        let mut faults = Vec::new();
        for noun in nouns {
            if noun.name.len() >= 24 || nouns.iter().filter(|other| other.name == noun.name).count() > 1 {
                faults.push(format!("{} is too long, or there twice", noun.name));
            }
            for field in &noun.fields {
                let fits = field.name.len() < 32 && known(field.of) && field.offset + field.size <= noun.stride;
                if !fits || (field.kind == Kind::Unsigned && !matches!(field.size, 1 | 2 | 4 | 8)) {
                    faults.push(format!("{}.{}: {field:?}", noun.name, field.name));
                }
            }
        }
        faults
    }
}
