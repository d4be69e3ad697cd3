//! Tests with cores made from this process's own memory: all pages that the table refers to, complete, and with parts
//! changed.

use super::super::*;
use super::Bytes;
use spanwire::companion::memory;
use spanwire::companion::report::Memory;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{c_char, c_void, CStr};
use std::os::unix::fs::FileExt;

const PAGE: u64 = 4096;

/// As in `spanwire.h`.
#[repr(C)]
struct Setting(*const c_char, *const c_char);

extern "C" {
    static spanwire_debug_root: u8;
    fn spanwire_tracer_new(settings: *const Setting, count: usize, tracer: *mut u64, error: *mut c_void) -> i32;
    fn spanwire_span_start(tracer: u64, parent: u64, name: *const c_char) -> u64;
    fn spanwire_span_set_tag(span: u64, key: *const c_char, value: *const c_char) -> i32;
    fn spanwire_span_set_metric(span: u64, key: *const c_char, value: f64) -> i32;
    fn spanwire_span_finish(span: u64) -> i32;
}

/// Returns where the table's root is in this process.
fn root() -> u64 {
    std::ptr::addr_of!(spanwire_debug_root) as u64
}

/// This process's memory; it keeps in mind which pages were read.
struct Own {
    memory: File,
    pages: RefCell<BTreeSet<u64>>,
}

impl Memory for Own {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        let last = address.saturating_add(into.len().max(1) as u64 - 1) / PAGE;
        self.pages.borrow_mut().extend(address / PAGE..=last);
        self.memory.read_exact_at(into, address).is_ok()
    }
}

/// The pages of two open spans with tags, one finished span that waits for them, and one in the queue, with their addresses.
fn pages() -> Vec<(u64, Vec<u8>)> {
    let settings = [
        Setting(c"DD_SERVICE".as_ptr(), c"shop".as_ptr()),
        Setting(c"DD_TRACE_AGENT_URL".as_ptr(), c"http://127.0.0.1:9".as_ptr()),
        Setting(c"SPANWIRE_LOG_SINKS".as_ptr(), c"ring".as_ptr()),
    ];
    let mut tracer = 0;
    // SAFETY: the settings are constant texts, and the tracer's number is a local.
    let made = unsafe { spanwire_tracer_new(settings.as_ptr(), settings.len(), &mut tracer, std::ptr::null_mut()) };
    assert_eq!(made, 0);
    let start = |parent, name: &CStr| {
        // SAFETY: all texts are constant and end with NUL; any number may be passed as a handle.
        unsafe {
            let span = spanwire_span_start(tracer, parent, name.as_ptr());
            assert_eq!(spanwire_span_set_tag(span, c"card".as_ptr(), c"visa".as_ptr()), 0);
            assert_eq!(spanwire_span_set_metric(span, c"amount".as_ptr(), 42.5), 0);
            assert_eq!(spanwire_span_set_tag(span, c"api_key".as_ptr(), c"0123456789abcdef".as_ptr()), 0);
            span
        }
    };
    // SAFETY: any number may be passed as a handle.
    let finish = |span| assert_eq!(unsafe { spanwire_span_finish(span) }, 0);
    finish(start(0, c"queued"));
    let checkout = start(0, c"checkout");
    finish(start(checkout, c"price"));
    start(checkout, c"payment");

    let root = root();
    let own = Own { memory: File::open("/proc/self/mem").expect("this memory"), pages: RefCell::default() };
    assert!(Image::of(&own, root).is_ok_and(|image| image.is_some()));
    let pages: Vec<u64> = own.pages.borrow().iter().copied().collect();
    let mut kept = Vec::new();
    for page in pages {
        let mut bytes = vec![0; PAGE as usize];
        if own.memory.read_exact_at(&mut bytes, page * PAGE).is_ok() {
            kept.push((page * PAGE, bytes));
        }
    }
    kept
}

/// Returns a core of these pages, and where in it the table's root is.
fn core(kept: &[(u64, Vec<u8>)]) -> (Vec<u8>, usize) {
    let root = root();
    let data = (64 + 56 * kept.len() as u64).next_multiple_of(PAGE);
    let mut file = vec![0; data as usize];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    (file[16], file[32]) = (4, 64);
    file[56..58].copy_from_slice(&(kept.len() as u16).to_le_bytes());
    let mut at_root = 0;
    for (n, (address, bytes)) in kept.iter().enumerate() {
        let header = &mut file[64 + n * 56..][..56];
        header[..4].copy_from_slice(&1u32.to_le_bytes());
        header[8..16].copy_from_slice(&(data + n as u64 * PAGE).to_le_bytes());
        header[16..24].copy_from_slice(&address.to_le_bytes());
        header[32..40].copy_from_slice(&PAGE.to_le_bytes());
        if root / PAGE == address / PAGE {
            at_root = (data + n as u64 * PAGE + root % PAGE) as usize;
        }
        file.extend_from_slice(bytes);
    }
    (file, at_root)
}

