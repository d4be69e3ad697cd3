//! System calls behind safe functions: `rustix` where it has them, else `libc`.

mod descriptor;
pub mod environment;
#[cfg_attr(not(any(test, spanwire_shared)), allow(dead_code))]
mod errors;
mod generation;
#[cfg_attr(not(any(test, spanwire_shared, spanwire_static)), allow(dead_code))]
mod heap;
mod listener;
pub mod sixteen;
mod socket;
mod withheld;
mod words;

pub use descriptor::{close_inherited, is_taken, Descriptor, Taken, TAKEN_TRIES};
pub use heap::{free_older_generations, outliving};
pub use listener::{has_users_rights, read_own_memory, Listener, Rights};
pub use socket::{Connection, Event};
pub use words::{reserve_words, shared_words, unmap_inherited_words};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::{Errno, FdFlags, ReadWriteFlags};
use std::ffi::CStr;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, RawFd};
use std::path::Path;
use std::time::Duration;

/// What is opened and allocated from now on belongs to the process of this generation, counted from 1. For a forked
/// child, before it opens anything.
pub fn begin_generation(generation: u32) {
    generation::set_generation(generation);
    heap::begin_generation();
}

/// Returns bytes as text, if they are UTF-8. Most texts are short and ASCII, for which this takes less time than
/// `std::str::from_utf8`.
#[inline]
pub fn utf8(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes).ok()
}

/// Does the same with bytes that are given away. What is not UTF-8 is replaced.
pub fn into_utf8(bytes: Vec<u8>) -> String {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        return unsafe { String::from_utf8_unchecked(bytes) };
    }
    String::from_utf8(bytes).unwrap_or_else(|damaged| String::from_utf8_lossy(damaged.as_bytes()).into_owned())
}

/// Runs `call` and restores `errno`, which is the host's.
#[inline]
pub fn keep_errno<R>(call: impl FnOnce() -> R) -> R {
    // SAFETY: the C library gives every thread an errno, at one place as long as the thread lives.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { *errno };
    let result = call();
    // SAFETY: as above.
    unsafe { *errno = before };
    result
}

extern "C" {
    // Not in the libc crate.
    fn pthread_setcancelstate(state: libc::c_int, old: *mut libc::c_int) -> libc::c_int;
}
const PTHREAD_CANCEL_DISABLE: libc::c_int = 1;

/// Makes a row of values on the heap, one after the other: a first call may come on a small stack.
pub fn row_on_heap<T, const N: usize>(make: impl Fn() -> T) -> Box<[T; N]> {
    let row: Box<[T]> = (0..N).map(|_| make()).collect();
    // SAFETY: the slice has N elements, and so the layout of the array.
    unsafe { Box::from_raw(Box::into_raw(row).cast()) }
}

/// Runs `call` with cancellation of the calling thread disabled. The C library cancels a thread by unwinding it from a
/// cancellation point (`close`, `open`, …). Unwinding through our functions would end the process. Needed around every
/// call that may reach a cancellation point on a host's thread.
pub fn uncancelled<R>(call: impl FnOnce() -> R) -> R {
    /// Restores the state, also after a panic.
    struct Before(libc::c_int);
    impl Drop for Before {
        fn drop(&mut self) {
            // SAFETY: a state that the C library has given; the former one is not asked for.
            unsafe { pthread_setcancelstate(self.0, std::ptr::null_mut()) };
        }
    }
    let mut before = 0;
    // SAFETY: `before` is valid for the call.
    unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut before) };
    let _before = Before(before);
    call()
}

/// Returns the descriptor of this number, for one system call. The host may have closed the number at any time. Then
/// the call fails, or reaches a file that the host has opened since.
fn numbered(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: not -1. Nothing but the kernel uses it, which checks it; the callers of this module know that it may lead
    // elsewhere, and `descriptor` guards our own.
    unsafe { BorrowedFd::borrow_raw(if fd < 0 { RawFd::MAX } else { fd }) }
}

/// Returns the process id. Asks the kernel each time: a cached id would be wrong after a raw `clone`.
pub fn pid() -> u32 {
    std::process::id()
}

/// Returns the effective user id.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns the kernel's id of the calling thread.
pub fn thread_id() -> u32 {
    rustix::thread::gettid().as_raw_pid() as u32
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the call; both clocks in use exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    // A machine without a battery may begin before 1970.
    (time.tv_sec.max(0) as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Returns wall time in nanoseconds since 1970.
pub fn wall_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME)
}

