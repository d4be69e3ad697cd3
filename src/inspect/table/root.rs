//! The exported object through which debuggers find the table.
//!
//! A process may have loaded several copies of the library. The exported name then refers to the first object of that
//! name. That may be the object of another copy of the library, or one that the linker has copied from this library
//! into a program that refers to it. Each copy of the library therefore writes to its own object through a hidden name.
//! It also writes to the object of the exported name, but only if that was copied from its own.

// Only the two symbol names are unsafe. No other library may export the first one. The assembler defines the second
// one, in the module that defines the object, because an alias must be in the same object file as its target.
#![allow(unsafe_code)]

use super::form::{name, Entry, FieldEntry, MAGIC, VERSION};
use std::sync::atomic::{AtomicPtr, AtomicU64};

/// The root of the table, see `form`.
#[repr(C)]
pub(super) struct Root {
    magic: [u8; 16],
    version: u32,
    root_size: u32,
    descriptor_size: u32,
    field_size: u32,
    library: [u8; 16],
    pub(super) descriptors: AtomicPtr<Entry>,
    pub(super) descriptor_count: AtomicU64,
}

/// The root, with a mark of the copy of the library to which it belongs.
#[repr(C)]
pub struct Exported {
    root: Root,
    /// The address of [`MARK`].
    mark: Mark,
}

/// Has a different address in each copy of the library that a process has loaded.
static MARK: AtomicU64 = AtomicU64::new(0);

#[repr(transparent)]
struct Mark(*const AtomicU64);

// SAFETY: an address that is compared and never read from.
unsafe impl Sync for Mark {}

/// The exported root. Its atomics make the linker place it in writable data, which a core contains.
#[no_mangle]
#[used]
#[allow(non_upper_case_globals)]
pub static spanwire_debug_root: Exported = Exported {
    root: Root {
        magic: MAGIC,
        version: VERSION,
        root_size: size_of::<Root>() as u32,
        descriptor_size: size_of::<Entry>() as u32,
        field_size: size_of::<FieldEntry>() as u32,
        library: name(env!("CARGO_PKG_VERSION")),
        descriptors: AtomicPtr::new(std::ptr::null_mut()),
        descriptor_count: AtomicU64::new(0),
    },
    mark: Mark(&raw const MARK),
};

std::arch::global_asm!(
    ".hidden spanwire_debug_root_here",
    ".globl spanwire_debug_root_here",
    ".set spanwire_debug_root_here, spanwire_debug_root"
);

unsafe extern "C" {
    // SAFETY: defined above, initialised, and of this type.
    #[link_name = "spanwire_debug_root_here"]
    safe static HERE: Exported;
}

/// Returns the address of this library's root.
pub(super) fn address() -> u64 {
    std::ptr::from_ref(&HERE.root) as u64
}

/// Calls `write` with this library's root, and again with the object of the exported name if that is the same object or
/// a copy of it. The two addresses are not compared, because the compiler assumes that two names are two objects.
pub(super) fn each(mut write: impl FnMut(&Root)) {
    let named = std::hint::black_box(&spanwire_debug_root);
    [&HERE, named].into_iter().filter(|it| std::ptr::eq(it.mark.0, &raw const MARK)).for_each(|it| write(&it.root));
}
