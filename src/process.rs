//! How this process tells itself from its parent. What a process holds hangs from one word in a page that the kernel
//! wipes in a child (`MADV_WIPEONFORK`), so that one load per call notices a fork, after `_Fork` and a raw `clone` too.
//! A child's first call makes fresh state from its parent's, which it reads, but never writes, locks or frees. What is
//! older than the parent is freed as a whole (`crate::sys::free_older_generations`). What the state is, is
//! `crate::tracer::state`'s.

use crate::sys;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::*};
use std::sync::{Arc, Mutex, Once, PoisonError};

/// Something that a process has one of, made at its first use, and made anew in a forked child. For a static.
pub struct PerProcess<T: 'static> {
    /// Points to the word: in its page, or `unwiped`; null before the first use.
    word: AtomicPtr<AtomicPtr<T>>,
    /// The word where the kernel cannot wipe pages.
    unwiped: AtomicPtr<T>,
    /// What was made last, in this process or, in a child before its first call, in its parent.
    last: AtomicPtr<T>,
}

/// Stands in the word while a thread makes the value.
const IN_THE_MAKING: usize = 1;

// A default would be of no use: a static needs the constant function.
#[allow(clippy::new_without_default)]
impl<T: Sync> PerProcess<T> {
    /// Nothing yet.
    pub const fn new() -> PerProcess<T> {
        PerProcess {
            word: AtomicPtr::new(std::ptr::null_mut()),
            unwiped: AtomicPtr::new(std::ptr::null_mut()),
            last: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// The value, if this process has made one. It lives as long as the process.
    #[inline]
    pub fn get(&'static self) -> Option<&'static T> {
        // SAFETY: the word is in a page that is never unmapped, or in `self`; no value is freed in its own process.
        unsafe {
            let value = self.word.load(Acquire).as_ref()?.load(Acquire);
            (value as usize > IN_THE_MAKING).then(|| &*value)
        }
    }

    /// The value; `make` makes it, from what was inherited in a forked child.
    #[cold]
    pub fn get_or_make(&'static self, make: impl Fn(Option<&T>) -> T) -> &'static T {
        let (word, in_the_making) = (self.mapped_word(), IN_THE_MAKING as *mut T);
        loop {
            match word.compare_exchange(std::ptr::null_mut(), in_the_making, AcqRel, Acquire) {
                Ok(_) => {
                    let unfinished = Unfinished(word);
                    // SAFETY: a child does not free its parent's value, and nobody in it writes to that.
                    let value = Box::into_raw(Box::new(make(unsafe { self.last.load(Acquire).as_ref() })));
                    std::mem::forget(unfinished);
                    self.last.store(value, Release);
                    word.store(value, Release);
                    // SAFETY: as in `get`.
                    return unsafe { &*value };
                }
                Err(made) if made == in_the_making => sys::yield_now(),
                // SAFETY: as in `get`.
                Err(made) => return unsafe { &*made },
            }
        }
    }

    /// Forgets the value if it is `stale`, for hosts that fork in a way that nothing else could notice.
    pub fn forget_if(&'static self, stale: impl Fn(&T) -> bool) {
        if self.get().is_some_and(&stale) {
            let last = self.last.load(Acquire);
            let _ = self.mapped_word().compare_exchange(last, std::ptr::null_mut(), AcqRel, Acquire);
        }
    }

    /// The word, in a page mapped by whoever comes first.
    fn mapped_word(&'static self) -> &'static AtomicPtr<T> {
        let none = std::ptr::null_mut();
        if self.word.load(Acquire).is_null() {
            let page = map_wiped_page().map_or_else(|| self.keep_unwiped(), |page| page.cast());
            if self.word.compare_exchange(none, page, AcqRel, Acquire).is_err() {
                unmap_page(page.cast(), std::ptr::addr_of!(self.unwiped).cast());
            }
        }
        // SAFETY: as in `get`.
        unsafe { &*self.word.load(Acquire) }
    }

    fn keep_unwiped(&'static self) -> *mut AtomicPtr<T> {
        static ONCE: Once = Once::new();
        let word = std::ptr::addr_of!(self.unwiped).cast_mut();
        UNWIPED.store(word.cast(), Release);
        // SAFETY: the handler does what a handler after fork may do: one store.
        ONCE.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(wipe_by_hand));
        });
        word
    }
}

const PAGE: usize = 4096;

/// A page that a forked child finds zeroed; none where the kernel is older than 4.14.
fn map_wiped_page() -> Option<*mut libc::c_void> {
    // SAFETY: a fresh private mapping, known to nobody else.
    unsafe {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let page = libc::mmap(std::ptr::null_mut(), PAGE, protection, flags, -1, 0);
        if page == libc::MAP_FAILED {
            return None;
        }
        if libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) == 0 {
            return Some(page);
        }
        libc::munmap(page, PAGE);
        None
    }
}

fn unmap_page(page: *mut libc::c_void, unless: *const libc::c_void) {
    if page.cast_const() != unless {
        // SAFETY: mapped just now by a thread that lost the race, and known to nobody else.
        unsafe { libc::munmap(page, PAGE) };
    }
}

/// The word that the handler wipes; the library has one value per process, so one word is enough.
static UNWIPED: AtomicPtr<AtomicPtr<()>> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn wipe_by_hand() {
    // SAFETY: the word is part of a static.
    if let Some(word) = unsafe { UNWIPED.load(Acquire).as_ref() } {
        word.store(std::ptr::null_mut(), Release);
    }
}

/// Puts the word back if making the value panics, so that the next caller tries again instead of waiting for ever.
struct Unfinished<T: 'static>(&'static AtomicPtr<T>);