/// Returns monotonic time in nanoseconds.
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// Fills `bytes` from the kernel's random source. If that fails, from clocks and addresses: an id that is unlikely to
/// collide is better than no trace.
pub fn random_bytes(bytes: &mut [u8]) {
    let got = rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::NONBLOCK);
    if got == Ok(bytes.len()) {
        return;
    }
    let mut seed = wall_ns() ^ (monotonic_ns().rotate_left(32)) ^ (thread_id() as u64) << 17 ^ bytes.as_ptr() as u64;
    for byte in bytes {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        *byte = (seed >> 56) as u8;
    }
}

thread_local! {
    static IS_OURS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Returns whether this thread is one of ours, or a forked child's copy of one: a callback of the host may fork.
pub fn is_our_thread() -> bool {
    IS_OURS.get()
}

/// Starts a detached thread of ours with every signal blocked, so that a host's handlers never run on it. A panic ends
/// the thread and nothing else. Does not use the standard library, which asks the loader for a symbol when
/// it starts a process's first thread: in a forked child, a lock of the loader may stay held.
pub fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    struct Start {
        name: &'static str,
        body: Box<dyn FnOnce() + Send>,
    }
    extern "C" fn run(start: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the one pointer that `spawn` has let go of for this thread.
        let start = unsafe { Box::from_raw(start.cast::<Start>()) };
        IS_OURS.set(true);
        let mut name = [0u8; 16];
        let length = start.name.len().min(15);
        name[..length].copy_from_slice(&start.name.as_bytes()[..length]);
        let _ = CStr::from_bytes_until_nul(&name).map(rustix::thread::set_name);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(start.body));
        std::ptr::null_mut()
    }
    let start = Box::into_raw(Box::new(Start { name, body: Box::new(body) }));
    // SAFETY: sets and attributes are valid for the calls; the caller's mask is put back before returning.
    let error = unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        match libc::pthread_attr_init(&mut attributes) {
            0 => {}
            error => {
                drop(Box::from_raw(start));
                return Err(io::Error::from_raw_os_error(error));
            }
        }
        libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let mut error = libc::EINVAL;
        // A host's thread-local variables lie on the stack too: where they leave too little of it, the call fails.
        for stack in [STACK, 8 * STACK, 64 * STACK] {
            libc::pthread_attr_setstacksize(&mut attributes, stack);
            let mut thread: libc::pthread_t = std::mem::zeroed();
            error = libc::pthread_create(&mut thread, &attributes, run, start.cast());
            if error != libc::EINVAL {
                break;
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        libc::pthread_attr_destroy(&mut attributes);
        if error != 0 {
            drop(Box::from_raw(start));
        }
        error
    };
    match error {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Gives the calling thread a table of descriptors of its own, which is empty. Nothing where the kernel cannot (before
/// 5.9). For a thread of ours that calls what opens and closes descriptors by itself.
pub fn leave_descriptors() {
    const CLOSE_RANGE_UNSHARE: libc::c_uint = 2;
    // SAFETY: takes integers only. The other threads keep theirs.
    unsafe { libc::syscall(libc::SYS_close_range, 0 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_UNSHARE) };
}
/// Bytes of stack for a thread of ours.
const STACK: usize = 512 * 1024;

/// Puts the calling thread under `SCHED_BATCH`: waking it then does not preempt the thread that woke it.
pub fn be_a_batch_thread() {
    // SAFETY: `param` is valid for the call; needs no privilege; failing changes nothing.
    unsafe {
        let param: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_BATCH, &param);
    }
}

/// Calls `write(2)` once, again after an interruption by a signal.
pub fn write_once(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(numbered(fd), bytes))?)
}

/// Writes to a pipe without waiting where the kernel can do so (6.4 and later), else as [`write_once`] does. For pipes
/// of the host, whose mode must not be changed.
pub fn write_without_waiting(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    /// The file's own position.
    const HERE: u64 = u64::MAX;
    match rustix::io::pwritev2(numbered(fd), &[io::IoSlice::new(bytes)], HERE, ReadWriteFlags::NOWAIT) {
        Err(error) if error != Errno::WOULDBLOCK => write_once(fd, bytes),
        wrote => Ok(wrote?),
    }
}

