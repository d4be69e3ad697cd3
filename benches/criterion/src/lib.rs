//! The part of spanwire.h that the benches call, and an Agent that answers 200.

use std::ffi::{c_char, c_void, CStr, CString};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

pub type Span = u64;

/// spanwire_setting
#[repr(C)]
struct Setting {
    name: *const c_char,
    value: *const c_char,
}

/// spanwire_tag and spanwire_header, which are alike.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Pair {
    key: *const u8,
    key_len: usize,
    value: *const u8,
    value_len: usize,
}

impl Pair {
    pub fn new(key: &'static str, value: &'static [u8]) -> Self {
        Self { key: key.as_ptr(), key_len: key.len(), value: value.as_ptr(), value_len: value.len() }
    }
}

extern "C" {
    fn spanwire_tracer_new(settings: *const Setting, count: usize, out: *mut u64, error: *mut c_void) -> i32;
    fn spanwire_tracer_flush(tracer: u64, timeout_ms: u32) -> i32;
    fn spanwire_tracer_shutdown(tracer: u64, timeout_ms: u32) -> i32;
    fn spanwire_span_start_n(tracer: u64, parent: Span, name: *const u8, length: usize) -> Span;
    fn spanwire_span_set_tags(span: Span, tags: *const Pair, count: usize) -> i32;
    fn spanwire_span_finish(span: Span) -> i32;
    fn spanwire_span_discard(span: Span) -> i32;
    fn spanwire_span_inject(span: Span, take: extern "C" fn(*const Pair, *mut c_void), user: *mut c_void) -> i32;
    fn spanwire_context_extract(tracer: u64, headers: *const Pair, count: usize, out: *mut u64) -> i32;
    fn spanwire_context_free(context: u64) -> i32;
}

/// A tracer, shut down when it is dropped.
pub struct Tracer(u64);

impl Tracer {
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let text = |text: &str| CString::new(text).expect("a text without NUL");
        let texts: Vec<_> = settings.iter().map(|(name, value)| (text(name), text(value))).collect();
        let list: Vec<_> =
            texts.iter().map(|(name, value)| Setting { name: name.as_ptr(), value: value.as_ptr() }).collect();
        let mut tracer = 0;
        // SAFETY: the list and its texts live during the call; the error may be NULL.
        let status = unsafe { spanwire_tracer_new(list.as_ptr(), list.len(), &mut tracer, std::ptr::null_mut()) };
        assert_eq!(status, 0, "no tracer");
        Self(tracer)
    }

    pub fn start(&self, parent: Span) -> Span {
        let name = "web.request";
        // SAFETY: pointer and length are of one text.
        unsafe { spanwire_span_start_n(self.0, parent, name.as_ptr(), name.len()) }
    }

    pub fn flush(&self) {
        // SAFETY: no pointers.
        assert_eq!(unsafe { spanwire_tracer_flush(self.0, 60_000) }, 0, "not everything was sent");
    }

    /// Reads a context and frees it.
    pub fn extract(&self, headers: &[Pair]) {
        let mut context = 0;
        // SAFETY: pointer and count are of one slice, whose texts are static.
        unsafe { spanwire_context_extract(self.0, headers.as_ptr(), headers.len(), &mut context) };
        assert_ne!(context, 0, "no context");
        // SAFETY: no pointers.
        unsafe { spanwire_context_free(context) };
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // SAFETY: no pointers.
        unsafe { spanwire_tracer_shutdown(self.0, 10_000) };
    }
}

pub fn set_tags(span: Span, tags: &[Pair]) {
    // SAFETY: pointer and count are of one slice, whose texts are static.
    unsafe { spanwire_span_set_tags(span, tags.as_ptr(), tags.len()) };
}

pub fn finish(span: Span) {
    // SAFETY: no pointers.
    unsafe { spanwire_span_finish(span) };
}

pub fn discard(span: Span) {
    // SAFETY: no pointers.
    unsafe { spanwire_span_discard(span) };
}

/// Writes the headers of the span's context; returns how many bytes their values have.
pub fn inject(span: Span) -> usize {
    extern "C" fn add(header: *const Pair, sum: *mut c_void) {
        // SAFETY: the library gives a header, and the number that was handed to it.
        unsafe { *sum.cast::<usize>() += (*header).value_len };
    }
    let mut sum = 0usize;
    // SAFETY: `sum` lives during the call.
    unsafe { spanwire_span_inject(span, add, (&raw mut sum).cast()) };
    sum
}

/// The library's version, which shows that it is the right one.
pub fn version() -> &'static str {
    extern "C" {
        fn spanwire_version() -> *const c_char;
    }
    // SAFETY: a static text.
    unsafe { CStr::from_ptr(spanwire_version()) }.to_str().unwrap_or("?")
}

/// Starts an Agent on threads of this program; returns its URL.
pub fn agent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("cannot listen");
    let url = format!("http://{}", listener.local_addr().expect("no address"));
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || answer(connection));
        }
    });
    url
}

fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 18, connection.try_clone()?);
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.clear();
        (&mut reader).take(length).read_to_end(&mut body)?;
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")?;
    }
}
