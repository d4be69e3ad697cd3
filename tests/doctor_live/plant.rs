//! Folders, users without rights, and listeners that are not Agents or have another clock, for the doctor to find. The
//! expectations are in other files.
#![allow(dead_code)] // each test binary uses its own part of this

use super::support::hosts::{command, copy_program, require, Host};
use super::support::http::Head;
use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const NOBODY: &str = "65534";

/// Returns the doctor in a clean environment.
pub fn doctor() -> Host {
    command(env!("CARGO_BIN_EXE_spanwire")).arg("doctor")
}

/// A folder that other users may enter, without symbolic links in its path; removed when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("spanwire-doctor-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        mode(&folder, 0o755);
        Folder(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a file in the folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).expect("a file");
        self.path(name)
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Returns the doctor as a user without rights; if the tests do not run as root, as the current user.
    pub fn doctor_as_nobody(&self) -> Host {
        // SAFETY: takes no arguments and cannot fail.
        if unsafe { libc::geteuid() } != 0 {
            return doctor();
        }
        assert!(require("setpriv"), "util-linux has it, and these tests need it to be another user");
        // That user may have no access to the build's folder.
        let copy = self.path("spanwire");
        copy_program(Path::new(env!("CARGO_BIN_EXE_spanwire")), &copy);
        mode(&copy, 0o755);
        let user = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".into()];
        let words: Vec<&str> = ["setpriv"].into_iter().chain(user.iter().map(String::as_str)).collect();
        command(&copy).arg("doctor").under(&words).folder(Path::new("/"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Sets permissions.
pub fn mode(path: &Path, bits: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).expect("permissions");
}

/// Starts a listener that answers every request with these bytes and closes the connection. Returns the URL.
pub fn listener(answer: impl Fn(&Head) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
            let Ok(Some(head)) = Head::read(&mut reader) else { continue };
            let _ = reader.read_exact(&mut vec![0; head.length()]);
            let _ = stream.write_all(&answer(&head));
        }
    });
    url
}

/// Returns an HTTP response that closes the connection.
pub fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// Starts an Agent whose clock differs by this number of seconds.
pub fn agent_ahead_by(seconds: i64) -> String {
    listener(move |head| {
        let now = (spanwire::companion::sys::wall_ns() / 1_000_000_000) as i64 + seconds;
        let (year, month, day, hour, minute, second) = spanwire::companion::sys::utc_time(now as u64 * 1_000_000_000);
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = months[month as usize - 1];
        // 1 January 1970 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(now / 86_400) as usize % 7];
        let date = format!("Date: {weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT\r\n");
        let info = r#"{"version":"7.99.0","endpoints":["/v0.4/traces"]}"#;
        http("200 OK", &date, if head.path == "/info" { info } else { "{}" })
    })
}
