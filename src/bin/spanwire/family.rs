//! Processes that belong together, and what to call them.

use crate::recorder::find::field;
use spanwire::companion::redact;
use std::collections::HashMap;
use std::fs;

/// Characters of a process's title that are shown.
const TITLE_MAX: usize = 60;

/// Returns a process with all its descendants.
pub fn family(pid: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for process in processes() {
        if let Some(parent) = parent(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let (mut family, mut next) = (vec![pid], 0);
    while let Some(&member) = family.get(next) {
        family.extend(children.remove(&member).unwrap_or_default());
        next += 1;
    }
    family
}

/// Returns the ids of all processes.
pub fn processes() -> Vec<u32> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok()).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    field(&status, "PPid:")?.parse().ok()
}

/// Returns what tells a process from others: its name, or the title that php-fpm and Puma give it. Command lines are
/// not shown, because they may hold secrets.
pub fn title(pid: u32) -> String {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
    let titled = ["php-fpm:", "puma", "unicorn"].iter().any(|name| line.starts_with(name));
    let text = if titled { line } else { String::from_utf8_lossy(&read("comm")).into_owned() };
    let text: String = text.trim().chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    redact::text(&text).chars().take(TITLE_MAX).collect()
}
