//! The texts of a flare about the process and its machine, from files under /proc, /sys and /etc. Neither the
//! environment nor the command line is among them, because both may hold secrets that nothing marks as such.

// Reads files.
#![allow(clippy::disallowed_methods)]

use super::facts::{Facts, Identity};
use crate::{host, sys};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the CPU time of threads is observed.
const OBSERVED: Duration = Duration::from_millis(100);
/// How many threads are listed.
const THREADS_MAX: usize = 2_000;
/// The longest memory map, in bytes.
const MAP_MAX: u64 = 4 << 20;

/// Returns a file's text; the reason in brackets if it cannot be read.
fn text(path: &str) -> String {
    sys::read_text(path).unwrap_or_else(|error| format!("({path}: {error})\n"))
}

/// Returns versions, the machine, and the limits of the process. `folder`: the process under /proc.
pub fn versions(folder: &str, who: &Identity, program: &str) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.trim().is_empty() {
            let _ = writeln!(out, "{name:<18}{}", value.trim());
        }
    };
    line("spanwire", env!("CARGO_PKG_VERSION"));
    line("tracer", &who.tracer_version);
    line("language", &format!("{} {}", who.language, who.language_version));
    line("program", program);
    line("architecture", std::env::consts::ARCH);
    line("kernel", &host::kernel_release());
    let system = text("/etc/os-release");
    line(
        "system",
        system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or_default().trim_matches('"'),
    );
    line("host", &host::hostname());
    line("container", &host::container_id().unwrap_or_default());
    for (name, path) in [
        ("memory.max", "/sys/fs/cgroup/memory.max"),
        ("memory.current", "/sys/fs/cgroup/memory.current"),
        ("cpu.max", "/sys/fs/cgroup/cpu.max"),
        ("load", "/proc/loadavg"),
        ("uptime", "/proc/uptime"),
    ] {
        line(name, &sys::read_text(path).unwrap_or_default());
    }
    out + "\nLimits of the process\n" + &text(&format!("{folder}/limits"))
}

/// What the kernel counts of one thread.
struct Thread {
    id: String,
    name: String,
    state: String,
    /// Time on a processor, in nanoseconds.
    ran_ns: u64,
    /// Time that it waited for a processor, in nanoseconds.
    waited_ns: u64,
}

fn threads_now(folder: &str) -> Vec<Thread> {
    let ids = sys::names_in(&Path::new(folder).join("task"), THREADS_MAX).unwrap_or_default();
    ids.iter().filter_map(|id| thread(folder, id.to_str()?)).collect()
}

fn thread(folder: &str, id: &str) -> Option<Thread> {
    let file = |name: &str| sys::read_text(&format!("{folder}/task/{id}/{name}"));
    let status = file("status").ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    let times = file("schedstat").unwrap_or_default();
    let mut times = times.split_whitespace().map(|number| number.parse().unwrap_or(0));
    Some(Thread {
        id: id.to_string(),
        name: field("Name:").to_string(),
        state: field("State:").to_string(),
        ran_ns: times.next().unwrap_or(0),
        waited_ns: times.next().unwrap_or(0),
    })
}

/// Lists the threads, those first that use most of a processor now. Observes them for a tenth of a second.
pub fn threads(folder: &str) -> String {
    let (began, before) = (Instant::now(), threads_now(folder));
    std::thread::sleep(OBSERVED);
    let (mut now, time) = (threads_now(folder), began.elapsed());
    let before: HashMap<&str, u64> = before.iter().map(|thread| (thread.id.as_str(), thread.ran_ns)).collect();
    let used = |thread: &Thread| {
        let since = before.get(thread.id.as_str()).map_or(0, |before| thread.ran_ns.saturating_sub(*before));
        since as f64 / time.as_nanos() as f64 * 100.0
    };
    crate::sort::by_key(&mut now, |thread| (u64::MAX - (used(thread) * 10.0) as u64, u64::MAX - thread.ran_ns));
    let mut out = format!(
        "{} threads. CPU now: share of one processor in the last {} ms. CPU: time on a processor since the thread began.\n\
         Waited: time that it was ready and had no processor.\n\n{:>9}  {:<17}{:>9}{:>14}{:>14}  state\n",
        now.len(),
        time.as_millis(),
        "id",
        "name",
        "CPU now",
        "CPU",
        "waited"
    );
    for thread in &now {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let _ = writeln!(
            out,
            "{:>9}  {:<17}{:>7.1} %{:>12.3} s{:>12.3} s  {}",
            thread.id,
            thread.name,
            used(thread),
            seconds(thread.ran_ns),
            seconds(thread.waited_ns),
            thread.state
        );
    }
    out
}

/// Returns the memory of the process as the kernel counts it, and that of spans by pool.
pub fn memory(facts: &Facts) -> String {
    let health = &facts.health;
    let ((used, max), (tables, kept)) = (health.memory, health.memory_parts);
    let log: usize = facts.log.0.iter().map(|record| record.text.len()).sum();
    let mut out = String::from("Memory of the library, in bytes\n");
    for (name, bytes) in [
        ("spans, limit", max),
        ("spans, all", used),
        ("  tables of slots", tables),
        ("  kept buffers", kept),
        ("  spans and chunks", used.saturating_sub(tables + kept)),
        ("log kept for flares", log as u64),
        ("flight recorder", facts.recorder.as_ref().map_or(0, |_| crate::recorder::layout::FILE_WORDS as u64 * 8)),
    ] {
        let _ = writeln!(out, "{name:<22}{bytes:>14}");
    }
    out + "\n" + &memory_of("/proc/self")
}

/// Returns the memory of a process as the kernel counts it.
pub fn memory_of(folder: &str) -> String {
    let status = text(&format!("{folder}/status"));
    let counts = |line: &&str| ["Vm", "Rss", "Threads", "FDSize"].iter().any(|begin| line.starts_with(begin));
    let mut out = String::from("Memory of the process (status)\n");
    status.lines().filter(counts).for_each(|line| out += &format!("{line}\n"));
    out + "\nBy kind (smaps_rollup)\n" + &text(&format!("{folder}/smaps_rollup"))
}

/// Returns the memory map.
pub fn memory_map(folder: &str) -> String {
    match sys::read_file(&Path::new(folder).join("maps"), MAP_MAX) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("({folder}/maps: {error})\n"),
    }
}
