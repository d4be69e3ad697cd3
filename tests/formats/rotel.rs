//! Runs `rotel`, an OpenTelemetry collector, which passes on what it takes. `tests/run` installs it.

use super::support::{free_ports, hosts, wait_until};
use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Rotel {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Rotel {
    /// Starts it with a folder for its files, and waits until it listens. It sends what it takes to `to`.
    pub fn start(folder: &Path, to: &str) -> Rotel {
        std::fs::create_dir_all(folder).expect("a folder");
        let (port, log, file) = (free_ports(2), folder.join("said"), |name| folder.join(name).display().to_string());
        // `timeout` ends it even if this process is killed before it can. It passes signals on.
        let mut command = Command::new("timeout");
        command.args(["-k", "1", "300"]).arg(hosts::rotel().expect("it is installed")).arg("start");
        for (option, value) in [
            ("--otlp-http-endpoint", format!("127.0.0.1:{port}")),
            ("--otlp-grpc-endpoint", format!("127.0.0.1:{}", port + 1)),
            ("--exporter", "otlp".to_owned()),
            ("--otlp-exporter-endpoint", to.to_owned()),
            ("--otlp-exporter-protocol", "http".to_owned()),
            ("--pid-file", file("pid")),
            ("--log-file", file("log")),
        ] {
            command.args([option, &value]);
        }
        let said = File::create(&log).expect("a file");
        command.stdin(Stdio::null()).stdout(said.try_clone().expect("a file")).stderr(said);
        let rotel = Rotel { process: command.spawn().expect("rotel starts"), port, log };
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(wait_until(Duration::from_secs(30), listens), "rotel does not listen: {}", rotel.said());
        rotel
    }

    /// `otlp+http://…`, for `DD_TRACE_AGENT_URL`.
    pub fn otlp(&self) -> String {
        format!("otlp+http://127.0.0.1:{}", self.port)
    }

    /// Ends it, once it has passed on everything.
    pub fn stop(mut self) {
        self.signal();
        let ended = || matches!(self.process.try_wait(), Ok(Some(_)));
        assert!(wait_until(Duration::from_secs(60), ended), "rotel does not end: {}", self.said());
    }

    fn signal(&self) {
        // SAFETY: the child has not been waited for, so its process id is not used again.
        unsafe { libc::kill(self.process.id() as libc::pid_t, libc::SIGTERM) };
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            self.signal();
            let _ = self.process.wait();
        }
    }
}
