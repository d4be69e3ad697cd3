//! As much of an ELF core as is needed: which memory it holds where in the file, of which process, and what ended it. It
//! trusts nothing: every number is checked, and what is beyond the file is left out and told.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that can be read at any place.
pub trait Source {
    /// Reads up to `into.len()` bytes from `at`; 0 at the end.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;
    /// How many there are.
    fn length(&self) -> io::Result<u64>;
}

impl Source for File {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, at)
    }

    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|facts| facts.len())
    }
}

/// A piece of memory in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins in the file.
    pub at: u64,
    /// How many bytes of it are in the file.
    pub length: u64,
    /// Where it lay in the process.
    pub address: u64,
}

/// What is known of a core.
#[derive(Debug, Default)]
pub struct Core {
    /// Its memory.
    pub segments: Vec<Segment>,
    /// The process.
    pub pid: Option<u32>,
    /// The program's name, as the kernel knew it.
    pub program: String,
    /// The signal that ended it; 0 or `None` where it was none.
    pub signal: Option<u16>,
    /// Bytes of memory that should be in the file and are not.
    pub missing: u64,
}

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const CORE: u16 = 4;
const LOAD: u32 = 1;
const NOTE: u32 = 4;
/// More than a process can have mappings.
const SEGMENTS_MAX: u64 = 1 << 20;
/// Notes of hundreds of threads are smaller.
const NOTES_MAX: u64 = 64 << 20;
const PRSTATUS: u32 = 1;
const PRPSINFO: u32 = 3;

/// Reads up to `length` bytes; fewer at the end.
pub fn read(source: &dyn Source, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let (mut bytes, mut have) = (vec![0; length], 0);
    while have < length {
        match source.read_at(&mut bytes[have..], at.saturating_add(have as u64)) {
            Ok(0) => break,
            Ok(got) => have += got.min(length - have),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(have);
    Ok(bytes)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let mut whole = [0; 8];
    whole[..N].copy_from_slice(bytes.get(at..at.checked_add(N)?)?);
    Some(u64::from_le_bytes(whole))
}

/// Takes a core apart, or says why it is none.
pub fn parse(source: &dyn Source) -> Result<Core, String> {
    let failed = |error: io::Error| format!("cannot be read: {error}");
    let length = source.length().map_err(failed)?;
    let head = read(source, 0, HEADER).map_err(failed)?;
    is_core(&head)?;
    let (table, mut count) = (number::<8>(&head, 32), number::<2>(&head, 56).unwrap_or(0));
    if count == 0xffff {
        // So many that the number stands elsewhere: in the first section header.
        let section = number::<8>(&head, 40).unwrap_or(0);
        let section = read(source, section, 64).map_err(failed)?;
        count = number::<4>(&section, 44).unwrap_or(0);
    }
    let Some(table) = table.filter(|&at| at > 0 && count > 0 && count <= SEGMENTS_MAX) else {
        return Err("is a damaged core: it has no table of its memory".into());
    };
    let headers = read(source, table, count as usize * PROGRAM_HEADER).map_err(failed)?;
    if headers.len() < count as usize * PROGRAM_HEADER {
        return Err("is cut short: not even the table of its memory is whole".into());
    }
    let mut core = Core::default();
    for header in headers.chunks_exact(PROGRAM_HEADER) {
        let (kind, at) = (number::<4>(header, 0).unwrap_or(0) as u32, number::<8>(header, 8).unwrap_or(0));
        let wanted = number::<8>(header, 32).unwrap_or(0);
        let there = wanted.min(length.saturating_sub(at));
        match kind {
            LOAD => {
                core.missing = core.missing.saturating_add(wanted - there);
                if there > 0 {
                    let address = number::<8>(header, 16).unwrap_or(0);
                    core.segments.push(Segment { at, length: there, address });
                }
            }
            NOTE => notes(&read(source, at, there.min(NOTES_MAX) as usize).map_err(failed)?, &mut core),
            _ => {}
        }
    }
    Ok(core)
}

fn is_core(head: &[u8]) -> Result<(), String> {
    let compressed = [(&b"\x28\xb5\x2f\xfd"[..], "zstd"), (b"\x1f\x8b", "gzip"), (b"\x04\x22\x4d\x18", "lz4")];
    if let Some((_, name)) = compressed.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(format!("is compressed with {name}: decompress it first, or have it from `coredumpctl dump`"));
    }
    if !head.starts_with(b"\x7fELF") {
        return Err("is no core: it is no ELF file".into());
    }
    if head.len() < HEADER || head[4] != 2 || head[5] != 1 {
        return Err("is no core of a 64-bit, little-endian machine".into());
    }
    match number::<2>(head, 16) {
        Some(kind) if kind == u64::from(CORE) => Ok(()),
        _ => Err("is an ELF file, but no core: give the file that the crash left, not the program".into()),
    }
}

/// The process and what ended it, from the first notes that tell.
fn notes(bytes: &[u8], core: &mut Core) {
    let mut rest = bytes;
    while let (Some(name), Some(data), Some(kind)) = (number::<4>(rest, 0), number::<4>(rest, 4), number::<4>(rest, 8))
    {
        let padded = |length: u64| length.next_multiple_of(4) as usize;
        let begin = 12 + padded(name);
        let Some(content) = rest.get(begin..begin.saturating_add(data as usize)) else { return };
        match kind as u32 {
            // The thread that got the signal comes first.
            PRSTATUS if core.signal.is_none() => {
                core.signal = number::<2>(content, 12).map(|signal| signal as u16);
                core.pid = core.pid.or(number::<4>(content, 32).map(|pid| pid as u32));
            }
            PRPSINFO => {
                core.pid = number::<4>(content, 24).map(|pid| pid as u32).or(core.pid);
                let name = content.get(40..56).unwrap_or_default();
                let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
                core.program = String::from_utf8_lossy(&name[..end]).into_owned();
            }
            _ => {}
        }
        let Some(after) = rest.get(begin.saturating_add(padded(data))..) else { return };
        rest = after;
    }
}
