//! Reads the table of type descriptors of a process: this one, another one, or a core. Knows the form of the table, and
//! types and fields by name; contains no layout of a structure. The bytes may be of another version, cut short, half
//! changed or forged: every number is checked before it is used, and the bytes read in all are bounded.

use crate::inspect::table::{MAGIC, VERSION};
use crate::inspect::Kind;
use std::cell::Cell;
use std::fmt;

/// Upper bounds of what a table may claim: size of a structure, number of types, fields of each, bytes of a block.
const SIZE_MAX: usize = 1 << 20;
const TYPES_MAX: u64 = 256;
const FIELDS_MAX: u64 = 1024;
const BLOCK_MAX: u64 = 64 << 20;
/// Maximum number of bytes read in all: several times what spans may occupy.
const READ_MAX: u64 = 1 << 30;
/// Sizes of version 1. A larger size has unknown data behind what is known here.
const ROOT: usize = 64;
const DESCRIPTOR: usize = 64;
const FIELD: usize = 48;

/// The memory of a process.
pub trait Memory {
    /// Fills `into` from an address on; false where not all of it can be read.
    fn read(&self, address: u64, into: &mut [u8]) -> bool;
}

/// Why a table cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin with the magic bytes.
    NoTable,
    /// An unknown version.
    Version(u32),
    /// It contains something impossible.
    Damaged(String),
    /// A part of it cannot be read: a core may have been written without it.
    Missing(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoTable => f.write_str("it does not begin as the library's table does"),
            Fault::Version(version) => write!(
                f,
                "the library's table is version {version}, and this reader knows version {VERSION}: use the reader that came \
                 with that library"
            ),
            Fault::Damaged(what) => write!(f, "the library's table is damaged: {what}"),
            Fault::Missing(what) => write!(f, "the library's table is damaged or was left out: {what}"),
        }
    }
}

#[derive(Debug)]
struct FieldRead {
    name: String,
    offset: usize,
    size: usize,
    kind: u32,
    of: u32,
}

/// A type descriptor that was read.
#[derive(Debug)]
pub struct TypeRead {
    name: String,
    fields: Vec<FieldRead>,
    stride: usize,
    base: u64,
    count: u64,
    form: u32,
    per: u64,
}

impl TypeRead {
    fn field(&self, name: &str) -> Option<&FieldRead> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the names of its unsigned numbers, in order.
    pub fn numbers(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|field| field.kind == Kind::Unsigned as u32).map(|field| field.name.as_str())
    }

    /// Returns the distance between two structures in bytes.
    pub fn stride(&self) -> usize {
        self.stride
    }
}

/// A reader of one process's table.
pub struct Reader<'m> {
    memory: &'m dyn Memory,
    descriptors: Vec<TypeRead>,
    left: Cell<u64>,
    /// Whether some memory that the table refers to could not be read.
    missing: Cell<bool>,
    /// The library's version as text.
    pub library: String,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Returns the name up to its NUL, if it is printable.
fn name(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    let plain = end > 0 && bytes[..end].iter().all(u8::is_ascii_graphic);
    plain.then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
}

