//! What concerns the process as a whole.

use super::guard;
use crate::tracer::current;

/// Says that this process is a forked child. Never needed after fork(), _Fork() or a raw clone(): the first call in a
/// child notices those by itself. It is for hosts that copy a process in a way that the kernel does not see as one, and
/// does nothing where the process id is still the same.
///
/// daemon(3), which Ruby's Process.daemon calls, forks, and the process that called it ends by _exit(): its queue is lost
/// with it, since no handler of its exit runs. Call spanwire_tracer_flush() before it. The tracer then works in the
/// daemon as in any forked child. A span that is open at that moment cannot be finished by the daemon, but can be a
/// parent there; finished spans of its trace leave only when it is finished, or with spanwire_tracer_shutdown(), after
/// which the daemon makes a new tracer with spanwire_tracer_new().
///
/// Threads:   the child's only thread.
/// Blocks:    never.
/// Fork:      this is its subject.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_process_after_fork_child() {
    guard(|_| {
        current::after_fork_child();
        Ok(())
    });
}
