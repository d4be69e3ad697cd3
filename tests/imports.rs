//! The functions of the C library that the library calls. In a forked child, locks that another thread of the parent
//! held at the fork stay locked forever, so the child must not call a function that takes such a lock. Each name below
//! was checked in glibc's source; check a new name before adding it.

mod support;

use std::process::Command;
use support::hosts::{require, stage};

/// Used by compiled code itself.
const RUNTIME: &[&str] = &[
    "_ITM_deregisterTMCloneTable",
    "_ITM_registerTMCloneTable",
    "__cxa_finalize",
    "__gmon_start__",
    "__tls_get_addr",
    "__errno_location",
];

/// Unwinding of a panic. With glibc 2.35 and GCC 12 or later it takes no lock (`_dl_find_object`). Before, it takes the
/// loader's lock, and a panic in a child can hang.
const UNWINDING: &[&str] = &[
    "_Unwind_Backtrace",
    "_Unwind_DeleteException",
    "_Unwind_GetDataRelBase",
    "_Unwind_GetIP",
    "_Unwind_GetIPInfo",
    "_Unwind_GetLanguageSpecificData",
    "_Unwind_GetRegionStart",
    "_Unwind_GetTextRelBase",
    "_Unwind_RaiseException",
    "_Unwind_Resume",
    "_Unwind_SetGR",
    "_Unwind_SetIP",
];

/// `fork` initialises the allocator's locks in the child.
const MEMORY: &[&str] = &[
    "malloc",
    "calloc",
    "realloc",
    "free",
    "posix_memalign",
    "memcpy",
    "memmove",
    "memset",
    "memcmp",
    "bcmp",
    "strlen",
];

/// Threads. `__register_atfork` is called only on kernels before 4.14.
const THREADS: &[&str] = &[
    "pthread_attr_destroy",
    "pthread_attr_init",
    "pthread_attr_setdetachstate",
    "pthread_attr_setstacksize",
    "pthread_create",
    "pthread_sigmask",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_setspecific",
    "pthread_setcancelstate",
    "__cxa_thread_atexit_impl",
    "sigfillset",
    "__register_atfork",
];

/// Resolves names, and can hang in a child; then `src/export/transport.rs` gives it up. `__res_init` is called only
/// with glibc before 2.26.
const LOOK_UP: &[&str] = &["getaddrinfo", "freeaddrinfo", "__res_init", "gnu_get_libc_version"];

/// These take no lock that threads share.
const OTHERS: &[&str] = &["environ", "abort", "opendir", "readdir64", "closedir", "dirfd", "realpath"];

/// System calls, which take no lock. Not all of them are used.
const CALLS: &[&str] = &[
    "accept4",
    "bind",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "connect",
    "dup3",
    "eventfd",
    "faccessat",
    "fallocate",
    "fchmod",
    "fcntl",
    "fcntl64",
    "fdatasync",
    "flock",
    "fstat",
    "fstat64",
    "fstatat64",
    "fsync",
    "ftruncate64",
    "getauxval",
    "getcwd",
    "getegid",
    "geteuid",
    "getgid",
    "getpeername",
    "getpid",
    "getppid",
    "getrandom",
    "getrlimit",
    "getsockname",
    "getsockopt",
    "gettid",
    "getuid",
    "ioctl",
    "link",
    "linkat",
    "listen",
    "lseek",
    "lseek64",
    "lstat",
    "lstat64",
    "madvise",
    "madvise64",
    "memfd_create",
    "mkdir",
    "mkdirat",
    "mmap",
    "mmap64",
    "munmap",
    "nanosleep",
    "open",
    "open64",
    "openat",
    "openat64",
    "pause",
    "pipe2",
    "poll",
    "prctl",
    "pread64",
    "preadv",
    "process_vm_readv",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "recv",
    "recvfrom",
    "recvmsg",
    "rename",
    "rmdir",
    "sched_setscheduler",
    "sched_yield",
    "send",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "sigaction",
    "socket",
    "socketpair",
    "stat",
    "stat64",
    "statfs64",
    "statx",
    "symlink",
    "syscall",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
    "writev",
];

#[test]
fn the_library_calls_nothing_that_can_hang_in_a_forked_child() {
    if !require("nm") {
        return;
    }
    let library = stage().join("lib/libspanwire.so");
    let output = Command::new("nm").args(["-D", "--undefined-only"]).arg(library).output().expect("nm runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = |line: &str| Some(line.split_whitespace().last()?.split('@').next()?.to_owned());
    let imported: Vec<String> = said.lines().filter_map(name).collect();
    assert!(imported.len() > 50, "{said}");
    let harmless = [RUNTIME, UNWINDING, MEMORY, THREADS, LOOK_UP, OTHERS, CALLS].concat();
    let strange: Vec<&String> = imported.iter().filter(|name| !harmless.contains(&name.as_str())).collect();
    assert!(strange.is_empty(), "does any of these take a lock that a fork can leave held? {strange:?}");
}
