//! Small blocks, cut from slabs. The C library caches blocks that a thread has freed for that thread. A forked child
//! does not have the parent's other threads, so their caches are lost there. A slab belongs to a process's generation
//! and not to a thread, so a later descendant can free it as a whole.

use super::super::generation::generation;
use super::places::TABLE;
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::*};

/// The size of a slab in bytes. Its address is a multiple of this.
const SLAB: usize = 32 * 1024;
/// Sizes of blocks, one per class. The C library caches blocks up to the last of these sizes for each thread.
const SIZES: [usize; 12] = [32, 48, 64, 80, 112, 144, 208, 272, 400, 528, 784, 1040];
/// The size of the largest block.
pub const LARGEST: usize = SIZES[SIZES.len() - 1];

/// The header at the beginning of a slab.
#[repr(C, align(64))]
struct Slab {
    generation: u32,
    place: u32,
    class: usize,
    /// The first freed block. Each freed block holds the address of the next one.
    freed: *mut *mut u8,
    /// Offset of the first block that was never used.
    fresh: usize,
    used: usize,
    next: *mut Slab,
    before: *mut Slab,
}

impl Slab {
    fn has_room(&self) -> bool {
        !self.freed.is_null() || self.fresh + SIZES[self.class] <= SLAB
    }
}

/// The slabs with blocks of one size. `open` is the first slab of the list of those that have room.
struct Class {
    locked: AtomicBool,
    open: UnsafeCell<*mut Slab>,
}

/// All classes of one process.
struct Set([Class; SIZES.len()]);

// SAFETY: `open` and the slabs in its list are only changed under the lock of the class.
unsafe impl Sync for Set {}

static FIRST: Set =
    Set([const { Class { locked: AtomicBool::new(false), open: UnsafeCell::new(null_mut()) } }; SIZES.len()]);
static CURRENT: AtomicPtr<Set> = AtomicPtr::new(std::ptr::addr_of!(FIRST).cast_mut());

/// Starts with an empty set of slabs. A forked child calls this. It does not use the inherited slabs, because another
/// thread of the parent may have been changing them during the fork.
pub fn begin_generation() {
    // Larger than the blocks that the C library caches for a thread, so that freeing it gives the memory back.
    let size = size_of::<Set>().max(2 * LARGEST);
    // SAFETY: all zeros are free locks and empty lists.
    let set = unsafe { libc::calloc(1, size) }.cast::<u8>();
    if !set.is_null() {
        TABLE.list(set);
    }
    CURRENT.store(set.cast(), Release);
}

/// Runs `call` under the lock of a class. Returns `None` if the lock stays held: its holder was interrupted by a signal
/// handler that allocates, or this is a forked child and a thread of its parent held it.
fn locked<R>(class: usize, call: impl FnOnce(&mut *mut Slab) -> R) -> Option<R> {
    const TRIES: u32 = 2_000;
    // SAFETY: only descendants free a set, and no code in them uses it.
    let set = unsafe { CURRENT.load(Acquire).as_ref() }?;
    let class = set.0.get(class)?;
    for round in 0..TRIES {
        if class.locked.compare_exchange(false, true, Acquire, Relaxed).is_ok() {
            // SAFETY: the lock is ours.
            let result = call(unsafe { &mut *class.open.get() });
            class.locked.store(false, Release);
            return Some(result);
        }
        if round < 100 {
            std::hint::spin_loop();
        } else {
            super::super::yield_now();
        }
    }
    None
}

/// Returns a block of at least `size` bytes, aligned to 16. `None` if `size` is above [`LARGEST`], the class stays
/// locked, or there is no memory; the caller then asks the C library.
pub fn take(size: usize) -> Option<*mut u8> {
    let class = SIZES.iter().position(|&most| size <= most)?;
    locked(class, |open| {
        if open.is_null() {
            *open = new_slab(class)?;
        }
        // SAFETY: a slab in the list is initialised, and only used under the lock.
        let slab = unsafe { &mut **open };
        let block = if slab.freed.is_null() {
            let fresh = slab.fresh;
            slab.fresh += SIZES[class];
            // SAFETY: within the slab, since it has room.
            unsafe { (*open).cast::<u8>().add(fresh) }
        } else {
            let block = slab.freed;
            // SAFETY: a freed block holds the address of the next one.
            slab.freed = unsafe { block.read() }.cast();
            block.cast()
        };
        slab.used += 1;
        if !slab.has_room() {
            // SAFETY: as above.
            unsafe { unlink(open, slab) };
        }
        Some(block)
    })?
}