impl<'m> Reader<'m> {
    /// Reads the table whose root is at this address. `None` if the process has made no call of the library.
    pub fn open(memory: &'m dyn Memory, root: u64) -> Result<Option<Reader<'m>>, Fault> {
        let missing = |what: &str| Fault::Missing(what.into());
        let mut reader = Reader {
            memory,
            descriptors: Vec::new(),
            left: Cell::new(READ_MAX),
            missing: Cell::new(false),
            library: String::new(),
        };
        let head = reader.block(root, ROOT).ok_or_else(|| missing("its root cannot be read"))?;
        if head[..16] != MAGIC {
            return Err(Fault::NoTable);
        }
        if u32_at(&head, 16) != VERSION {
            return Err(Fault::Version(u32_at(&head, 16)));
        }
        let size = |at: usize, least: usize| match u32_at(&head, at) as usize {
            size if (least..=4096).contains(&size) => Ok(size),
            size => Err(Fault::Damaged(format!("one of its sizes is {size}"))),
        };
        let (_, descriptor, field) = (size(20, ROOT)?, size(24, DESCRIPTOR)?, size(28, FIELD)?);
        reader.library = name(&head[32..48]).unwrap_or_default();
        let (descriptors, count) = (u64_at(&head, 48), u64_at(&head, 56));
        if descriptors == 0 || count == 0 {
            return Ok(None);
        }
        if count > TYPES_MAX {
            return Err(Fault::Damaged(format!("it says that it has {count} type descriptors")));
        }
        let entries = reader
            .block(descriptors, descriptor * count as usize)
            .ok_or_else(|| missing("its type descriptors cannot be read"))?;
        for entry in entries.chunks_exact(descriptor) {
            let read = reader.descriptor_of(entry, field, count)?;
            reader.descriptors.push(read);
        }
        Ok(Some(reader))
    }

    fn descriptor_of(&self, entry: &[u8], field: usize, descriptors: u64) -> Result<TypeRead, Fault> {
        let damaged = |what: String| Fault::Damaged(what);
        let title = name(&entry[..24]).ok_or_else(|| damaged("a type descriptor has no name".into()))?;
        let (count, stride) = (u64::from(u32_at(entry, 32)), u32_at(entry, 36) as usize);
        if count > FIELDS_MAX || stride == 0 || stride > SIZE_MAX {
            return Err(damaged(format!("{title} has {count} fields, and {stride} bytes")));
        }
        let bytes = self.block(u64_at(entry, 24), field * count as usize);
        let bytes = bytes.ok_or_else(|| Fault::Missing(format!("the fields of {title} cannot be read")))?;
        let mut fields = Vec::new();
        for entry in bytes.chunks_exact(field) {
            let inner = name(&entry[..32]).ok_or_else(|| damaged(format!("a field of {title} has no name")))?;
            let read = FieldRead {
                name: inner,
                offset: u32_at(entry, 32) as usize,
                size: u32_at(entry, 36) as usize,
                kind: u32_at(entry, 40),
                of: u32_at(entry, 44),
            };
            let (end, known) =
                (read.offset.checked_add(read.size), u64::from(read.of) < descriptors || read.of == u32::MAX);
            if end.is_none_or(|end| end > stride) || !known {
                return Err(damaged(format!("{title}.{} does not fit", read.name)));
            }
            fields.push(read);
        }
        let (form, per) = (u32_at(entry, 56), u64::from(u32_at(entry, 60)));
        let (base, count) = (u64_at(entry, 40), u64_at(entry, 48));
        Ok(TypeRead { name: title, fields, stride, base, count, form, per })
    }

    /// Reads this many bytes from an address.
    pub fn block(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let read = self.try_block(address, length);
        if read.is_none() {
            self.missing.set(true);
        }
        read
    }

    fn try_block(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let left = self.left.get().checked_sub(length as u64).filter(|_| length as u64 <= BLOCK_MAX)?;
        self.left.set(left);
        // In steps, so that an impossible length fails before memory is allocated for it.
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let (from, step) = (bytes.len(), (length - bytes.len()).min(1 << 20));
            bytes.try_reserve(step).ok()?;
            bytes.resize(from + step, 0);
            if !self.memory.read(address.checked_add(from as u64)?, &mut bytes[from..]) {
                return None;
            }
        }
        Some(bytes)
    }

    /// Notes that some memory to which the table refers is missing.
    pub fn miss(&self) {
        self.missing.set(true);
    }

    /// Whether some memory that the table refers to could not be read.
    pub fn misses(&self) -> bool {
        self.missing.get()
    }

    /// Returns the type descriptor of this name.
    pub fn descriptor(&self, name: &str) -> Option<&TypeRead> {
        self.descriptors.iter().find(|descriptor| descriptor.name == name)
    }

    fn by_index(&self, index: u32) -> Option<&TypeRead> {
        self.descriptors.get(index as usize)
    }

    /// Visits all structures of a type that are in an array or reached through a directory, with their index, until
    /// `visit` returns false.
    pub fn each(&self, name: &str, visit: &mut dyn FnMut(u64, View<'_>) -> bool) {
        let Some(descriptor) = self.descriptor(name) else { return };
        let mut row = |base: u64, count: u64, first: u64| {
            let length = count.saturating_mul(descriptor.stride as u64).min(BLOCK_MAX + 1) as usize;
            let Some(bytes) = self.block(base, length) else { return true };
            let views = bytes.chunks_exact(descriptor.stride).enumerate();
            views
                .map(|(n, bytes)| (first + n as u64, View { reader: self, descriptor, bytes }))
                .all(|(n, view)| visit(n, view))
        };
        match descriptor.form {
            1 => {
                row(descriptor.base, descriptor.count, 0);
            }
            2 => {
                for group in 0..descriptor.count.min(1 << 22) {
                    let pointer = self.block(descriptor.base.saturating_add(group * 8), 8);
                    let pointer = pointer.map_or(0, |bytes| u64_at(&bytes, 0));
                    if pointer == 0 || !row(pointer, descriptor.per, group.saturating_mul(descriptor.per)) {
                        return;
                    }
                }
            }
            _ => {}
        }
    }
}

/// A view of one structure.
#[derive(Clone, Copy)]
pub struct View<'a> {
    reader: &'a Reader<'a>,
    descriptor: &'a TypeRead,
    bytes: &'a [u8],
}

