//! Code shared by the tests: an independent agent (`agent`), one that misbehaves on request (`faults`), host programs
//! compiled against the stage (`hosts`), a reader of flares (`flares`), folders (`folder`), and the HTTP and decoding that these
//! need. Contains no tests, and no assertions about the library.
#![allow(dead_code)] // each test binary uses its own part of this

pub mod agent;
pub mod faults;
pub mod flares;
pub mod folder;
pub mod hosts;
pub mod http;
pub mod log;
pub mod payload;
pub mod remote;

use std::time::{Duration, Instant};

/// Calls `done` every 20 ms until it returns true. Returns false if it has not within `limit`.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the first of `count` consecutive free TCP ports. They are outside the range that the system assigns, so that
/// a test can name a port now and listen on it later.
pub fn free_ports(count: u16) -> u16 {
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let seed = (std::process::id() * 7919 % 10_000) as u16;
    for _ in 0..2_000 {
        let port = 20_000 + (seed + NEXT.fetch_add(count, Relaxed) % 10_000) % 10_000;
        if (port..port + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return port;
        }
    }
    panic!("no free ports between 20000 and 30000");
}