fn report(file: &Bytes) -> Result<String, String> {
    let content = Content::of(file)?;
    let out = Out { paint: crate::out::Paint { on: false } };
    let text = whole(out, &content, Some(3));
    assert!(object(&content, 3).is_object());
    Ok(text)
}

/// Whether the flight recorder is at this address.
fn is_recorders(maps: &str, address: u64) -> bool {
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    maps.lines().filter(|line| line.contains("/memfd:")).any(|line| {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        number(from).is_some_and(|from| from <= address) && number(to).is_some_and(|to| address < to)
    })
}

/// Asserts that the memory in a report is the current value, not one that the worker copied up to a second ago.
fn assert_memory_is_of_the_moment() {
    let root = root();
    let own = Own { memory: File::open("/proc/self/mem").expect("this memory"), pages: RefCell::default() };
    // Workers come and go meanwhile; between two equal looks nothing has changed.
    let mut moments = (0..1_000).map(|_| {
        let before = memory::used() as u64;
        let image = Image::of(&own, root).expect("a table").expect("calls were made");
        (before, image.memory, memory::used() as u64)
    });
    let (used, told, _) = moments.find(|(before, _, after)| before == after).expect("a quiet moment");
    assert!(used > 0);
    assert_eq!(told, Some((used, memory::max() as u64)));
}

/// Asserts that an image of limited size counts all spans, and has only the oldest open ones with tags that a list shows.
fn assert_a_limited_image_is_small() {
    let own = Own { memory: File::open("/proc/self/mem").expect("this memory"), pages: RefCell::default() };
    let read = |image: Result<Option<Image>, _>| image.expect("a table").expect("calls were made");
    let (whole, small) = (read(Image::of(&own, root())), read(Image::limited(&own, root(), 1)));
    let counts = |image: &Image| (image.count(None), image.count(Some(0)));
    assert!(whole.spans.len() >= 2 && whole.count(None)[1] >= 1, "{:?}", whole.count(None));
    assert_eq!((counts(&small), small.spans.len(), small.chunks().count()), (counts(&whole), 1, 0));
    assert_eq!((small.spans[0].span_id, small.log.len()), (whole.spans[0].span_id, 0));
    assert_eq!(read(Image::limited(&own, root(), 0)).spans.len(), 0);
}

#[test]
fn what_a_core_holds_is_told_and_any_change_to_it_is_survived() {
    let pages = pages();
    let (whole, whole_root) = core(&pages);
    assert_memory_is_of_the_moment();
    assert_a_limited_image_is_small();
    let told = report(&Bytes(whole.clone())).expect("a report");
    for words in ["  checkout  service shop", "  payment  service shop", "card=visa  api_key=<redacted>  amount=42.5"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(told.contains("Waiting for their trace: 1 span in 1 trace"), "{told}");
    // Most pages are the flight recorder's. Without them each report takes a fraction of the time, and each change hits the
    // table or what it leads to.
    let maps = std::fs::read_to_string("/proc/self/maps").expect("its memory map");
    let (table, root) = core(&pages.into_iter().filter(|(at, _)| !is_recorders(&maps, *at)).collect::<Vec<_>>());
    assert!(table.len() * 2 < whole.len(), "{} of {} bytes", table.len(), whole.len());
    mutations(&whole, whole_root, 0x2545_f491_4f6c_dd1d, 20);
    let (told, refused) = mutations(&table, root, 0x5851_f42d_4c95_7f2d, 1_500);
    assert!(told > 100 && refused > 100, "{told} told, {refused} refused: the mutations hit nothing, or everything");
}

/// Repeatedly changes some bytes, sometimes cuts off the end, runs a report, and restores the bytes. Returns how often
/// there was a report and how often an error.
fn mutations(whole: &[u8], root: usize, mut state: u64, rounds: usize) -> (usize, usize) {
    let mut below = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % most
    };
    let (mut file, mut told, mut refused) = (Bytes(whole.to_vec()), 0, 0);
    // Bytes of a pointer, a number or a text, rather than zeros.
    let written: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
    for _ in 0..rounds {
        let places: Vec<usize> = (0..1 + below(6))
            .map(|_| match below(8) {
                0 => root + below(64),
                1 => below(whole.len()),
                2 => below(64 + 56 * 40),
                _ => written[below(written.len())],
            })
            .collect();
        places.iter().for_each(|&at| file.0[at] = below(256) as u8);
        let cut = if below(10) == 0 { below(whole.len()) } else { whole.len() };
        file.0.truncate(cut);
        match report(&file) {
            Ok(text) => {
                assert!(text.ends_with('\n'));
                told += 1;
            }
            Err(why) => {
                assert!(!why.is_empty());
                refused += 1;
            }
        }
        file.0.extend_from_slice(&whole[cut..]);
        places.iter().for_each(|&at| file.0[at] = whole[at]);
    }
    (told, refused)
}
