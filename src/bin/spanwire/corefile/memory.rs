//! A core's memory by addresses, and the library's table in it.

use super::elf::{self, Core, Segment, Source};
use spanwire::companion::inspect::MAGIC;
use spanwire::companion::report::{Fault, Image, Memory};

/// Bytes that are searched at once.
const CHUNK: u64 = 1 << 20;
/// Copies of the table's beginning that are tried: a process has one for each copy of the library, and what looks like
/// one may lie anywhere.
const TRIED_MAX: usize = 64;

/// The memory of a process as its core has it.
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
        // What lies in two segments is there if they touch.
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

/// What the library's table leads to: `Ok(None)` where the process had made no call; why it cannot be read, or no reason
/// where there is no table. Of several copies of the library the one that was used.
pub fn image(source: &dyn Source, core: &Core) -> Result<Option<Image>, Option<String>> {
    let memory = CoreMemory::of(source, core);
    let (mut unused, mut why) = (false, None);
    for root in roots(source, core).map_err(Some)?.into_iter().take(TRIED_MAX) {
        match Image::of(&memory, root) {
            Ok(Some(image)) => return Ok(Some(image)),
            Ok(None) => unused = true,
            // A text that begins alike, such as the magic itself in a program's constants, is no table.
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

/// Where something begins as the table does.
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