/// Sends to a socket without waiting, and without SIGPIPE.
pub fn send_without_waiting(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    socket::send(fd, bytes)
}

/// Reads a file, at most `max` bytes.
pub fn read_file(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    read_all(&Descriptor::open_to_read(path)?, max)
}

/// Reads the rest of an open file, at most `max` bytes. Reads into the heap: the calling thread's stack may be small.
pub fn read_all(from: &Descriptor, max: u64) -> io::Result<Vec<u8>> {
    const PART: usize = 4096;
    let (mut bytes, mut len) = (Vec::new(), 0);
    while (len as u64) < max {
        bytes.resize(len + PART.min((max - len as u64) as usize), 0);
        match from.file()?.read(&mut bytes[len..]) {
            Ok(0) => break,
            Ok(got) => len += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Reads a small text file of the system, such as those under /proc.
pub fn read_text(path: &str) -> io::Result<String> {
    const MOST: u64 = 1 << 20;
    Ok(String::from_utf8_lossy(&read_file(Path::new(path), MOST)?).into_owned())
}

/// Lists at most `max` names in a folder, without `.` and `..`.
pub fn names_in(folder: &Path, max: usize) -> io::Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let open = Descriptor::open(options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_NONBLOCK), folder)?;
    let (mut names, mut block) = (Vec::new(), Vec::with_capacity(32 * 1024));
    loop {
        // Made anew for each block that the kernel fills, so that the descriptor is checked before each call.
        let mut entries = rustix::fs::RawDir::new(open.borrowed()?, block.spare_capacity_mut());
        loop {
            let Some(entry) = entries.next() else { return Ok(names) };
            let name = entry?.file_name().to_bytes().to_vec();
            if !matches!(&*name, b"." | b".." | b"") {
                names.push(std::ffi::OsString::from_vec(name));
            }
            if names.len() >= max {
                return Ok(names);
            }
            if entries.is_buffer_empty() {
                break;
            }
        }
    }
}

/// Returns the machine words of a value, to find at which offsets a container has its pointer and length. Only for
/// values without padding, such as containers. Empty if the value is not aligned to words.
pub fn words_of<T>(value: &T) -> Vec<usize> {
    let words = std::ptr::from_ref(value).cast::<usize>();
    if !words.is_aligned() {
        return Vec::new();
    }
    // SAFETY: within the value, which is borrowed, and aligned.
    (0..size_of::<T>() / size_of::<usize>()).map(|n| unsafe { words.add(n).read() }).collect()
}

/// Returns device and inode of an open file, by which a replaced descriptor is noticed.
pub fn file_id(fd: RawFd) -> Option<(u64, u64)> {
    let status = rustix::fs::fstat(numbered(fd)).ok()?;
    Some((status.st_dev, status.st_ino))
}

/// Writes the calling thread's name to `name` and returns it: `main` for the process's first thread, else what the
/// kernel calls it.
pub fn thread_name(name: &mut [u8; 16]) -> &str {
    if thread_id() == pid() {
        return "main";
    }
    let Ok(found) = rustix::thread::name() else { return "unknown" };
    let found = found.to_bytes();
    let place = &mut name[..found.len().min(15)];
    place.copy_from_slice(&found[..place.len()]);
    std::str::from_utf8(place).unwrap_or("unknown")
}

/// Converts wall time, in nanoseconds since 1970, to UTC: year, month (1 to 12), day, hour, minute, second.
pub fn utc_time(wall_ns: u64) -> (i64, u32, u32, u32, u32, u32) {
    use jiff_core::{tz::Offset, Timestamp};
    let at = Timestamp::from_second((wall_ns / 1_000_000_000) as i64).unwrap_or(Timestamp::MAX);
    let utc = at.to_datetime(Offset::UTC);
    let (date, time) = (utc.date(), utc.time());
    let [month, day, hour, minute, second] =
        [date.month(), date.day(), time.hour(), time.minute(), time.second()].map(|part| part as u32);
    (date.year().into(), month, day, hour, minute, second)
}

/// The processor's time-stamp counter: cheap to read, and of use only where [`has_steady_counter`] says so.
#[inline(always)]
pub fn cycle_counter() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is part of the architecture's baseline.
    unsafe {
        std::arch::x86_64::_rdtsc()
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads the virtual counter, which Linux lets user code do.
    unsafe {
        let count: u64;
        std::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags));
        count
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    monotonic_ns()
}

