//! Reads the memory of a running process, and finds the library's table in it. The process is not stopped: what changes
//! meanwhile is checked by the reader of the table.

use spanwire::companion::inspect::MAGIC;
use spanwire::companion::report::{Image, Memory};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The most bytes of one mapping that are searched.
const MAPPING_MAX: u64 = 64 << 20;

struct ProcessMemory(File);

impl Memory for ProcessMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        self.0.read_exact_at(into, address).is_ok()
    }
}

/// Returns what the library's table describes; `None` if the process has not called the library, or if its memory
/// cannot be read. If the process has several copies of the library, this is the first that was used.
pub fn image(pid: u32, maps: &str) -> Option<Image> {
    let memory = ProcessMemory(File::open(format!("/proc/{pid}/mem")).ok()?);
    // The table is initialised data of the library or of a program that contains it.
    let data = maps.lines().filter_map(mapping).filter(|mapping| mapping.writable && mapping.path.starts_with('/'));
    for Mapping { from, to, .. } in data {
        let mut bytes = vec![0; (to - from).min(MAPPING_MAX) as usize];
        if !memory.read(from, &mut bytes) {
            continue;
        }
        let words = bytes.chunks(8).enumerate().filter(|(_, word)| *word == &MAGIC[..8]);
        for at in words.map(|(n, _)| n * 8).filter(|at| bytes[*at..].starts_with(&MAGIC)) {
            if let Ok(Some(image)) = Image::of(&memory, from + at as u64) {
                return Some(image);
            }
        }
    }
    None
}

/// Returns the effective user id.
pub fn me() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::geteuid() }
}

/// Returns the paths of the libraries and programs that are mapped to run, each once.
pub fn libraries(maps: &str) -> Vec<String> {
    let mut paths: Vec<String> = maps
        .lines()
        .filter_map(mapping)
        .filter(|mapping| mapping.runs && mapping.path.starts_with('/'))
        .map(|mapping| mapping.path.trim_end_matches(" (deleted)").to_owned())
        .collect();
    paths.dedup();
    paths
}

struct Mapping<'a> {
    from: u64,
    to: u64,
    writable: bool,
    runs: bool,
    path: &'a str,
}

/// Reads a line of /proc/PID/maps.
fn mapping(line: &str) -> Option<Mapping<'_>> {
    let mut fields = line.splitn(6, ' ');
    let (from, to) = fields.next()?.split_once('-')?;
    let (rights, _offset, _device, _inode) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let number = |text| u64::from_str_radix(text, 16).ok();
    let (from, to) = (number(from)?, number(to)?);
    let path = fields.next().unwrap_or_default().trim();
    (to > from).then_some(Mapping { from, to, writable: rights.contains('w'), runs: rights.contains('x'), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps_are_read() {
        let line = "7f00-8f00 r-xp 00001000 fe:00 1234                       /usr/lib/lib a.so";
        let read = mapping(line).expect("a mapping");
        assert_eq!((read.from, read.to, read.runs, read.writable), (0x7f00, 0x8f00, true, false));
        assert_eq!(read.path, "/usr/lib/lib a.so");
        assert!(mapping("").is_none() && mapping("9-1 rw-p 0 0 0").is_none());
        let maps = format!("{line}\n{line}\n1000-2000 rw-p 0 00:00 0 [heap]\n1000-2000 r-xp 0 00:00 0 [vdso]\n");
        assert_eq!(libraries(&maps), ["/usr/lib/lib a.so"]);
    }
}
