//! What the tests share: an agent that is not ours (`agent`), one that misbehaves on purpose (`faults`), host programs
//! compiled against the stage (`hosts`), and the little HTTP and decoding that these need. No test and no expectation
//! about the library belongs here.
#![allow(dead_code)] // each test binary uses its own part of this

pub mod agent;
pub mod faults;
pub mod hosts;
pub mod http;
pub mod log;
pub mod payload;

use std::time::{Duration, Instant};

/// Asks `done` every 20 ms until it says yes; false when it has not within `limit`.
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

/// `count` neighbouring TCP ports that nobody listens on, outside the range that the system hands out by itself, so
/// that a port can be named now and listened on later.
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
