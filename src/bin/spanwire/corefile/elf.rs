//! Reads an ELF core: which memory of the process it holds, where in the file, and which signal ended the process. The
//! structures are those of `object`. Trusts nothing in the file: checks every number, and leaves out and counts memory
//! that lies beyond the end of the file.

use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};
use object::read::elf::NoteIterator;
use object::{pod, LittleEndian as LE};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A file, or bytes in a test, that can be read at any position.
pub trait Source {
    /// Reads up to `into.len()` bytes from position `at`; returns 0 at the end.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;
    /// Returns the number of bytes.
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

/// A range of memory that the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its position in the file.
    pub at: u64,
    /// Number of bytes in the file.
    pub length: u64,
    /// Its address in the process.
    pub address: u64,
}

/// What a core says about its process.
#[derive(Debug, Default)]
pub struct Core {
    /// The memory.
    pub segments: Vec<Segment>,
    /// The process id.
    pub pid: Option<u32>,
    /// The program's name in the kernel, at most 15 bytes.
    pub program: String,
    /// The signal that ended the process; 0 or `None` if none did.
    pub signal: Option<u16>,
    /// Number of bytes of memory that the headers announce and the file does not have.
    pub missing: u64,
}

const HEADER: usize = size_of::<FileHeader64<LE>>();
const PROGRAM_HEADER: usize = size_of::<ProgramHeader64<LE>>();
/// A process cannot have more mappings than this.
const SEGMENTS_MAX: u32 = 1 << 20;
/// Maximum number of bytes of notes that are read. Notes of hundreds of threads are smaller.
const NOTES_MAX: u64 = 64 << 20;

/// Reads `length` bytes; fewer at the end of the file.
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

/// Parses a core. The error says why the file is not a core, or cannot be read.
pub fn parse(source: &dyn Source) -> Result<Core, String> {
    let failed = |error: io::Error| format!("cannot be read: {error}");
    let length = source.length().map_err(failed)?;
    let head = read(source, 0, HEADER).map_err(failed)?;
    let header = header(&head)?;
    let (table, mut count) = (header.e_phoff.get(LE), u32::from(header.e_phnum.get(LE)));
    if count == u32::from(elf::PN_XNUM) {
        // The count does not fit into the header; it is in the first section header.
        let section = read(source, header.e_shoff.get(LE), size_of::<SectionHeader64<LE>>()).map_err(failed)?;
        count = pod::from_bytes::<SectionHeader64<LE>>(&section).map_or(0, |(section, _)| section.sh_info.get(LE));
    }
    if table == 0 || count == 0 || count > SEGMENTS_MAX {
        return Err("is a damaged core: it has no table of its memory".into());
    }
    let headers = read(source, table, count as usize * PROGRAM_HEADER).map_err(failed)?;
    let Ok((headers, _)) = pod::slice_from_bytes::<ProgramHeader64<LE>>(&headers, count as usize) else {
        return Err("is cut short: not even the table of its memory is whole".into());
    };
    let mut core = Core::default();
    for header in headers {
        let (at, wanted) = (header.p_offset.get(LE), header.p_filesz.get(LE));
        let there = wanted.min(length.saturating_sub(at));
        match header.p_type.get(LE) {
            elf::PT_LOAD => {
                core.missing = core.missing.saturating_add(wanted - there);
                if there > 0 {
                    core.segments.push(Segment { at, length: there, address: header.p_vaddr.get(LE) });
                }
            }
            elf::PT_NOTE => notes(&read(source, at, there.min(NOTES_MAX) as usize).map_err(failed)?, &mut core),
            _ => {}
        }
    }
    Ok(core)
}

/// Returns the header of a core of a 64-bit, little-endian machine. The error says why it is not such a core.
fn header(head: &[u8]) -> Result<&FileHeader64<LE>, String> {
    let compressed = [(&b"\x28\xb5\x2f\xfd"[..], "zstd"), (b"\x1f\x8b", "gzip"), (b"\x04\x22\x4d\x18", "lz4")];
    if let Some((_, name)) = compressed.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(format!("is compressed with {name}: decompress it first, or get it with `coredumpctl dump`"));
    }
    if !head.starts_with(&elf::ELFMAG) {
        return Err("is no core: it is no ELF file".into());
    }
    let header = pod::from_bytes::<FileHeader64<LE>>(head).map(|(header, _)| header);
    let is_ours = |ident: &elf::Ident| ident.class == elf::ELFCLASS64 && ident.data == elf::ELFDATA2LSB;
    let Some(header) = header.ok().filter(|header| is_ours(&header.e_ident)) else {
        return Err("is no core of a 64-bit, little-endian machine".into());
    };
    match header.e_type.get(LE) {
        elf::ET_CORE => Ok(header),
        _ => Err("is an ELF file, but no core: give the file that the crash left, not the program".into()),
    }
}

/// Takes the process and the signal from the notes. `object` does not parse the content of these notes, which is the
/// kernel's `struct elf_prstatus` and `struct elf_prpsinfo`.
fn notes(bytes: &[u8], core: &mut Core) {
    let Ok(notes) = NoteIterator::<FileHeader64<LE>>::new(LE, 4, bytes) else { return };
    for note in notes.flatten() {
        let content = note.desc();
        match note.n_type(LE) {
            // The thread that got the signal comes first.
            elf::NT_PRSTATUS if core.signal.is_none() => {
                core.signal = number(content, 12).map(u16::from_le_bytes);
                core.pid = core.pid.or(number(content, 32).map(u32::from_le_bytes));
            }
            elf::NT_PRPSINFO => {
                core.pid = number(content, 24).map(u32::from_le_bytes).or(core.pid);
                let name = content.get(40..56).unwrap_or_default();
                let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
                core.program = String::from_utf8_lossy(&name[..end]).into_owned();
            }
            _ => {}
        }
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
