//! One connection to an agent, as the HTTP library uses it, and a record of how far a request has got.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use ureq::Error;

use super::tls::Link;

const INPUT_BUFFER: usize = 32 * 1024;
const OUTPUT_BUFFER: usize = 64 * 1024;
/// Used where the HTTP library sets no limit. Our configuration always sets one.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// How far the current request has got.
#[derive(Debug, Default)]
pub struct Progress {
    fresh: AtomicBool,
    written: AtomicUsize,
    received: AtomicUsize,
}

impl Progress {
    /// Begins a new request.
    pub fn start_request(&self) {
        self.written.store(0, Relaxed);
        self.start_attempt();
    }

    /// Begins an attempt for the request. Bytes that earlier attempts wrote still count.
    pub fn start_attempt(&self) {
        self.fresh.store(false, Relaxed);
        self.received.store(0, Relaxed);
    }

    /// Notes that a new connection is made for the request.
    pub(super) fn start_connection(&self) {
        self.fresh.store(true, Relaxed);
    }

    /// Whether any byte of the request was written.
    pub fn sent_anything(&self) -> bool {
        self.written.load(Relaxed) > 0
    }

    /// Whether the attempt used the connection of an earlier request, and wrote no byte of this one.
    pub fn never_began_on_an_old_connection(&self) -> bool {
        !self.fresh.load(Relaxed) && self.received.load(Relaxed) == 0 && !self.sent_anything()
    }
}

/// How long to wait at most, according to the HTTP library.
pub(super) fn patience(timeout: NextTimeout) -> Duration {
    (*timeout.after).min(WAIT_MAX)
}

/// One connection, TCP or Unix.
#[derive(Debug)]
pub struct Wire {
    connection: Link,
    buffers: LazyBuffers,
    progress: Arc<Progress>,
    /// The other end no longer reads.
    torn: bool,
}

fn left_until(deadline: Instant, timeout: &NextTimeout) -> Result<Duration, Error> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(Error::Timeout(timeout.reason)),
        left => Ok(left),
    }
}

impl Wire {
    /// Wraps a connection that was just made.
    pub(super) fn new(connection: Link, progress: Arc<Progress>) -> Wire {
        Wire { connection, buffers: LazyBuffers::new(INPUT_BUFFER, OUTPUT_BUFFER), progress, torn: false }
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let deadline = Instant::now() + patience(timeout);
        let mut done = 0;
        while done < amount && !self.torn {
            // Computed for each write, so that a slow reader cannot extend the whole.
            let left = left_until(deadline, &timeout)?;
            match self.connection.send(&self.buffers.output()[done..amount], left) {
                Ok(0) => self.torn = true,
                Ok(wrote) => {
                    done += wrote;
                    self.progress.written.fetch_add(wrote, Relaxed);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                    // An agent that refuses a body early closes its end, but its answer may be here already. Reading
                    // comes next, and fails if there is none.
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => self.torn = true,
                    _ => return Err(Error::Io(error)),
                },
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let deadline = Instant::now() + patience(timeout);
        loop {
            let left = left_until(deadline, &timeout)?;
            match self.connection.receive(self.buffers.input_append_buf(), left) {
                Ok(got) => {
                    self.buffers.input_appended(got);
                    self.progress.received.fetch_add(got, Relaxed);
                    return Ok(got > 0);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                    _ => return Err(Error::Io(error)),
                },
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // An idle connection has nothing to read. Bytes would belong to no request.
        !self.torn && self.connection.is_idle()
    }

    fn is_tls(&self) -> bool {
        // The HTTP client asks only if the URL demands TLS, and then the dialer has made the handshake.
        true
    }
}
