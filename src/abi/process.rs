//! What concerns the process as a whole.

use super::guard;
use crate::tracer::state;

/// Says that this process is a forked child. Never needed after fork(), _Fork() or a raw clone(): the first call in a
/// child notices those by itself. It is for hosts that copy a process in a way that the kernel does not see as one, and
/// does nothing where the process id is still the same.
///
/// Threads:   the child's only thread.
/// Blocks:    never.
/// Fork:      this is its subject.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_process_after_fork_child() {
    guard(|_| {
        state::after_fork_child();
        Ok(())
    });
}
