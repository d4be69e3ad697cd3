//! Zone files, as `/etc/localtime` is one (TZif, RFC 8536): the changes of a place's clocks. Every number in them is
//! checked; a file that is none gives nothing.

// Reads files.
#![allow(clippy::disallowed_methods)]

use super::rule::Rule;
use crate::sys;
use std::path::PathBuf;

/// Larger than any zone file.
const SIZE_MAX: u64 = 1 << 20;
const FOLDER: &str = "/usr/share/zoneinfo";

/// A change of the clocks: from when on, seconds east of UTC, and what that is called.
pub type Change = (i64, i32, String);

/// The place of a process: what its environment says in `TZ`, else the machine's. Changes until the year `last`.
pub fn changes(tz: Option<&str>, last: i64) -> Option<Vec<Change>> {
    let Some(text) = tz else { return read(PathBuf::from("/etc/localtime"), last) };
    let text = text.strip_prefix(':').unwrap_or(text);
    let path = PathBuf::from(FOLDER).join(text);
    match text {
        "" => None,
        // A name only: nothing that leads out of the folder.
        _ if text.starts_with('/') || !text.contains("..") => read(path, last).or_else(|| ruled(text, last)),
        _ => ruled(text, last),
    }
}

fn ruled(text: &str, last: i64) -> Option<Vec<Change>> {
    let rule = Rule::parse(text)?;
    Some((last - 6..=last).flat_map(|year| owned(&rule, year)).collect())
}

fn owned(rule: &Rule, year: i64) -> Vec<Change> {
    rule.changes(year).into_iter().map(|(at, offset, name)| (at, offset, name.to_string())).collect()
}

fn read(path: PathBuf, last: i64) -> Option<Vec<Change>> {
    std::fs::metadata(&path).ok().filter(|facts| facts.is_file() && facts.len() <= SIZE_MAX)?;
    parse(&sys::read_file(&path, SIZE_MAX).ok()?, last)
}

/// The counts of a header: local and standard marks, leap seconds, changes, kinds of offset, bytes of names.
fn header(bytes: &[u8]) -> Option<[usize; 6]> {
    if !bytes.starts_with(b"TZif") {
        return None;
    }
    let mut counts = [0; 6];
    for (count, four) in counts.iter_mut().zip(bytes.get(20..44)?.chunks_exact(4)) {
        *count = u32::from_be_bytes(four.try_into().ok()?) as usize;
    }
    counts.iter().all(|&count| count <= SIZE_MAX as usize).then_some(counts)
}

fn parse(bytes: &[u8], last: i64) -> Option<Vec<Change>> {
    let [utc, standard, leaps, changes, kinds, names] = header(bytes)?;
    // The first table has times of 32 bits; the second one, where there is one, of 64.
    let first = changes * 5 + kinds * 6 + names + leaps * 8 + standard + utc;
    let second = bytes.get(44 + first..).filter(|_| bytes.get(4).is_some_and(|&version| version >= b'2'));
    match second {
        Some(second) => table(second, 8, last),
        None => table(bytes, 4, last),
    }
}

fn table(bytes: &[u8], width: usize, last: i64) -> Option<Vec<Change>> {
    let [utc, standard, leaps, count, kinds, names] = header(bytes)?;
    let body = bytes.get(44..)?;
    let times = body.get(..count * width)?;
    let indices = body.get(count * width..count * (width + 1))?;
    let body = body.get(count * (width + 1)..)?;
    let (offsets, body) = (body.get(..kinds * 6)?, body.get(kinds * 6..)?);
    let name_bytes = body.get(..names)?;
    let kind = |index: usize| -> Option<(i32, String)> {
        let kind = offsets.get(index * 6..index * 6 + 6)?;
        let name = name_bytes.get(usize::from(kind[5])..)?;
        let name = &name[..name.iter().position(|&byte| byte == 0)?];
        Some((i32::from_be_bytes(kind[..4].try_into().ok()?), String::from_utf8_lossy(name).into_owned()))
    };
    let (offset, name) = kind(0)?;
    let mut changes = vec![(i64::MIN, offset, name)];
    for (time, &index) in times.chunks_exact(width).zip(indices) {
        let at = match width {
            8 => i64::from_be_bytes(time.try_into().ok()?),
            _ => i64::from(i32::from_be_bytes(time.try_into().ok()?)),
        };
        let (offset, name) = kind(index.into())?;
        changes.push((at, offset, name));
    }
    let footer = body.get(names + leaps * (width + 4) + standard + utc..).unwrap_or_default();
    let rule = std::str::from_utf8(footer).ok().and_then(|footer| Rule::parse(footer.trim_matches('\n')));
    if let Some(rule) = rule.filter(|_| width == 8) {
        let known = changes.last().map_or(i64::MIN, |change| change.0);
        changes.extend((last - 6..=last).flat_map(|year| owned(&rule, year)).filter(|change| change.0 > known));
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_no_zone_and_nothing_worse() {
        let Ok(whole) = std::fs::read("/usr/share/zoneinfo/Europe/Berlin") else { return };
        assert!(parse(&whole, 2030).is_some_and(|changes| changes.len() > 10));
        for end in 0..whole.len() {
            let _ = parse(&whole[..end], 2030);
        }
        let mut bytes = whole.clone();
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0xff] {
                bytes[at] = value;
                let _ = parse(&bytes, 2030);
            }
            bytes[at] = whole[at];
        }
        assert_eq!(parse(b"no zone", 2030), None);
    }
}
