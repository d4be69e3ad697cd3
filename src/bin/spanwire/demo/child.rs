//! Runs programs for the demo. A program and everything it started are ended when the user presses Ctrl-C, when its
//! time limit is over, or when the demo fails.

use crate::out::Failure;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Interval for checking whether a program has ended or must be ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Time that a program gets to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(1);

/// Knows whether the user asked to stop: Ctrl-C, SIGTERM, or a closed terminal.
pub struct Watch {
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// Installs the signal handler. May be called once in a process.
    pub fn start() -> Result<Watch, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        ctrlc::set_handler(move || {
            // On the second signal end at once, in case output to the terminal blocks.
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        })
        .map_err(|error| Failure::said(format!("cannot install a handler for Ctrl-C: {error}")))?;
        Ok(Watch { stop })
    }

    /// Starts `command` in its own process group, so that everything it starts can be ended with it.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Running> {
        let child = command.process_group(0).spawn()?;
        Ok(Running { child, stop: Arc::clone(&self.stop), ended: false })
    }
}

/// A running program. Dropping it ends the program.
pub struct Running {
    /// The caller may take its pipes.
    pub child: Child,
    stop: Arc<AtomicBool>,
    ended: bool,
}

impl Running {
    /// Waits until the program has ended. Returns `None` if it has not ended within `limit`, and
    /// [`Failure::Interrupted`] if the user asked to stop. In both cases the program keeps running until this is
    /// dropped.
    pub fn wait(&mut self, limit: Option<Duration>) -> Result<Option<ExitStatus>, Failure> {
        let begun = Instant::now();
        let trouble = |error| Failure::said(format!("cannot wait for a program: {error}"));
        loop {
            if let Some(status) = self.child.try_wait().map_err(trouble)? {
                self.ended = true;
                return Ok(Some(status));
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            if limit.is_some_and(|limit| begun.elapsed() >= limit) {
                return Ok(None);
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn signal(&self, signal: i32) {
        // SAFETY: takes two numbers. The group is the child's own: its leader has not been waited for, so the system
        // has not reused its number.
        unsafe { libc::kill(-(self.child.id() as i32), signal) };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.signal(libc::SIGTERM);
        let deadline = Instant::now() + GRACE;
        // Do not wait for the leader yet: its number stays reserved until the group has had both signals.
        while Instant::now() < deadline && !exited(&self.child) {
            thread::sleep(LOOK_EVERY);
        }
        self.signal(libc::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Whether the child is a zombie: it has ended, but has not been waited for.
fn exited(child: &Child) -> bool {
    // SAFETY: all zeros is a `siginfo_t`, and the call writes to this one only.
    let (done, info) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        (libc::waitid(libc::P_PID, child.id(), &mut info, how), info)
    };
    done == 0 && info.si_signo == libc::SIGCHLD
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Stdio;

    fn watch() -> Watch {
        Watch { stop: Arc::default() }
    }

    /// A shell that starts another program and waits for it. Both hold the write end of its standard output.
    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    #[test]
    fn a_stopped_program_takes_along_what_it_started() {
        let watch = watch();
        // The first script ends on SIGTERM. In the second, the shell and the program that it starts ignore it.
        for script in ["sleep 60; true", "trap '' TERM; echo; sleep 60; true"] {
            let mut running = watch.spawn(&mut shell(script)).unwrap();
            let mut pipe = running.child.stdout.take().unwrap();
            assert!(matches!(running.wait(Some(Duration::from_millis(100))), Ok(None)), "{script}");
            watch.stop.store(true, Ordering::Relaxed);
            assert!(matches!(running.wait(None), Err(Failure::Interrupted)), "{script}");
            watch.stop.store(false, Ordering::Relaxed);
            let begun = Instant::now();
            drop(running);
            // Reading ends only when no process holds the write end.
            pipe.read_to_end(&mut Vec::new()).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(10), "{script}");
        }
    }

    #[test]
    fn a_program_that_ends_says_how() {
        let mut running = watch().spawn(&mut shell("exit 3")).unwrap();
        for _ in ["once", "and again"] {
            assert_eq!(running.wait(None).unwrap().and_then(|status| status.code()), Some(3));
        }
    }
}
