//! Forked processes.

use super::guard;
use crate::tracer::current;

/// Tells the library that this process is a forked child. Only for hosts that copy a process in a way that the kernel
/// does not see as a fork. Not needed after fork(), _Fork() or a raw clone(): the first call in a child notices those.
/// Does nothing if the process id is unchanged.
///
/// daemon(3), which Ruby's Process.daemon calls, forks, and the calling process ends by _exit() without its exit
/// handlers: its queue is lost. Call spanwire_tracer_flush() before. The tracer then works in the daemon as in any
/// forked child. The daemon cannot finish a span that was open at that moment, but can use it as a parent. Finished
/// spans of its trace are sent only when it is finished, or by spanwire_tracer_shutdown(); after that the daemon makes
/// a new tracer with spanwire_tracer_new().
///
/// Threads:   the child's only thread.
/// Blocks:    never.
/// Fork:      call it in the child, before any other function.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_process_after_fork_child() {
    guard(|_| {
        current::after_fork_child();
        Ok(())
    });
}
