//! The library's allocator. It keeps memory bounded however deep processes fork. A forked child inherits memory that no
//! code in it will ever free, such as blocks held by the parent's threads, which do not exist in the child. The child
//! cannot free its parent's memory, because it may still use some of it. It frees all memory of its grandparent and of
//! older ancestors at once, whatever state that memory is in.
//!
//! Large blocks come from the C library, small ones from slabs ([`slab`]). A table lists both ([`places`]).
//!
//! Only the shared and the static library use this allocator. In a Rust program it would also be the program's, and
//! would free the program's memory.
//!
//! A rule for all other code: after a forked child has copied what it keeps, it uses no block that its parent
//! allocated, except those allocated within [`outliving`]. A block that a static refers to must be one of these.
//! (`ureq` has a static `String` for an encoding that the library does not request. It is empty, so its block, if any,
//! is never read.)

mod places;
mod slab;

use super::generation::generation;
use places::TABLE;
use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::*};

#[cfg(all(any(spanwire_shared, spanwire_static), not(spanwire_sanitized)))]
#[global_allocator]
static ALLOCATOR: Heap = Heap;

/// Number of bytes reserved in front of each block. They hold the number of its place, or one of the next two values.
const HEAD: usize = 16;
/// Marks a block without a place. Its owner frees it; descendants never do.
const UNLISTED: u32 = u32::MAX;
/// Marks a block of a slab.
const IN_SLAB: u32 = u32::MAX - 1;

/// Number of threads that are inside [`outliving`]. While it is not 0, blocks that any thread allocates get no place.
static OUTLIVING: AtomicU32 = AtomicU32::new(0);

/// Runs `make`. Descendants of this process do not free the blocks that it allocates, so they can go on using them.
pub fn outliving<R>(make: impl FnOnce() -> R) -> R {
    struct Ended(u32);
    impl Drop for Ended {
        fn drop(&mut self) {
            // A child that was forked meanwhile has reset the count to 0.
            if self.0 == generation() {
                OUTLIVING.fetch_sub(1, Relaxed);
            }
        }
    }
    OUTLIVING.fetch_add(1, Relaxed);
    let _ended = Ended(generation());
    make()
}

/// Starts a new generation. A forked child calls this before it allocates anything.
pub(super) fn begin_generation() {
    OUTLIVING.store(0, Relaxed);
    slab::begin_generation();
}

/// Frees everything that ancestors older than the parent allocated. A forked child calls this after it has copied what
/// it keeps from its parent. Does nothing on a thread that the library started, which exists here if a callback of the
/// host forked on it: when the callback returns, that thread goes on using memory of the process that started it.
pub fn free_older_generations() {
    if super::is_our_thread() {
        return;
    }
    let Some(oldest_kept) = generation().checked_sub(1) else { return };
    for number in 0..TABLE.used.load(Acquire) {
        let Some(place) = TABLE.place(number) else { continue };
        let block = place.block.load(Acquire);
        if block.is_null() || place.generation.load(Relaxed) >= oldest_kept {
            continue;
        }
        TABLE.empty(number);
        // SAFETY: allocated by an ancestor, whose threads do not exist here. Not freed yet: its place would be empty.
        unsafe {
            match block as usize % 2 {
                0 => libc::free(block.cast()),
                _ => slab::unmap(block.wrapping_sub(1)),
            }
        }
    }
}

/// Enters a block of the C library's allocator in the table and writes its head. Returns the address for the caller, or
/// null if `block` is null.
///
/// # Safety
/// `block` is null, or points to a block with `offset` bytes, at least [`HEAD`], in front of the caller's part.
unsafe fn list(block: *mut u8, offset: usize) -> *mut u8 {
    if block.is_null() {
        return block;
    }
    let number = if OUTLIVING.load(Relaxed) > 0 { None } else { TABLE.list(block) };
    // SAFETY: by the caller.
    unsafe { with_head(block, offset, number.unwrap_or(UNLISTED)) }
}

/// Writes a block's head. Returns the address for the caller.
///
/// # Safety
/// As for [`list`], and `block` is not null.
unsafe fn with_head(block: *mut u8, offset: usize, head: u32) -> *mut u8 {
    // SAFETY: by the caller.
    unsafe {
        let given = block.add(offset);
        given.sub(HEAD).cast::<u32>().write(head);
        given
    }
}

/// Returns a block's head.
///
/// # Safety
/// `given` came from [`with_head`].
unsafe fn head_of(given: *mut u8) -> u32 {
    // SAFETY: by the caller.
    unsafe { given.sub(HEAD).cast::<u32>().read() }
}

/// Returns the number of bytes in front of the caller's part of a block.
fn offset(layout: Layout) -> usize {
    layout.align().max(HEAD)
}

/// Returns a block from a slab, or `None` if the request is not one for slabs: too large, aligned to more than [`HEAD`]
/// bytes, or made while a thread is inside [`outliving`]. Also `None` if the slab gives none. `size` includes the head.
fn small(size: usize, offset: usize) -> Option<*mut u8> {
    if size > slab::LARGEST || offset != HEAD || OUTLIVING.load(Relaxed) > 0 {
        return None;
    }
    let block = slab::take(size)?;
    // SAFETY: it has room for its head.
    Some(unsafe { with_head(block, HEAD, IN_SLAB) })
}

/// The allocator; see the module.
pub struct Heap;

