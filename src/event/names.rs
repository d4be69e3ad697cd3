//! Parts of the library that events name: its threads, and where records of the log go.

/// A thread of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// Sends traces.
    Worker,
    /// Asks the agent what is not traces.
    Poll,
    /// Looks up a name, or connects to a Unix socket.
    Dial,
    /// Writes the log.
    Log,
    /// Answers `spanwire ctl`.
    Control,
}

impl Thread {
    /// The thread's name, as `top -H` and debuggers show it.
    pub fn name(self) -> &'static str {
        match self {
            Thread::Worker => "spanwire-worker",
            Thread::Poll => "spanwire-poll",
            Thread::Dial => "spanwire-dial",
            Thread::Log => "spanwire-log",
            Thread::Control => "spanwire-ctl",
        }
    }
}

/// Where records of the log can get lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outlet {
    /// The ring, which a host polls or drains.
    Ring,
    /// The queue of the log's thread.
    Writer,
    /// Standard error.
    Stderr,
    /// The log file.
    File,
}

impl Outlet {
    /// The outlet's name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Outlet::Ring => "ring",
            Outlet::Writer => "log writer",
            Outlet::Stderr => "stderr",
            Outlet::File => "file",
        }
    }
}
