//! Reads log files line by line, in bounded memory whatever the file contains, with a progress bar for long files on a
//! terminal. Errors say what to do.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;

/// Bytes of a line that are read; the rest of a longer line is skipped.
const LINE_MAX: usize = 256 * 1024;
/// Size of the read buffer.
const CHUNK: usize = 1024 * 1024;
/// Files of at least this size get a progress bar.
const LONG: u64 = 32 * 1024 * 1024;
/// Bytes between two updates of the progress bar.
const STEP: u64 = 4 * 1024 * 1024;

/// What was read of one file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Number of bytes.
    pub bytes: u64,
    /// Number of lines, including a last line without a newline.
    pub lines: u64,
    /// Number of lines longer than [`LINE_MAX`].
    pub cut: u64,
    /// Number of bytes that do not occur in text.
    pub binary: u64,
}

/// Calls `each` with every line of `path` (`-`: standard input), without its line end. The error says what to do.
pub fn read(path: &Path, each: impl FnMut(&[u8])) -> Result<Extent, String> {
    if path == Path::new("-") {
        return lines(BufReader::with_capacity(CHUNK, io::stdin().lock()), "standard input", None, each);
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| trouble(&name, &error))?;
    let facts = file.metadata().map_err(|error| trouble(&name, &error))?;
    if facts.is_dir() {
        return Err(format!("{name} is a folder; give the log files in it"));
    }
    let bar = (facts.len() >= LONG && io::stderr().is_terminal()).then_some(Bar { all: facts.len(), shown: 0 });
    lines(BufReader::with_capacity(CHUNK, file), &name, bar, each)
}

/// Calls `each` with every line of a text that was read already.
pub fn read_bytes(name: &str, bytes: &[u8], each: impl FnMut(&[u8])) -> Result<Extent, String> {
    lines(bytes, name, None, each)
}

fn trouble(name: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{name} does not exist; the program logs to DD_TRACE_LOG_FILE if that is set, otherwise usually to standard error")
        }
        io::ErrorKind::PermissionDenied => {
            format!("this user may not read {name}; run this as the owner of the file, or as root")
        }
        _ => format!("{name} cannot be read: {error}"),
    }
}

/// Returns advice if the first bytes show that the file is compressed or not in UTF-8.
fn packed(name: &str, start: &[u8]) -> Option<String> {
    let unpack = match start {
        [0x1f, 0x8b, ..] => "gzip; run `zcat",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd; run `zstdcat",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "xz; run `xzcat",
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "bzip2; run `bzcat",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text; run `iconv -f UTF-16 -t UTF-8",
        [b'P', b'K', 3, 4, ..] => return Some(format!("{name} is a zip archive; run `spanwire flare show {name}`")),
        _ => return None,
    };
    let file = if name == "standard input" { "FILE" } else { name };
    Some(format!("{name} is {unpack} {file} | spanwire doctor -`"))
}

fn lines(
    mut input: impl BufRead,
    name: &str,
    mut bar: Option<Bar>,
    mut each: impl FnMut(&[u8]),
) -> Result<Extent, String> {
    let failed = |error: io::Error| trouble(name, &error);
    let start = input.fill_buf().map_err(failed)?;
    if let Some(advice) = packed(name, start) {
        return Err(advice);
    }
    let mut extent = Extent::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut length = (&mut input).take(LINE_MAX as u64).read_until(b'\n', &mut line).map_err(failed)?;
        if length == 0 {
            break;
        }
        if length == LINE_MAX && line.last() != Some(&b'\n') {
            extent.cut += 1;
            length += input.skip_until(b'\n').map_err(failed)?;
        }
        extent.bytes += length as u64;
        extent.lines += 1;
        if extent.lines <= 1000 {
            extent.binary += line.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127)).count() as u64;
        }
        // Skip NUL bytes at the start of a line: they remain if a file is truncated while a process writes to it.
        let from = if line[0] == 0 { line.iter().position(|b| *b != 0).unwrap_or(line.len()) } else { 0 };
        let mut kept = &line[from..];
        while let [rest @ .., b'\n' | b'\r'] = kept {
            kept = rest;
        }
        each(kept);
        if let Some(bar) = &mut bar {
            bar.at(extent.bytes);
        }
    }
    if let Some(bar) = &mut bar {
        bar.clear();
    }
    Ok(extent)
}

/// A progress bar on standard error.
struct Bar {
    all: u64,
    shown: u64,
}

impl Bar {
    fn at(&mut self, bytes: u64) {
        if bytes < self.shown + STEP {
            return;
        }
        self.shown = bytes;
        let percent = (bytes.min(self.all) * 100 / self.all.max(1)) as usize;
        let (done, left) = ("#".repeat(percent / 4), ".".repeat(25 - percent / 4));
        let (read, all) = (bytes >> 20, self.all >> 20);
        let _ = write!(io::stderr(), "\r  [{done}{left}] {percent:>3}%  {read} of {all} MiB");
    }

    fn clear(&mut self) {
        if self.shown > 0 {
            let _ = write!(io::stderr(), "\r{:60}\r", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> (Extent, Vec<Vec<u8>>) {
        let mut got = Vec::new();
        let extent = lines(BufReader::with_capacity(7, bytes), "x", None, |line| got.push(line.to_vec()));
        (extent.expect("readable"), got)
    }

    #[test]
    fn lines_lose_their_ends_and_the_nuls_before_them() {
        let (extent, got) = of(b"one\r\n\ntwo\n\0\0\0three\xff");
        assert_eq!(got, [b"one".to_vec(), b"".to_vec(), b"two".to_vec(), b"three\xff".to_vec()]);
        assert_eq!((extent.bytes, extent.lines, extent.cut, extent.binary), (19, 4, 0, 3));
        assert_eq!(of(b"").0.lines, 0);
    }

    #[test]
    fn a_line_of_any_length_is_cut_and_the_next_one_is_whole() {
        let (extent, got) = of(&[&[b'x'; 3 * LINE_MAX][..], b"\nnext\n"].concat());
        assert_eq!((got[0].len(), got[1].as_slice(), got.len()), (LINE_MAX, &b"next"[..], 2));
        assert_eq!((extent.bytes, extent.cut), (3 * LINE_MAX as u64 + 6, 1));
    }

    #[test]
    fn packed_files_are_named_with_the_way_to_read_them() {
        let told = lines(&b"\x1f\x8b\x08\0"[..], "a.gz", None, |_| {}).expect_err("packed");
        assert_eq!(told, "a.gz is gzip; run `zcat a.gz | spanwire doctor -`");
    }
}