/// Whether [`cycle_counter`] ticks evenly on all processors. The kernel has checked that before it chose the counter as
/// its own clock source; where it has not, neither do we use it.
pub fn has_steady_counter() -> bool {
    let source = read_text("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    source.is_ok_and(|name| matches!(name.trim(), "tsc" | "arch_sys_counter"))
}

/// Yields the processor to another thread.
pub fn yield_now() {
    rustix::thread::sched_yield();
}

/// Sleeps for less than a second. A signal ends the sleep early.
pub fn sleep_ns(ns: u32) {
    let _ = rustix::thread::nanosleep(&rustix::thread::Timespec { tv_sec: 0, tv_nsec: ns.min(999_999_999).into() });
}

/// Waits up to `patience` until a read of `fd` would not block. True also when it would fail at once: the read then
/// says why.
pub fn wait_readable(fd: RawFd, patience: Duration) -> bool {
    wait_for(fd, PollFlags::IN, patience)
}

/// Waits up to `patience` until `fd` takes bytes: a pipe then takes `PIPE_BUF` of them without blocking, even if it is
/// in blocking mode. True also when a write would fail at once.
pub fn wait_writable(fd: RawFd, patience: Duration) -> bool {
    wait_for(fd, PollFlags::OUT, patience)
}

fn wait_for(fd: RawFd, events: PollFlags, patience: Duration) -> bool {
    let give_up = monotonic_ns().saturating_add(patience.as_nanos() as u64);
    loop {
        let left_ms = give_up.saturating_sub(monotonic_ns()).div_ceil(1_000_000).min(60_000) as i64;
        let left = rustix::event::Timespec { tv_sec: left_ms / 1_000, tv_nsec: left_ms % 1_000 * 1_000_000 };
        match rustix::event::poll(&mut [PollFd::from_borrowed_fd(numbered(fd), events)], Some(&left)) {
            Ok(0) if left_ms == 0 => return false,
            Ok(0) | Err(Errno::INTR) => {}
            ready => return ready.is_ok(),
        }
    }
}

/// Takes the exclusive `flock` of an open file without waiting. Returns false if it is held elsewhere. Closing the file
/// releases it.
pub fn lock_file(fd: RawFd) -> io::Result<bool> {
    match rustix::fs::flock(numbered(fd), FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(false),
        locked => Ok(locked.map(|()| true)?),
    }
}

/// Takes the exclusive lock of an open file for this process without waiting. Returns false if another process has it.
/// Closing any descriptor of the file releases it. Forked children do not inherit it.
pub fn lock_file_for_process(fd: RawFd) -> io::Result<bool> {
    match rustix::fs::fcntl_lock(numbered(fd), FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        locked => Ok(locked.map(|()| true)?),
    }
}

/// Returns the descriptor that a path such as `/dev/stdout` or `/dev/fd/5` means. Opening the path itself would reset a
/// shared file position, or fail if it is a socket.
pub fn named_descriptor(path: &Path) -> Option<RawFd> {
    match path.to_str()? {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        other => {
            let number = other.strip_prefix("/dev/fd/").or_else(|| other.strip_prefix("/proc/self/fd/"))?;
            number.parse().ok().filter(|&fd: &RawFd| fd >= 0)
        }
    }
}

/// How a descriptor of the host's was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Device and inode.
    pub id: (u64, u64),
    /// `S_IFREG`, `S_IFIFO`, …
    pub kind: u32,
    /// Whether it can be written to.
    pub writable: bool,
    /// Whether each write goes to the end.
    pub appends: bool,
    /// Whether exec closes it.
    pub closed_by_exec: bool,
}

/// Returns how a descriptor was opened; `None` if it is not open.
pub fn opened(fd: RawFd) -> Option<Opened> {
    let status = rustix::fs::fstat(numbered(fd)).ok()?;
    let flags = rustix::fs::fcntl_getfl(numbered(fd)).ok()?;
    let own = rustix::io::fcntl_getfd(numbered(fd)).ok()?;
    Some(Opened {
        id: (status.st_dev, status.st_ino),
        kind: status.st_mode & libc::S_IFMT,
        writable: flags & OFlags::RWMODE != OFlags::RDONLY && !flags.contains(OFlags::PATH),
        appends: flags.contains(OFlags::APPEND),
        closed_by_exec: own.contains(FdFlags::CLOEXEC),
    })
}
