//! Notices forks. The pointer to all state of a process lies in a page that the kernel wipes in a child
//! (`MADV_WIPEONFORK`), so that one load per call notices a fork, also after `_Fork` and a raw `clone`. The first call
//! in a child makes fresh state from its parent's. It reads the parent's state, but never writes, locks or frees it.
//! State older than the parent's is freed as a whole (`crate::sys::free_older_generations`). `crate::tracer::state`
//! defines the state.

use crate::sys;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::*};
use std::sync::{Arc, Mutex, Once, PoisonError};

/// A value of which each process has one, made at its first use, and again in a forked child. Meant for a static.
pub struct PerProcess<T: 'static> {
    /// Points to the word that points to the value. The word is in a wiped page, or is `unwiped`. Null before the first
    /// use.
    word: AtomicPtr<AtomicPtr<T>>,
    /// The word if the kernel cannot wipe pages.
    unwiped: AtomicPtr<T>,
    /// The value that was made last: in this process, or, in a child before its first call, in its parent.
    last: AtomicPtr<T>,
}

/// The content of the word while a thread makes the value.
const IN_THE_MAKING: usize = 1;

// A default would be of no use: a static needs the constant function.
#[allow(clippy::new_without_default)]
impl<T: Sync> PerProcess<T> {
    /// Returns an empty holder.
    pub const fn new() -> PerProcess<T> {
        PerProcess {
            word: AtomicPtr::new(std::ptr::null_mut()),
            unwiped: AtomicPtr::new(std::ptr::null_mut()),
            last: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Returns the value if this process has made one. It lives as long as the process.
    #[inline]
    pub fn get(&'static self) -> Option<&'static T> {
        // SAFETY: the word is in a page that is never unmapped, or in `self`; no value is freed in its own process.
        unsafe {
            let value = self.word.load(Acquire).as_ref()?.load(Acquire);
            (value as usize > IN_THE_MAKING).then(|| &*value)
        }
    }

    /// Returns the value. If this process has none, `make` makes it; in a forked child it gets the parent's value.
    #[cold]
    pub fn get_or_make(&'static self, make: impl Fn(Option<&T>) -> T) -> &'static T {
        let (word, in_the_making) = (self.mapped_word(), IN_THE_MAKING as *mut T);
        loop {
            match word.compare_exchange(std::ptr::null_mut(), in_the_making, AcqRel, Acquire) {
                Ok(_) => {
                    let unfinished = Unfinished(word);
                    // SAFETY: a child does not free its parent's value, and no thread of the child writes to it.
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

    /// Forgets the value if it is `stale`. For hosts that fork in a way that leaves the word unwiped.
    pub fn forget_if(&'static self, stale: impl Fn(&T) -> bool) {
        if self.get().is_some_and(&stale) {
            let last = self.last.load(Acquire);
            let _ = self.mapped_word().compare_exchange(last, std::ptr::null_mut(), AcqRel, Acquire);
        }
    }

    /// Returns the word; the first thread that needs it maps its page.
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

    /// Uses a word outside a wiped page, which a fork handler clears.
    fn keep_unwiped(&'static self) -> *mut AtomicPtr<T> {
        static ONCE: Once = Once::new();
        let word = std::ptr::addr_of!(self.unwiped).cast_mut();
        UNWIPED.store(word.cast(), Release);
        // SAFETY: the handler only stores one word, which is allowed after a fork.
        ONCE.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(wipe_by_hand));
        });
        word
    }
}

const PAGE: usize = 4096;

/// Maps a page that is zero in a forked child. `None` on kernels before 4.14.
fn map_wiped_page() -> Option<*mut libc::c_void> {
    // SAFETY: a fresh private mapping, which no other code knows.
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

/// Unmaps a page, unless it is `unless`.
fn unmap_page(page: *mut libc::c_void, unless: *const libc::c_void) {
    if page.cast_const() != unless {
        // SAFETY: mapped by this thread, which lost the race, and no other code knows it.
        unsafe { libc::munmap(page, PAGE) };
    }
}

/// The word that the fork handler clears. The library has one value per process, so one word is enough.
static UNWIPED: AtomicPtr<AtomicPtr<()>> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn wipe_by_hand() {
    // SAFETY: the word is part of a static.
    if let Some(word) = unsafe { UNWIPED.load(Acquire).as_ref() } {
        word.store(std::ptr::null_mut(), Release);
    }
}

/// Clears the word if making the value panics, so that the next caller tries again instead of waiting forever.
struct Unfinished<T: 'static>(&'static AtomicPtr<T>);

impl<T> Drop for Unfinished<T> {
    fn drop(&mut self) {
        self.0.store(std::ptr::null_mut(), Release);
    }
}

/// The word with the generation of this process, in a wiped page or `UNWIPED_GENERATION`. Null before the first use.
static GENERATION: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// The last generation that was assigned, in this process or in one of its ancestors. A child inherits it.
static LAST_GENERATION: AtomicU32 = AtomicU32::new(0);

/// Marks that the kernel cannot wipe pages.
static UNWIPED_GENERATION: AtomicU32 = AtomicU32::new(0);

/// Returns a number that distinguishes this process from its ancestors. A pid does not: a child that is the first
/// process of a new pid namespace has pid 1, as its parent may have. Where the kernel cannot wipe pages, this is the
/// pid.
#[inline]
pub fn generation() -> u32 {
    let word = GENERATION.load(Acquire);
    if word.is_null() || std::ptr::eq(word, &UNWIPED_GENERATION) {
        return make_generation();
    }
    // SAFETY: the page is never unmapped.
    match unsafe { &*word }.load(Acquire) {
        0 => make_generation(),
        generation => generation,
    }
}

/// The process that makes a call, for finding out whether a callback of the host has forked it since.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The word that the kernel wipes in a child; `None` where it cannot.
    word: Option<&'static AtomicU32>,
    generation: u32,
}

impl Caller {
    /// This process.
    #[inline]
    pub fn new() -> Caller {
        let (generation, word) = (generation(), GENERATION.load(Acquire));
        let is_wiped = !word.is_null() && !std::ptr::eq(word, &UNWIPED_GENERATION);
        // SAFETY: the page is never unmapped.
        let word = if is_wiped { unsafe { word.as_ref() } } else { None };
        Caller { word, generation }
    }

    /// Whether this is still that process.
    #[inline]
    pub fn is_here(&self) -> bool {
        match self.word {
            Some(word) => word.load(Acquire) == self.generation,
            None => generation() == self.generation,
        }
    }
}

#[cold]
#[inline(never)]
fn make_generation() -> u32 {
    let unwiped = std::ptr::addr_of!(UNWIPED_GENERATION).cast_mut();
    if GENERATION.load(Acquire).is_null() {
        let page = map_wiped_page().map_or(unwiped, |page| page.cast());
        if GENERATION.compare_exchange(std::ptr::null_mut(), page, AcqRel, Acquire).is_err() {
            unmap_page(page.cast(), unwiped.cast_const().cast());
        }
    }
    let word = GENERATION.load(Acquire);
    if word == unwiped {
        return sys::pid();
    }
    // SAFETY: the page is never unmapped.
    let word = unsafe { &*word };
    match word.load(Acquire) {
        0 => {
            let next = LAST_GENERATION.fetch_add(1, AcqRel) + 1;
            word.compare_exchange(0, next, AcqRel, Acquire).map_or_else(|first| first, |_| next)
        }
        generation => generation,
    }
}

/// A value that a forked child can copy even if another thread was changing it at the moment of the fork. The published
/// value is always complete, and a child reads it without the lock.
#[derive(Debug)]
pub struct Inheritable<T> {
    owned: Mutex<Option<Arc<T>>>,
    published: AtomicPtr<T>,
    /// The generation of the process that owns the value.
    owner: u32,
}

impl<T> Default for Inheritable<T> {
    fn default() -> Inheritable<T> {
        let published = AtomicPtr::new(std::ptr::null_mut());
        Inheritable { owned: Mutex::new(None), published, owner: generation() }
    }
}

impl<T: Clone> Inheritable<T> {
    /// Returns the value. Only for the process that set it.
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

    /// Returns, in a forked child, a copy of the value that the parent set. `None` in the process that owns the value.
    pub fn inherited(&self) -> Option<T> {
        if self.owner == generation() {
            return None;
        }
        // SAFETY: the published value is complete. No thread of a child frees it, since all of them were started after
        // the fork.
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
        // SAFETY: the child calls only what is tested, and _exit.
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

    /// Forks, and returns the exit status of the child, which runs `child`.
    fn in_child(child: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child calls only what is tested, and _exit.
        unsafe {
            let pid = libc::fork();
            if pid == 0 {
                libc::_exit(child());
            }
            let mut status = -1;
            libc::waitpid(pid, &mut status, 0);
            if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                -1
            }
        }
    }

    #[test]
    fn a_child_with_the_pid_of_its_parent_inherits() {
        const NO_NAMESPACES: i32 = 77;
        // Makes the next child the first process of a new pid namespace.
        let unshare = || {
            // SAFETY: takes a number, in a process with one thread.
            unsafe {
                libc::unshare(libc::CLONE_NEWPID) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID) == 0
            }
        };
        let status = in_child(|| {
            if !unshare() {
                return NO_NAMESPACES;
            }
            in_child(|| {
                let settings = Inheritable::default();
                settings.set(Some(vec![1, 2]));
                if sys::pid() != 1 || settings.inherited().is_some() {
                    return 1;
                }
                if !unshare() {
                    return NO_NAMESPACES;
                }
                in_child(|| match sys::pid() {
                    1 if settings.inherited() == Some(vec![1, 2]) => 0,
                    1 => 2,
                    _ => 3,
                })
            })
        });
        if status == NO_NAMESPACES {
            eprintln!("skipped: this user may make no pid namespace");
            return;
        }
        assert_eq!(status, 0);
    }
}
