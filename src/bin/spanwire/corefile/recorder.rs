//! Finds the flight recorder in a core by its first bytes. Does not need the library's table.

use super::elf::{self, Core, Segment, Source};
use crate::recorder::Found;
use spanwire::companion::recorder::fates::{self, Fate};
use spanwire::companion::recorder::{layout, snapshot, Snapshot};
use std::path::PathBuf;

/// The recorder begins at a multiple of this.
const PAGE: u64 = 4096;
/// Number of bytes that are searched at a time.
const CHUNK: u64 = 1 << 20;

/// Finds a core's recorder: the process's own, or else the newest one that it inherited.
pub fn find(source: &dyn Source, core: &Core) -> Result<Found, String> {
    let mut places: Vec<u64> = Vec::new();
    // A recorder in a memfd has a mapping of its own, which begins a segment. Without memfd the recorder is in
    // anonymous memory, which may be in the middle of a segment.
    for segment in &core.segments {
        if begins(source, segment.at)? {
            places.push(segment.at);
        }
    }
    if places.is_empty() {
        for segment in &core.segments {
            scan(source, segment, &mut places)?;
        }
    }
    let (mut best, mut why) = (None::<Found>, String::new());
    for at in places {
        match read(source, at) {
            Ok((snapshot, fates)) => {
                let own = core.pid.is_none_or(|pid| u64::from(pid) == snapshot.pid);
                let pid = core.pid.unwrap_or(snapshot.pid as u32);
                let found = Found { pid, own, snapshot, fates, path: PathBuf::new() };
                let rank = |found: &Found| (found.own, found.snapshot.epoch, found.snapshot.made_at);
                if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
                    best = Some(found);
                }
            }
            Err(error) => why = format!("holds a flight recorder that cannot be read: {error}"),
        }
    }
    match best {
        Some(found) => Ok(found),
        None if !why.is_empty() => Err(why),
        None if core.missing > 0 => {
            Err(format!("is cut short by {} bytes, and the rest holds no flight recorder", core.missing))
        }
        None => Err("holds no flight recorder: the process had not loaded libspanwire or not called it, or the core \
                     was written without shared memory (/proc/PID/coredump_filter)"
            .into()),
    }
}

fn begins(source: &dyn Source, at: u64) -> Result<bool, String> {
    let word = elf::read(source, at, 8).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(word == layout::MAGIC.to_le_bytes())
}

/// Adds the positions of pages that begin with the magic of a recorder.
fn scan(source: &dyn Source, segment: &Segment, places: &mut Vec<u64>) -> Result<(), String> {
    let mut done = 0;
    while done < segment.length {
        let length = CHUNK.min(segment.length - done) as usize;
        let bytes = elf::read(source, segment.at + done, length).map_err(|error| format!("cannot be read: {error}"))?;
        let magic = layout::MAGIC.to_le_bytes();
        let pages = bytes.chunks(PAGE as usize).enumerate().filter(|(_, page)| page.starts_with(&magic));
        places.extend(pages.map(|(n, _)| segment.at + done + n as u64 * PAGE));
        done += CHUNK;
    }
    Ok(())
}

fn read(source: &dyn Source, at: u64) -> Result<(Snapshot, Vec<Fate>), String> {
    let words = |count: usize| -> Result<Vec<u64>, String> {
        let bytes = elf::read(source, at, count * 8).map_err(|error| error.to_string())?;
        Ok(bytes.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes).collect())
    };
    let says = words(layout::header::END)?.get(layout::header::WORDS).copied().unwrap_or(0);
    let most = says.clamp(layout::header::END as u64, snapshot::READ_MAX as u64) as usize;
    let words = words(most)?;
    Ok((Snapshot::of(&words).map_err(|fault| fault.to_string())?, fates::read::all(&words)))
}