impl<T> Drop for Unfinished<T> {
    fn drop(&mut self) {
        self.0.store(std::ptr::null_mut(), Release);
    }
}

/// A value that a forked child can copy although another thread may have been changing it when the fork came: what is
/// published is complete, and a child reads it without the lock.
#[derive(Debug)]
pub struct Inheritable<T> {
    owned: Mutex<Option<Arc<T>>>,
    published: AtomicPtr<T>,
    /// The process that owns the value.
    pid: AtomicU32,
}

impl<T> Default for Inheritable<T> {
    fn default() -> Inheritable<T> {
        let published = AtomicPtr::new(std::ptr::null_mut());
        Inheritable { owned: Mutex::new(None), published, pid: AtomicU32::new(sys::pid()) }
    }
}

impl<T: Clone> Inheritable<T> {
    /// The value, for the process that set it.
    pub fn get(&self) -> Option<Arc<T>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value.
    pub fn set(&self, value: Option<T>) {
        let value = value.map(Arc::new);
        let pointer = value.as_ref().map_or(std::ptr::null(), Arc::as_ptr);
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        self.published.store(pointer.cast_mut(), Release);
        drop(std::mem::replace(&mut *owned, value));
    }

    /// In a forked child: a copy of what the parent had set. Nothing in the process that owns the value.
    pub fn inherited(&self) -> Option<T> {
        if self.pid.load(Relaxed) == sys::pid() {
            return None;
        }
        // SAFETY: what is published is complete; in a child, whose threads have all come into being after the fork,
        // nobody frees it.
        unsafe { self.published.load(Acquire).as_ref() }.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn all_threads_get_the_one_value() {
        static VALUE: PerProcess<u64> = PerProcess::new();
        static MADE: AtomicUsize = AtomicUsize::new(0);
        assert!(VALUE.get().is_none());
        let make = |inherited: Option<&u64>| {
            assert!(inherited.is_none());
            std::thread::sleep(std::time::Duration::from_millis(20));
            MADE.fetch_add(1, Relaxed) as u64 + 7
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(move || *VALUE.get_or_make(make))).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 7));
        assert_eq!((VALUE.get(), MADE.load(Relaxed)), (Some(&7), 1));
    }

    #[test]
    fn a_panic_while_making_leaves_the_next_caller_a_chance() {
        static VALUE: PerProcess<u64> = PerProcess::new();
        let failed = std::panic::catch_unwind(|| VALUE.get_or_make(|_| panic!("no")));
        assert!(failed.is_err() && VALUE.get().is_none());
        assert_eq!(*VALUE.get_or_make(|_| 3), 3);
    }

    #[test]
    fn a_child_gets_fresh_state_and_copies_what_it_may_keep() {
        static VALUE: PerProcess<u64> = PerProcess::new();
        VALUE.get_or_make(|_| 1);
        let settings = Inheritable::default();
        settings.set(Some(vec![1, 2]));
        assert_eq!((settings.get().as_deref(), settings.inherited()), (Some(&vec![1, 2]), None));
        // SAFETY: the child calls nothing but what is tested, and _exit.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                let fresh =
                    VALUE.get().is_none() && *VALUE.get_or_make(|inherited| inherited.map_or(0, |n| n + 1)) == 2;
                libc::_exit(i32::from(!(fresh && settings.inherited() == Some(vec![1, 2]))));
            }
            let mut status = -1;
            libc::waitpid(child, &mut status, 0);
            assert_eq!(status, 0);
        }
        assert_eq!(VALUE.get(), Some(&1));
    }
}
