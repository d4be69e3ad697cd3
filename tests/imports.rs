//! What the library calls of the C library. A forked child runs our code while locks that another thread of its parent
//! held stay locked for ever: no function that takes such a lock may be called in a child. Each name below was looked up in
//! glibc; a new one is added after the same look.

mod support;

use std::process::Command;
use support::hosts::{require, stage};

/// The compiler's own needs.
const RUNTIME: &[&str] = &[
    "_ITM_deregisterTMCloneTable",
    "_ITM_registerTMCloneTable",
    "__cxa_finalize",
    "__gmon_start__",
    "__tls_get_addr",
    "__errno_location",
];

/// Unwinding a panic. With glibc 2.35 and GCC 12, and later, it takes no lock (`_dl_find_object`); before, it takes the
/// loader's, and a panic in a child can hang.
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

/// `fork` makes the locks of the allocator anew.
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

/// Threads. `__register_atfork` is called on kernels before 4.14 only.
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

/// Looks a name up, and can hang in a child: `src/export/transport.rs` gives it up. `__res_init` is called with glibc
/// before 2.26 only.
const LOOK_UP: &[&str] = &["getaddrinfo", "freeaddrinfo", "__res_init", "gnu_get_libc_version"];

/// Take no lock that is shared between threads.
const OTHERS: &[&str] = &["environ", "abort", "opendir", "readdir64", "closedir", "dirfd", "realpath"];

/// System calls, which take no lock. Not all of them are in use.
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
