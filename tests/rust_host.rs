//! A Rust host, which links the crate itself and has a logger of the `log` crate.

use spanwire::abi::rust::forward_log;
use std::ffi::{c_char, CStr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

extern "C" {
    fn spanwire_log_write(level: i32, target: *const c_char, text: *const c_char) -> i32;
}

/// Writes to the library's log, as a host in C does.
fn write(level: i32, text: &CStr) {
    // SAFETY: the texts are NUL-terminated.
    assert_eq!(unsafe { spanwire_log_write(level, c"app".as_ptr(), text.as_ptr()) }, 0);
}

static RECORDS: Mutex<Vec<(log::Level, String)>> = Mutex::new(Vec::new());

/// A logger that writes to the library's log whatever it gets: that must not go round.
struct Host;

impl log::Log for Host {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        RECORDS.lock().unwrap().push((record.level(), record.args().to_string()));
        write(1, c"an echo");
    }

    fn flush(&self) {}
}

fn wait_for(text: &str) {
    let begun = Instant::now();
    while !RECORDS.lock().unwrap().iter().any(|(_, said)| said.contains(text)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{text:?} is not in {:?}", RECORDS.lock().unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_rust_hosts_logger_gets_our_records_and_its_own_do_not_go_round() {
    log::set_logger(&Host).expect("the only logger");
    log::set_max_level(log::LevelFilter::Trace);
    assert_eq!(forward_log(log::LevelFilter::Warn), 0);
    write(3, c"an info, which the sink does not take");
    write(2, c"the cache is cold");
    wait_for("the cache is cold");
    write(1, c"the last one");
    wait_for("the last one");
    let records = RECORDS.lock().unwrap();
    assert_eq!(records.len(), 2, "{records:?}");
    assert!(records[0].0 == log::Level::Warn && records[1].0 == log::Level::Error, "{records:?}");
    // The host's own level stays as it was: the `log` crate is the host's here.
    assert_eq!(log::max_level(), log::LevelFilter::Trace);
}
