//! The table of type descriptors in memory, and the symbol through which debuggers find it. `form` defines its layout.
//! The table contains its names and is in memory that is written at run time, because a core does not hold constant
//! data.

mod form;
mod root;

pub use form::{MAGIC, VERSION};
#[cfg(test)]
pub use root::spanwire_debug_root;

use super::descriptor::{Kind, Place, TypeDescriptor};
use form::{name, Entry, FieldEntry, NONE};
use root::Root;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

/// Address of the state that the table describes.
static DESCRIBED: AtomicUsize = AtomicUsize::new(0);

/// Returns the address of this library's table.
pub fn address() -> u64 {
    root::address()
}

/// Publishes the description of the state at the address `what`, unless it is already published. A replaced table, as
/// in a forked child, stays in memory, because a debugger may be reading it.
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

// Readers rely on these sizes and numbers.
const _: () = assert!(size_of::<Root>() == 64 && size_of::<Entry>() == 64 && size_of::<FieldEntry>() == 48);
const _: () = assert!(Kind::Unsigned as u32 == 1 && Kind::Pointer as u32 == 8);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns the faults of descriptions: a name that is cut or unknown, a field outside of its structure.
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