/// Gives a block back to its slab. Unmaps the slab if no block of it is used any more, unless it is the only one of its
/// class with room. Does nothing if an ancestor allocated the block: descendants unmap that slab as a whole. The block
/// leaks if the class stays locked.
///
/// # Safety
/// `block` came from [`take`], and no code uses it any more.
pub unsafe fn give(block: *mut u8) {
    let slab = block.wrapping_sub(block as usize % SLAB).cast::<Slab>();
    // SAFETY: a slab stays mapped while one of its blocks is in use. These two fields never change.
    let (of, class) = unsafe { ((*slab).generation, (*slab).class) };
    if of != generation() {
        return;
    }
    locked(class, |open| {
        // SAFETY: under the lock. The slab is in the list if it has room.
        unsafe {
            let had_room = (*slab).has_room();
            block.cast::<*mut u8>().write((*slab).freed.cast());
            (*slab).freed = block.cast();
            (*slab).used -= 1;
            if !had_room {
                link(open, slab);
            }
            // The only slab with room is kept for the next block.
            let alone = *open == slab && (*slab).next.is_null();
            if (*slab).used == 0 && !alone {
                unlink(open, slab);
                TABLE.empty((*slab).place);
                unmap(slab.cast());
            }
        }
    });
}

/// Returns the size of the block that [`take`] returns for `size`.
pub fn size_of_block(size: usize) -> usize {
    SIZES.iter().copied().find(|&most| size <= most).unwrap_or(size)
}

fn new_slab(class: usize) -> Option<*mut Slab> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a fresh mapping. All of it but an aligned part is unmapped at once.
    unsafe {
        let memory = libc::mmap(null_mut(), 2 * SLAB, protection, flags, -1, 0);
        if memory == libc::MAP_FAILED {
            return None;
        }
        let before = (SLAB - memory as usize % SLAB) % SLAB;
        let slab = memory.cast::<u8>().add(before);
        if before > 0 {
            libc::munmap(memory, before);
        }
        libc::munmap(slab.add(SLAB).cast(), SLAB - before);
        // Addresses of slabs and blocks are even. The lowest bit marks a slab in the table.
        let Some(place) = TABLE.list(slab.wrapping_add(1)) else {
            unmap(slab);
            return None;
        };
        let slab = slab.cast::<Slab>();
        slab.write(Slab {
            generation: generation(),
            place,
            class,
            freed: null_mut(),
            fresh: size_of::<Slab>(),
            used: 0,
            next: null_mut(),
            before: null_mut(),
        });
        Some(slab)
    }
}

/// Unmaps a slab.
///
/// # Safety
/// No code uses it any more.
pub unsafe fn unmap(slab: *mut u8) {
    // SAFETY: by the caller.
    unsafe { libc::munmap(slab.cast(), SLAB) };
}

/// # Safety
/// The class is locked, and the slab is in none of its lists.
unsafe fn link(open: &mut *mut Slab, slab: *mut Slab) {
    // SAFETY: by the caller.
    unsafe {
        (*slab).next = *open;
        (*slab).before = null_mut();
        if !(*open).is_null() {
            (**open).before = slab;
        }
    }
    *open = slab;
}

/// # Safety
/// The class is locked, and the slab is in its list.
unsafe fn unlink(open: &mut *mut Slab, slab: *mut Slab) {
    // SAFETY: by the caller.
    unsafe {
        let (before, next) = ((*slab).before, (*slab).next);
        if before.is_null() {
            *open = next;
        } else {
            (*before).next = next;
        }
        if !next.is_null() {
            (*next).before = before;
        }
        ((*slab).before, (*slab).next) = (null_mut(), null_mut());
    }
}
