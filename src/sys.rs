//! The few system calls that we make ourselves, behind safe functions. Nothing here knows what a span or a log is.

mod descriptor;
pub mod environment;
pub mod errors;
#[cfg_attr(not(any(test, spanwire_shared, spanwire_static)), allow(dead_code))]
mod heap;
mod socket;
mod withheld;

pub use descriptor::{begin_generation, close_inherited, is_taken, Descriptor, Taken};
pub use heap::{free_older_generations, outliving};
pub use socket::{Connection, Event};

use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Runs `call` and leaves the host's `errno` as it was.
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

/// Runs `call` with cancellation of the calling thread put off. The C library cancels a thread by unwinding it from a
/// cancellation point (`read`, `write`, `close`, `open`, `poll`, `getrandom`, …); that must not happen below our
/// functions, where it ends the process. Around all that may reach one on a host's thread.
pub fn uncancelled<R>(call: impl FnOnce() -> R) -> R {
    /// Puts the state back when a panic passes, too.
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

/// The process id, asked of the kernel each time: a cached one would be wrong after a raw `clone`.
pub fn pid() -> u32 {
    std::process::id()
}

/// The user whose rights the process has.
pub fn user() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::geteuid() }
}

/// The kernel's id of the calling thread.
pub fn thread_id() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the call; both clocks in use exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    // A machine without a battery may begin before 1970.
    (time.tv_sec.max(0) as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Wall time, nanoseconds since 1970.
pub fn wall_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME)
}

