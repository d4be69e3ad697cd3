//! The demo's program for machines without a C compiler. Makes the same calls as `examples/c/hello.c` through the C ABI
//! of the library that is linked into this program.

use crate::out::Failure;
use spanwire as _;
use std::ffi::{c_char, c_void, CStr};

/// As in `spanwire.h`.
#[repr(C)]
struct Setting {
    name: *const c_char,
    value: *const c_char,
}

extern "C" {
    fn spanwire_tracer_new(settings: *const Setting, count: usize, tracer: *mut u64, error: *mut c_void) -> i32;
    fn spanwire_tracer_shutdown(tracer: u64, timeout_ms: u32) -> i32;
    fn spanwire_tracer_free(tracer: u64) -> i32;
    fn spanwire_span_start(tracer: u64, parent: u64, name: *const c_char) -> u64;
    fn spanwire_span_set_tag(span: u64, key: *const c_char, value: *const c_char) -> i32;
    fn spanwire_span_set_metric(span: u64, key: *const c_char, value: f64) -> i32;
    fn spanwire_span_finish(span: u64) -> i32;
    fn spanwire_status_text(status: i32) -> *const c_char;
}

/// Makes one trace of two spans and sends it to the Agent that the environment names.
pub fn run() -> Result<(), Failure> {
    let settings = [
        Setting { name: c"DD_SERVICE".as_ptr(), value: c"shop".as_ptr() },
        Setting { name: c"default:DD_TRACE_AGENT_URL".as_ptr(), value: c"file:///dev/stdout".as_ptr() },
    ];
    let mut tracer = 0;
    // SAFETY: every pointer is to a constant text, or to a local that outlives the call, of the type the header asks for.
    unsafe {
        check(spanwire_tracer_new(settings.as_ptr(), settings.len(), &mut tracer, std::ptr::null_mut()))?;
        let checkout = spanwire_span_start(tracer, 0, c"checkout".as_ptr());
        let payment = spanwire_span_start(tracer, checkout, c"payment".as_ptr());
        check(spanwire_span_set_tag(payment, c"card".as_ptr(), c"visa".as_ptr()))?;
        check(spanwire_span_set_metric(payment, c"amount".as_ptr(), 42.5))?;
        check(spanwire_span_finish(payment))?;
        check(spanwire_span_finish(checkout))?;
        check(spanwire_tracer_shutdown(tracer, 2000))?;
        check(spanwire_tracer_free(tracer))
    }
}

fn check(status: i32) -> Result<(), Failure> {
    if status == 0 {
        return Ok(());
    }
    // SAFETY: the text of a status is constant and never freed.
    let text = unsafe { CStr::from_ptr(spanwire_status_text(status)) };
    Err(Failure::said(text.to_string_lossy()))
}