// SAFETY: every block is aligned as requested, and has room for its head. A block's place is emptied before the block
// is freed. In the process that allocated the block, only the block's owner empties its place.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let offset = offset(layout);
        let Some(size) = layout.size().checked_add(offset) else { return null_mut() };
        if let Some(given) = small(size, offset) {
            return given;
        }
        // SAFETY: the block has `size` bytes, of which `offset` are in front of the caller's part.
        unsafe {
            if offset == HEAD {
                return list(libc::malloc(size).cast(), offset);
            }
            let mut block = null_mut();
            let failed = libc::posix_memalign(&mut block, layout.align(), size) != 0;
            list(if failed { null_mut() } else { block.cast() }, offset)
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let offset = offset(layout);
        let Some(size) = layout.size().checked_add(offset) else { return null_mut() };
        if offset == HEAD && size > slab::LARGEST {
            // SAFETY: as in `alloc`. `calloc` does not touch fresh pages, which are zero already.
            return unsafe { list(libc::calloc(size, 1).cast(), offset) };
        }
        // SAFETY: by the caller; the block has at least that many bytes.
        unsafe {
            let given = self.alloc(layout);
            if !given.is_null() {
                given.write_bytes(0, layout.size());
            }
            given
        }
    }

    unsafe fn dealloc(&self, given: *mut u8, layout: Layout) {
        // SAFETY: by the caller, `given` came from here with this layout.
        unsafe {
            match head_of(given) {
                IN_SLAB => return slab::give(given.sub(HEAD)),
                UNLISTED => {}
                number => TABLE.empty(number),
            }
            libc::free(given.sub(offset(layout)).cast());
        }
    }

    unsafe fn realloc(&self, given: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: by the caller, `given` came from here with this layout, and the size is not 0.
        unsafe {
            let head = head_of(given);
            let fits = |block: usize| size.saturating_add(HEAD) <= block && size * 4 >= block;
            if head == IN_SLAB && fits(slab::size_of_block(layout.size() + HEAD)) {
                return given;
            }
            let stays_large = size.saturating_add(HEAD) > slab::LARGEST && offset(layout) == HEAD;
            if head == IN_SLAB || !stays_large {
                let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
                if !new.is_null() {
                    new.copy_from_nonoverlapping(given, size.min(layout.size()));
                    self.dealloc(given, layout);
                }
                return new;
            }
            let (block, Some(size)) = (given.sub(HEAD), size.checked_add(HEAD)) else { return null_mut() };
            let place = TABLE.place(head).filter(|_| head != UNLISTED);
            let set = |to| place.map_or((), |place| place.block.store(to, Release));
            // The place is empty during `realloc`. A child forked at this moment leaks the block, but frees none twice.
            set(null_mut());
            let new = libc::realloc(block.cast(), size).cast::<u8>();
            if new.is_null() {
                set(block);
                return new;
            }
            set(new);
            new.add(HEAD)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).expect("a layout")
    }

    #[test]
    fn blocks_are_aligned_zeroed_and_keep_their_content_when_they_grow_and_shrink() {
        for align in [1, 8, 16, 32, 128, 4096] {
            for sizes in [[1, 100_000, 1], [100, 300, 10], [1_000, 1_100, 1_000], [5_000, 80, 900], [24, 30, 31]] {
                let mut least = sizes[0];
                // SAFETY: used within their sizes, and freed once.
                unsafe {
                    let mut given = Heap.alloc_zeroed(layout(sizes[0], align));
                    assert!((0..sizes[0]).all(|n| given.add(n).read() == 0));
                    given.write_bytes(7, sizes[0]);
                    for pair in sizes.windows(2) {
                        given = Heap.realloc(given, layout(pair[0], align), pair[1]);
                        least = least.min(pair[1]);
                        assert!((given as usize).is_multiple_of(align) && (0..least).all(|n| given.add(n).read() == 7));
                    }
                    Heap.dealloc(given, layout(sizes[2], align));
                }
            }
        }
    }

    #[test]
    fn no_two_blocks_overlap_while_threads_allocate_and_free() {
        std::thread::scope(|scope| {
            for thread in 1..=4u8 {
                scope.spawn(move || {
                    let mut held: Vec<(*mut u8, Layout)> = Vec::new();
                    let mut seed = u64::from(thread);
                    for round in 0..30_000 {
                        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                        let size = 1 + (seed >> 40) as usize % if round % 50 == 0 { 5_000 } else { 1_200 };
                        let of = layout(size, if round % 97 == 0 { 64 } else { 8 });
                        // SAFETY: used within their sizes, and freed once.
                        unsafe {
                            let given = Heap.alloc(of);
                            given.write_bytes(thread, size);
                            held.push((given, of));
                            if held.len() > 500 {
                                let (given, of) = held.swap_remove((seed >> 20) as usize % held.len());
                                assert!((0..of.size()).all(|n| given.add(n).read() == thread));
                                Heap.dealloc(given, of);
                            }
                        }
                    }
                    for (given, of) in held {
                        // SAFETY: as above.
                        unsafe {
                            assert!((0..of.size()).all(|n| given.add(n).read() == thread));
                            Heap.dealloc(given, of);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn places_and_slabs_are_used_again_and_what_outlives_forks_has_none() {
        let of = layout(2_000, 8);
        let used = || TABLE.used.load(Relaxed);
        let round = |size: usize| {
            // SAFETY: each block is freed once.
            let blocks: Vec<_> = (0..5_000).map(|_| unsafe { Heap.alloc(layout(size, 8)) }).collect();
            // SAFETY: as above.
            blocks.into_iter().for_each(|given| unsafe { Heap.dealloc(given, layout(size, 8)) });
        };
        round(2_000);
        round(100);
        let before = used();
        (0..5).for_each(|_| [2_000, 100].into_iter().for_each(round));
        assert!(used() < before + 2_500, "{} places more", used() - before);
        // SAFETY: as above.
        unsafe {
            let kept = outliving(|| Heap.alloc(of));
            assert_eq!(head_of(kept), UNLISTED);
            Heap.dealloc(kept, of);
        }
    }
}