/// Monotonic time in nanoseconds since some point in the past.
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// Fills `bytes` from the system's random source; falls back to clocks and addresses where there is none, since an id
/// that is merely hard to collide with is better than no trace.
pub fn random_bytes(bytes: &mut [u8]) {
    // SAFETY: the pointer and the length describe `bytes`.
    let got = unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), libc::GRND_NONBLOCK) };
    if got == bytes.len() as libc::c_long {
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

/// Whether this thread is one of ours, or a forked child's copy of one: a callback of the host's may fork.
pub fn is_our_thread() -> bool {
    IS_OURS.get()
}

/// Starts a detached thread of ours with every signal blocked, so that a host's handlers never run on it. A panic ends
/// the thread and nothing else. Not by the standard library, which asks the loader for a symbol each time the first
/// thread of a process is started: a lock of the loader may be held for ever in a forked child.
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
        // SAFETY: 16 bytes with a NUL at their end.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
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

/// One `write(2)`, repeated when a signal interrupts it.
pub fn write_once(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        // SAFETY: the pointer and the length describe `bytes`.
        let wrote = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if wrote >= 0 {
            return Ok(wrote as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Writes to a pipe without waiting where the kernel can do so (6.4 and later), else as [`write_once`] does. For a pipe
/// whose mode is not ours to change.
pub fn write_without_waiting(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: `part` describes `bytes`, which are only read. -1 stands for the file's own position.
    let wrote = unsafe { libc::pwritev2(fd, &part, 1, -1, libc::RWF_NOWAIT) };
    if let Ok(wrote) = usize::try_from(wrote) {
        return Ok(wrote);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Err(error),
        _ => write_once(fd, bytes),
    }
}

/// Sends to a socket without waiting, and without a signal where nobody receives.
pub fn send_without_waiting(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    socket::send(fd, bytes)
}

/// All of a file, up to `max` bytes.
pub fn read_file(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    read_all(&Descriptor::open_to_read(path)?, max)
}

/// What is left of an open file, up to `max` bytes. Reads into the heap: the caller may be a thread with a small stack.
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

/// A small text file of the system's, such as those under /proc.
pub fn read_text(path: &str) -> io::Result<String> {
    const MOST: u64 = 1 << 20;
    Ok(String::from_utf8_lossy(&read_file(Path::new(path), MOST)?).into_owned())
}

/// The names in a folder, at most so many, without `.` and `..`.
pub fn names_in(folder: &Path, max: usize) -> io::Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::OpenOptionsExt;
    /// Where a name lies in what the kernel writes: behind inode, offset, length and type.
    const NAME_AT: usize = 19;
    let mut options = std::fs::OpenOptions::new();
    let open = Descriptor::open(options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_NONBLOCK), folder)?;
    let (mut names, mut block) = (Vec::new(), vec![0u8; 32 * 1024]);
    loop {
        let fd = open.fd()?;
        // SAFETY: the pointer and the length describe `block`.
        let got = unsafe { libc::syscall(libc::SYS_getdents64, fd, block.as_mut_ptr(), block.len()) };
        let Ok(got) = usize::try_from(got) else { return Err(io::Error::last_os_error()) };
        let mut rest = block.get(..got).unwrap_or_default();
        while let Some(length) = rest.get(16..18).map(|two| usize::from(u16::from_ne_bytes([two[0], two[1]]))) {
            let entry = rest.get(NAME_AT..length).unwrap_or_default();
            let name = entry.split(|&byte| byte == 0).next().unwrap_or_default();
            if !matches!(name, b"." | b".." | b"") {
                names.push(std::ffi::OsStr::from_bytes(name).to_owned());
            }
            rest = rest.get(length.max(NAME_AT)..).unwrap_or_default();
        }
        if got == 0 || names.len() >= max {
            names.truncate(max);
            return Ok(names);
        }
    }
}

/// Words that another process of the same user can reach through the descriptor: a memfd of this name, close-on-exec,
/// sealed so that nobody can shorten it under those who write. Where there is no memfd, words without a descriptor;
/// where there is no memory, nothing. They stay for ever.
pub fn shared_words(name: &std::ffi::CStr, count: usize) -> Option<(&'static [AtomicU64], Option<Descriptor>)> {
    let file = memory_file(name, count * 8).ok();
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

/// Gives back words that [`shared_words`] made in a process of which this one is a descendant.
///
/// Nobody may use them any more: the reference that the caller has is the last one.
pub fn unmap_inherited_words(words: &'static [AtomicU64]) {
    // SAFETY: a whole mapping of `shared_words`, which no thread of this process uses: all of them were started after
    // the fork of a child of the process that made it.
    unsafe { libc::munmap(words.as_ptr().cast_mut().cast(), size_of_val(words)) };
}

fn memory_file(name: &std::ffi::CStr, size: usize) -> io::Result<Descriptor> {
    // Not in every libc crate: the kernel's number since 6.3, and older kernels refuse what they do not know.
    const MFD_NOEXEC_SEAL: libc::c_uint = 8;
    let usual = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is NUL-terminated; a new descriptor is owned by nobody else.
    let file = unsafe {
        let fd = match libc::memfd_create(name.as_ptr(), usual | MFD_NOEXEC_SEAL) {
            -1 => libc::memfd_create(name.as_ptr(), usual),
            fd => fd,
        };
        if fd == -1 {
            return Err(io::Error::last_os_error());
        }
        Descriptor::keep(OwnedFd::from_raw_fd(fd))?
    };
    let (fd, seals) = (file.fd()?, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL);
    // SAFETY: the structure is valid for the call; the others take integers only.
    let made = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        // Beyond that limit the kernel does not refuse but sends a signal that ends the host.
        libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) == 0
            && limit.rlim_cur >= size as libc::rlim_t
            // All of it now: a page that cannot be had later, when it is written to, would be a signal as well.
            && libc::fallocate(fd, 0, 0, size as libc::off_t) == 0
            && libc::fcntl(fd, libc::F_ADD_SEALS, seals) == 0
    };
    if made {
        Ok(file)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The words that a value consists of, for whoever must know where in it a container's parts lie. For values without
/// padding alone, such as containers are.
pub fn words_of<T>(value: &T) -> Vec<usize> {
    let words = std::ptr::from_ref(value).cast::<usize>();
    if !words.is_aligned() {
        return Vec::new();
    }
    // SAFETY: within the value, which is borrowed, and aligned.
    (0..size_of::<T>() / size_of::<usize>()).map(|n| unsafe { words.add(n).read() }).collect()
}

/// Device and inode of an open file: what tells whether a number still leads where it did.
pub fn file_id(fd: RawFd) -> Option<(u64, u64)> {
    // SAFETY: the structure is valid for the call.
    unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut status) == 0).then_some((status.st_dev, status.st_ino))
    }
}

