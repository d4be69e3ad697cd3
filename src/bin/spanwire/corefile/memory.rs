//! Reads a core's memory by address, and finds the library's table in it.

use super::elf::{self, Core, Segment, Source};
use spanwire::companion::inspect::MAGIC;
use spanwire::companion::report::{Fault, Image, Memory};

/// Number of bytes that are searched at a time.
const CHUNK: u64 = 1 << 20;
/// Maximum number of places that are tried. A process has a table for each copy of the library, and other data may
/// begin with the same bytes.
const TRIED_MAX: usize = 64;

/// The memory of a process, read from its core.
pub struct CoreMemory<'a> {
    source: &'a dyn Source,
    /// By address.
    segments: Vec<Segment>,
}

impl<'a> CoreMemory<'a> {
    pub fn of(source: &'a dyn Source, core: &Core) -> CoreMemory<'a> {
        let mut segments = core.segments.clone();
        segments.sort_by_key(|segment| segment.address);
        CoreMemory { source, segments }
    }
}

impl Memory for CoreMemory<'_> {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        let (mut address, mut into) = (address, into);
        // A range may cross from one segment into the next if the two are adjacent.
        while !into.is_empty() {
            let index = self.segments.partition_point(|segment| segment.address <= address);
            let Some(segment) = index.checked_sub(1).map(|index| &self.segments[index]) else { return false };
            let offset = address - segment.address;
            let length = segment.length.saturating_sub(offset).min(into.len() as u64) as usize;
            let bytes = elf::read(self.source, segment.at.saturating_add(offset), length);
            let Some(bytes) = bytes.ok().filter(|bytes| bytes.len() == length && length > 0) else { return false };
            let (now, later) = into.split_at_mut(length);
            now.copy_from_slice(&bytes);
            (address, into) = (address.saturating_add(length as u64), later);
        }
        true
    }
}

/// Returns what the library's table describes; `Ok(None)` if the process had called no function of the library. The
/// error says why the table cannot be read, and is `Err(None)` if there is no table. If the process has several copies
/// of the library, this is the first that was used.
pub fn image(source: &dyn Source, core: &Core) -> Result<Option<Image>, Option<String>> {
    let memory = CoreMemory::of(source, core);
    let (mut unused, mut why) = (false, None);
    for root in roots(source, core).map_err(Some)?.into_iter().take(TRIED_MAX) {
        match Image::of(&memory, root) {
            Ok(Some(image)) => return Ok(Some(image)),
            Ok(None) => unused = true,
            // Not a table, only the same first bytes: a program's constants contain the magic itself.
            Err(Fault::NoTable) => {}
            Err(fault) => why = Some(fault.to_string()),
        }
    }
    if unused {
        Ok(None)
    } else {
        Err(why)
    }
}

/// Returns the addresses that begin with the magic of the table.
fn roots(source: &dyn Source, core: &Core) -> Result<Vec<u64>, String> {
    let (mut roots, first) = (Vec::new(), &MAGIC[..8]);
    for segment in &core.segments {
        let mut done = 0;
        while done < segment.length {
            // A little more than a chunk: the magic may lie across the end.
            let length = (CHUNK + 8).min(segment.length - done) as usize;
            let bytes = elf::read(source, segment.at.saturating_add(done), length);
            let bytes = bytes.map_err(|error| format!("the core cannot be read: {error}"))?;
            let words = bytes.chunks_exact(8).enumerate().filter(|(_, word)| *word == first);
            let whole = words.filter(|(n, _)| bytes[n * 8..].starts_with(&MAGIC));
            roots.extend(whole.map(|(n, _)| segment.address.saturating_add(done + n as u64 * 8)));
            done += CHUNK;
        }
    }
    Ok(roots)
}
