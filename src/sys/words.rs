//! Memory that another process can read: words in a memory file.

use super::descriptor::Descriptor;
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::AtomicU64;

/// Maps words that another process of the same user can read through the descriptor: a memfd of this name, which exec
/// closes. It is sealed, so that no process can shorten it while another one writes to it. Without memfd, returns words
/// without a descriptor; without memory, `None`. The words are never unmapped in the process that mapped them.
///
/// Only the first `now` words have memory from the beginning. [`reserve_words`] gets memory for others before they are
/// used.
pub fn shared_words(name: &CStr, count: usize, now: usize) -> Option<(&'static [AtomicU64], Option<Descriptor>)> {
    let file = memory_file(name, count * 8, now * 8).ok();
    // SAFETY: a fresh mapping that is never unmapped; zeros are atomics, and a page is aligned for them. The seals keep
    // the file as long as the mapping.
    unsafe {
        let (protection, anonymous) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let map = |flags, fd| match libc::mmap(std::ptr::null_mut(), count * 8, protection, flags, fd, 0) {
            libc::MAP_FAILED => None,
            memory => Some(std::slice::from_raw_parts(memory.cast::<AtomicU64>(), count)),
        };
        let mapped = file.and_then(|file| map(libc::MAP_SHARED, file.fd().ok()?).map(|words| (words, Some(file))));
        mapped.or_else(|| map(anonymous, -1).map(|words| (words, None)))
    }
}

/// Unmaps words that [`shared_words`] mapped in an ancestor of this process.
///
/// No code may use them any more: the caller must have the last reference.
pub fn unmap_inherited_words(words: &'static [AtomicU64]) {
    // SAFETY: a whole mapping of `shared_words`, which no thread of this process uses: all of them were started after
    // the fork of a child of the process that made it.
    unsafe { libc::munmap(words.as_ptr().cast_mut().cast(), size_of_val(words)) };
}

/// Gets memory for words of [`shared_words`], which are whole pages. Returns false if the system gives none: a page that
/// it cannot give later, when it is written to, would end the host by a signal. `file`: the memory file and the offset
/// of the words in it, unless there is none or the host has closed its descriptor.
pub fn reserve_words(words: &'static [AtomicU64], file: Option<(RawFd, usize)>) -> bool {
    let bytes = size_of_val(words);
    // SAFETY: the words stay mapped, and the call changes none of them.
    let populated = unsafe { libc::madvise(words.as_ptr().cast_mut().cast(), bytes, libc::MADV_POPULATE_WRITE) } == 0;
    // Kernels before 5.14 do not know that.
    populated
        || file.is_some_and(|(file, at)| {
            let usual = rustix::fs::FallocateFlags::KEEP_SIZE;
            // SAFETY: used for this call only. If the host closes it meanwhile, the kernel refuses the call.
            let file = unsafe { BorrowedFd::borrow_raw(file) };
            rustix::fs::fallocate(file, usual, at as u64 * 8, bytes as u64).is_ok()
        })
}

fn memory_file(name: &CStr, size: usize, now: usize) -> io::Result<Descriptor> {
    let usual = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 refuse the flag that they do not know.
    let made = rustix::fs::memfd_create(name, usual | MemfdFlags::NOEXEC_SEAL);
    let file = Descriptor::keep(made.or_else(|_| rustix::fs::memfd_create(name, usual))?)?;
    // Beyond that limit the kernel does not refuse but sends a signal that ends the host.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    if limit.is_some_and(|limit| limit < size as u64) {
        return Err(Errno::FBIG.into());
    }
    rustix::fs::ftruncate(file.borrowed()?, size as u64)?;
    // Now: a page that cannot be had later, when it is written to, would be a signal as well.
    rustix::fs::fallocate(file.borrowed()?, rustix::fs::FallocateFlags::KEEP_SIZE, 0, now as u64)?;
    rustix::fs::fcntl_add_seals(file.borrowed()?, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file)
}