/// Copies of several structures.
pub struct Block<'a> {
    reader: &'a Reader<'a>,
    descriptor: &'a TypeRead,
    bytes: Vec<u8>,
}

impl Block<'_> {
    /// Returns a view of each.
    pub fn views(&self) -> impl Iterator<Item = View<'_>> {
        let (reader, descriptor) = (self.reader, self.descriptor);
        self.bytes.chunks_exact(descriptor.stride).map(move |bytes| View { reader, descriptor, bytes })
    }
}

impl<'a> View<'a> {
    /// Views bytes that were read elsewhere as a structure of this type.
    pub fn of(reader: &'a Reader<'a>, descriptor: &'a TypeRead, bytes: &'a [u8]) -> Option<View<'a>> {
        bytes.get(..descriptor.stride).map(|bytes| View { reader, descriptor, bytes })
    }

    fn place(&self, name: &str) -> Option<(&'a FieldRead, &'a [u8])> {
        let field = self.descriptor.field(name)?;
        self.bytes.get(field.offset..field.offset + field.size).map(|bytes| (field, bytes))
    }

    /// Returns an unsigned number.
    pub fn number(&self, name: &str) -> Option<u64> {
        let (_, bytes) = self.place(name)?;
        let mut whole = [0; 8];
        whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(whole))
    }

    /// Returns a signed number.
    pub fn signed(&self, name: &str) -> Option<i64> {
        let (_, bytes) = self.place(name)?;
        let bits = 8 * bytes.len() as u32;
        let number = self.number(name)?;
        (1..=64).contains(&bits).then(|| (number << (64 - bits)) as i64 >> (64 - bits))
    }

    /// Returns a structure inside this one.
    pub fn one(&self, name: &str) -> Option<View<'a>> {
        let (field, bytes) = self.place(name)?;
        View::of(self.reader, self.reader.by_index(field.of)?, bytes)
    }

    /// Returns the structures inside this one, or those to which its `Vec`, `VecDeque` or pointer refers.
    pub fn several(&self, name: &str) -> Option<Block<'a>> {
        let (field, bytes) = self.place(name)?;
        let (reader, descriptor) = (self.reader, self.reader.by_index(field.of)?);
        let stride = descriptor.stride as u64;
        let size = |count: u64| count.checked_mul(stride).filter(|&size| size <= BLOCK_MAX).map(|size| size as usize);
        let words = |name| View::of(reader, reader.descriptor(name)?, bytes);
        let bytes = match field.kind {
            kind if kind == Kind::Array as u32 => bytes.to_vec(),
            kind if kind == Kind::Vec as u32 => {
                let vec = words("vec")?;
                let length = vec.number("length")?;
                if length == 0 {
                    Vec::new()
                } else {
                    reader.block(vec.number("pointer")?, size(length)?)?
                }
            }
            kind if kind == Kind::Deque as u32 => deque(reader, words("deque")?, stride, size)?,
            kind if kind == Kind::Pointer as u32 => match u64_at(bytes, 0) {
                0 => Vec::new(),
                address => reader.block(address, descriptor.stride)?,
            },
            _ => return None,
        };
        Some(Block { reader, descriptor, bytes })
    }

    /// Returns the first `length` bytes of a `Vec<u8>`; `None` if it has fewer.
    pub fn first_bytes(&self, name: &str, length: u64) -> Option<Vec<u8>> {
        let (field, bytes) = self.place(name)?;
        let vec = View::of(self.reader, self.reader.descriptor("vec")?, bytes)?;
        if field.kind != Kind::Vec as u32 || length > vec.number("length")?.min(BLOCK_MAX) {
            return None;
        }
        if length == 0 {
            return Some(Vec::new());
        }
        self.reader.block(vec.number("pointer")?, length as usize)
    }

    /// Returns the bytes of a `Vec<u8>`.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.several(name).map(|block| block.bytes)
    }
}

/// Reads the items of a ring, which lie in up to two pieces.
fn deque(reader: &Reader<'_>, words: View<'_>, stride: u64, size: impl Fn(u64) -> Option<usize>) -> Option<Vec<u8>> {
    let [pointer, capacity, head, length] =
        ["pointer", "capacity", "head", "length"].map(|name| words.number(name).unwrap_or(u64::MAX));
    if length == 0 {
        return Some(Vec::new());
    }
    if length > capacity || head >= capacity {
        return None;
    }
    let first = length.min(capacity - head);
    let mut bytes = reader.block(pointer.checked_add(head.checked_mul(stride)?)?, size(first)?)?;
    if length > first {
        bytes.extend(reader.block(pointer, size(length - first)?)?);
    }
    Some(bytes)
}
