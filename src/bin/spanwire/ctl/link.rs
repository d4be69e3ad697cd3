//! A connection to the control socket of a process: asks for the socket by a word in the flight recorder, waits until the
//! process has opened it, connects, and makes sure that the process itself is at the other end.

use crate::recorder::Found;
use spanwire::companion::recorder::control::{proof_of, socket_name, ControlState};
use spanwire::companion::recorder::layout::header;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::{Duration, Instant};

/// How long the process may take to open its socket. Its worker looks once a second.
const OPENS_WITHIN: Duration = Duration::from_secs(5);
/// The longest answer.
const ANSWER_MAX: u64 = 64 << 20;

/// The connection.
pub struct Link {
    pid: u32,
    stream: UnixStream,
    /// Shows the process that this one may look into it, also from another namespace.
    proof: String,
}

impl Link {
    /// Connects, or says why that is not possible.
    pub fn to(member: &Found) -> Result<Link, String> {
        let pid = member.pid;
        let file = OpenOptions::new().read(true).write(true).open(&member.path);
        let file = file.map_err(|error| format!("process {pid} cannot be asked: its flight recorder: {error}"))?;
        let failed = |error: io::Error| format!("process {pid} cannot be asked: {error}");
        if word(&file, header::FATES).map_err(failed)? == 0 {
            return Err(format!("process {pid} has a library that is too old for this command"));
        }
        let end = Instant::now() + OPENS_WITHIN;
        write_word(&file, header::CONTROL_ASKED, 1).map_err(failed)?;
        loop {
            std::thread::sleep(Duration::from_millis(10));
            let (asked, state) = (word(&file, header::CONTROL_ASKED), word(&file, header::CONTROL_STATE));
            let state = ControlState::numbered(state.map_err(failed)?);
            match (asked.map_err(failed)?, state) {
                (0, Some(ControlState::Open)) => match connect(&file, pid) {
                    Ok((stream, proof)) => return Ok(Link { pid, stream, proof }),
                    // It was closed just then.
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused && Instant::now() < end => {
                        write_word(&file, header::CONTROL_ASKED, 1).map_err(failed)?;
                    }
                    Err(error) => return Err(failed(error)),
                },
                (0, Some(ControlState::Off)) => {
                    return Err(format!("process {pid} opens no socket: SPANWIRE_CONTROL is off there"));
                }
                (0, Some(ControlState::Privileged)) => {
                    return Err(format!(
                        "process {pid} opens no socket: it runs with other rights than those of its user (setuid)"
                    ));
                }
                (0, Some(ControlState::Failed)) => {
                    return Err(format!(
                        "process {pid} could not open its socket: it has no thread or descriptor left"
                    ));
                }
                _ if Instant::now() >= end => {
                    // Nothing is to be opened later on.
                    let _ = write_word(&file, header::CONTROL_ASKED, 0);
                    return Err(silent(pid));
                }
                _ => {}
            }
        }
    }

    /// Sends a request and returns the answer.
    pub fn ask(mut self, request: &str, patience: Duration) -> Result<String, String> {
        self.send(request, patience)?;
        let mut answer = Vec::new();
        match self.stream.take(ANSWER_MAX).read_to_end(&mut answer) {
            // The process has answered and ended the connection before it had read the request.
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => {}
            result => drop(result.map_err(|error| lost(self.pid, &error))?),
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        match answer.split_once('\n') {
            Some(("good", text)) => Ok(text.to_owned()),
            Some(("bad", why)) => Err(format!("process {}: {}", self.pid, why.trim_end())),
            _ => Err(format!("process {} ended before it had answered", self.pid)),
        }
    }

    /// Asks for the records of the log, and returns the connection on which they come.
    pub fn follow(mut self) -> Result<UnixStream, String> {
        self.send("log", Duration::from_secs(10))?;
        let mut first = Vec::new();
        while first.last() != Some(&b'\n') && first.len() < 8 {
            let mut byte = [0];
            match self.stream.read(&mut byte) {
                Ok(1) => first.push(byte[0]),
                Ok(_) => break,
                Err(error) => return Err(lost(self.pid, &error)),
            }
        }
        if first != b"good\n" {
            let mut why = String::new();
            let _ = self.stream.take(1_000).read_to_string(&mut why);
            return Err(format!("process {}: {}", self.pid, why.trim_end()));
        }
        self.stream.set_read_timeout(None).map_err(|error| lost(self.pid, &error))?;
        Ok(self.stream)
    }

    fn send(&mut self, request: &str, patience: Duration) -> Result<(), String> {
        let sent = self
            .stream
            .set_read_timeout(Some(patience))
            .and_then(|()| self.stream.write_all(format!("{} {request}\n", self.proof).as_bytes()));
        sent.map_err(|error| lost(self.pid, &error))
    }
}

fn lost(pid: u32, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("process {pid} did not answer in time"),
        _ => format!("process {pid} cannot be asked: {error}"),
    }
}

/// Says why a process has not opened its socket.
fn silent(pid: u32) -> String {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    if matches!(state, Some('T' | 't')) {
        return format!("process {pid} is stopped, so it cannot answer; `status` and `spans` read its memory");
    }
    if names.any(|name| name.trim_end() == "spanwire-worker") {
        return format!("process {pid} has not opened its socket within {OPENS_WITHIN:?}: its worker is busy or hangs");
    }
    format!(
        "process {pid} has no worker that could answer: it has started no span since it was forked, its tracers are shut \
         down, or its worker could not be started; `status` and `spans` read its memory"
    )
}

fn word(file: &File, at: usize) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at as u64 * 8)?;
    Ok(u64::from_le_bytes(bytes))
}

fn write_word(file: &File, at: usize, value: u64) -> io::Result<()> {
    file.write_all_at(&value.to_le_bytes(), at as u64 * 8)
}

/// Connects to the socket that the recorder names, and checks which process has made it.
fn connect(file: &File, pid: u32) -> io::Result<(UnixStream, String)> {
    let name = [word(file, header::CONTROL_NAME)?, word(file, header::CONTROL_NAME + 1)?];
    let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(socket_name(name))?)?;
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: both are valid for the call, and `length` is the size of the first.
    let known = unsafe {
        let peer = (&raw mut peer).cast();
        libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, peer, &mut length)
    };
    match known {
        0 if u32::try_from(peer.pid) == Ok(pid) => Ok((stream, proof_of(name))),
        _ => Err(io::Error::other(format!("another process, {}, has the socket that its recorder names", peer.pid))),
    }
}