/// Writes the calling thread's name to `name` and returns it: `main` for the process's first thread, else what the
/// kernel calls it.
pub fn thread_name(name: &mut [u8; 16]) -> &str {
    if thread_id() == pid() {
        return "main";
    }
    // SAFETY: 16 bytes are what the call fills at the most, with a NUL at the end.
    if unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) } != 0 {
        return "unknown";
    }
    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    std::str::from_utf8(&name[..end]).unwrap_or("unknown")
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

/// Gives the processor to another thread.
pub fn yield_now() {
    // SAFETY: takes no arguments.
    unsafe { libc::sched_yield() };
}

/// Lets the calling thread sleep for less than a second. A signal ends the sleep early.
pub fn sleep_ns(ns: u32) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: libc::c_long::from(ns.min(999_999_999) as i32) };
    // SAFETY: `time` is valid for the call; the time that is left is not asked for.
    unsafe { libc::nanosleep(&time, std::ptr::null_mut()) };
}

/// Waits up to `patience` until a read of `fd` would not block. True also when it would fail at once: the read then says
/// why.
pub fn wait_readable(fd: RawFd, patience: Duration) -> bool {
    wait_for(fd, libc::POLLIN, patience)
}

/// Waits up to `patience` until `fd` takes bytes: a pipe then takes `PIPE_BUF` of them without blocking, even if it is in
/// blocking mode. True also when a write would fail at once.
pub fn wait_writable(fd: RawFd, patience: Duration) -> bool {
    wait_for(fd, libc::POLLOUT, patience)
}

fn wait_for(fd: RawFd, events: libc::c_short, patience: Duration) -> bool {
    let give_up = monotonic_ns().saturating_add(patience.as_nanos() as u64);
    loop {
        let left_ms = give_up.saturating_sub(monotonic_ns()).div_ceil(1_000_000).min(60_000) as i32;
        let mut poll = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one valid pollfd.
        match unsafe { libc::poll(&mut poll, 1, left_ms) } {
            0 if left_ms == 0 => return false,
            -1 if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted => return false,
            ready if ready > 0 => return true,
            _ => {}
        }
    }
}

/// Takes the exclusive `flock` of an open file without waiting; false while somebody else holds it. Closing the file
/// lets go of it.
pub fn lock_file(fd: RawFd) -> io::Result<bool> {
    // SAFETY: takes integers only.
    if unsafe { libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        error => Err(error),
    }
}

/// The descriptor that a path such as `/dev/stdout` or `/dev/fd/5` stands for. Opening the path itself would truncate a
/// shared offset, or fail where it leads to a socket.
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

/// How a descriptor was opened; `None` where it is not open.
pub fn opened(fd: RawFd) -> Option<Opened> {
    // SAFETY: the structure is valid for the call; the others take integers only.
    let (status, flags, own) = unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        if libc::fstat(fd, &mut status) != 0 {
            return None;
        }
        (status, libc::fcntl(fd, libc::F_GETFL), libc::fcntl(fd, libc::F_GETFD))
    };
    (flags >= 0 && own >= 0).then_some(Opened {
        id: (status.st_dev, status.st_ino),
        kind: status.st_mode & libc::S_IFMT,
        writable: flags & libc::O_ACCMODE != libc::O_RDONLY && flags & libc::O_PATH == 0,
        appends: flags & libc::O_APPEND != 0,
        closed_by_exec: own & libc::FD_CLOEXEC != 0,
    })
}
