//! Tests with cores that are made here: complete, truncated, of another kind, damaged.

use super::elf::Source;
use super::*;
use spanwire::companion::recorder::layout;
use std::io;

mod tables;

struct Bytes(Vec<u8>);

impl Source for Bytes {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let from = self.0.get(at.min(self.0.len() as u64) as usize..).unwrap_or_default();
        let length = from.len().min(into.len());
        into[..length].copy_from_slice(&from[..length]);
        Ok(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

/// Finds the recorder in a core.
fn recorder(source: &dyn Source) -> Result<(Core, Found), String> {
    let core = elf::parse(source)?;
    let found = super::recorder::find(source, &core)?;
    Ok((core, found))
}

/// A recorder of process 77 with one tracer's place in use and no events. It has its first size, so that thousands of copies are
/// read quickly.
fn recorder_words() -> Vec<u64> {
    let mut words = vec![0; layout::FIRST_WORDS];
    let mut set = |at: usize, value: usize| words[at] = value as u64;
    set(layout::header::VERSION, 1);
    set(layout::header::WORDS, layout::FIRST_WORDS);
    set(layout::header::FATES_AT, layout::FATES_AT);
    set(layout::header::FATES, layout::FATES_FIRST);
    set(layout::header::FATE_WORDS, layout::FATE_WORDS);
    set(layout::header::HEADER, layout::HEADER);
    set(layout::header::SHARDS_AT, layout::SHARDS_AT);
    set(layout::header::SHARDS, layout::SHARDS);
    set(layout::header::SHARD_WORDS, layout::SHARD_WORDS);
    set(layout::header::SHARD_HEAD, layout::SHARD_HEAD);
    set(layout::header::EVENTS, layout::EVENTS);
    set(layout::header::EVENT_WORDS, layout::EVENT_WORDS);
    set(layout::header::TRACERS_AT, layout::TRACERS_AT);
    set(layout::header::TRACERS, layout::TRACERS);
    set(layout::header::TRACER_WORDS, layout::TRACER_WORDS);
    set(layout::header::TRACER_HEAD, layout::TRACER_HEAD);
    set(layout::header::PID, 77);
    set(layout::header::EPOCH, 1);
    set(layout::header::RARE_SHARD, layout::RARE_SHARD);
    words[0] = layout::MAGIC;
    words
}

/// Makes a core with a note (process 77, signal 11) and two segments. The second one is the recorder.
fn core() -> Vec<u8> {
    let recorder: Vec<u8> = recorder_words().iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut status = vec![0; 336];
    (status[12], status[32]) = (11, 77);
    let mut note = [5u32.to_le_bytes(), 336u32.to_le_bytes(), 1u32.to_le_bytes()].concat();
    note.extend(b"CORE\0\0\0\0");
    note.extend(status);
    let headers = [(4u32, 8192u64, note.len() as u64), (1, 12_288, 4096), (1, 16_384, recorder.len() as u64)];
    let mut file = vec![0; 16_384 + recorder.len()];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[16] = 4;
    file[32] = 64;
    file[56] = headers.len() as u8;
    for (n, (kind, at, length)) in headers.into_iter().enumerate() {
        let header = &mut file[64 + n * 56..][..56];
        header[..4].copy_from_slice(&kind.to_le_bytes());
        header[8..16].copy_from_slice(&at.to_le_bytes());
        header[32..40].copy_from_slice(&length.to_le_bytes());
    }
    file[8192..8192 + note.len()].copy_from_slice(&note);
    file[16_384..].copy_from_slice(&recorder);
    file
}

#[test]
fn a_cores_recorder_is_found_with_its_process_and_what_ended_it() {
    let (core, found) = recorder(&Bytes(core())).expect("a recorder");
    assert_eq!((core.pid, core.signal, core.missing), (Some(77), Some(11), 0));
    assert_eq!((found.pid, found.own, found.snapshot.pid), (77, true, 77));
}

#[test]
fn one_inside_of_other_memory_is_found_too() {
    let mut file = core();
    // One segment for both.
    file[64 + 56 + 32..64 + 56 + 40].copy_from_slice(&(4096 + layout::FIRST_WORDS as u64 * 8).to_le_bytes());
    file[64 + 112..64 + 116].copy_from_slice(&0u32.to_le_bytes());
    assert_eq!(recorder(&Bytes(file)).expect("a recorder").1.snapshot.pid, 77);
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let says = |file: &[u8], words: &str| {
        let why = recorder(&Bytes(file.to_vec())).expect_err(words);
        assert!(why.contains(words), "{why}");
    };
    let whole = core();
    says(b"", "no ELF file");
    says(b"\x28\xb5\x2f\xfd and more", "zstd");
    says(b"just a text", "no ELF file");
    says(&whole[..100], "not even the table");
    says(&whole[..17_000], "cannot be read: it is cut short");
    says(&whole[..16_000], "cut short by");
    let mut program = whole.clone();
    program[16] = 3;
    says(&program, "no core: give the file");
    let mut other = whole.clone();
    other[16_384..16_392].fill(0);
    says(&other, "holds no flight recorder");
    let mut older = whole.clone();
    older[16_392] = 9;
    says(&older, "version 9");
}

#[test]
fn ten_thousand_damaged_cores_are_read_or_refused_and_nothing_worse() {
    let (whole, mut state, mut read) = (core(), 0x2545_f491_4f6c_dd1du64, 0);
    let mut below = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % most
    };
    let mut file = Bytes(whole.clone());
    for _ in 0..10_000 {
        // Mostly at the beginning, where the tables are.
        let places: Vec<usize> = (0..1 + below(8))
            .map(|_| match below(4) {
                0 => below(whole.len()),
                1 => 16_384 + below(layout::HEADER * 8),
                2 => 8192 + below(400),
                _ => below(64 + 3 * 56),
            })
            .collect();
        places.iter().for_each(|&at| file.0[at] = below(256) as u8);
        let cut = if below(10) == 0 { below(whole.len()) } else { whole.len() };
        file.0.truncate(cut);
        if let Ok((core, found)) = recorder(&file) {
            read += 1;
            let shown = show::text(&found, 0, crate::out::Paint { on: false });
            assert!(!shown.is_empty() && !headline(&core).is_empty());
        }
        file.0.extend_from_slice(&whole[cut..]);
        places.iter().for_each(|&at| file.0[at] = whole[at]);
    }
    assert!((1..10_000).contains(&read), "{read} were read: the mutations hit nothing, or everything");
}
