//! Replaces functions of the C library that no code in the shared library may call, although the standard library and
//! the HTTP library would call them. Hidden definitions of the same names take their place for the code in this
//! library. All other code in the process still calls the C library's. A test checks the list of functions that the
//! library imports.
//!
//! `getenv` reads memory that another thread of the host may be freeing. Here it finds no variable; `environment.rs`
//! reads the environment instead. The other functions take locks that another thread may hold during a fork, so a
//! forked child would hang in them. `dl_iterate_phdr` finds no library: the standard library calls it only to print
//! backtraces, and this library prints none. `strerror_r` and `gai_strerror` return the texts of `errors.rs`.
//!
//! The static library keeps the C library's functions, because its definitions would apply to the whole program.

#![cfg(all(spanwire_shared, any(target_arch = "x86_64", target_arch = "aarch64")))]

use super::errors;
use std::ffi::{c_char, c_int, c_void};

extern "C" fn no_variable(_name: *const c_char) -> *mut c_char {
    std::ptr::null_mut()
}

extern "C" fn no_library(_callback: *const c_void, _data: *mut c_void) -> c_int {
    0
}

/// Writes the text of `errno`, cut to the buffer and ended by a NUL, as `strerror_r` does.
unsafe extern "C" fn error_text(errno: c_int, buffer: *mut c_char, capacity: usize) -> c_int {
    let unknown;
    let text = match errors::text(errno) {
        Some(text) => text.to_bytes(),
        None => {
            unknown = format!("Unknown error {errno}");
            unknown.as_bytes()
        }
    };
    let length = text.len().min(capacity.saturating_sub(1));
    if capacity > 0 {
        // SAFETY: the caller's buffer has `capacity` bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast::<u8>(), length);
            *buffer.add(length) = 0;
        }
    }
    0
}

extern "C" fn lookup_text(code: c_int) -> *const c_char {
    errors::lookup_text(code).as_ptr()
}

#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    () => {
        "jmp {instead}"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    () => {
        "b {instead}"
    };
}

/// Defines a function of this name, which only this library sees, as a jump to `$instead`.
macro_rules! withhold {
    ($name:literal, $instead:path) => {
        std::arch::global_asm!(
            concat!(".pushsection .text.spanwire_", $name, ",\"ax\""),
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ",STT_FUNC"),
            concat!($name, ":"),
            jump!(),
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            instead = sym $instead,
        );
    };
}

withhold!("getenv", no_variable);
withhold!("dl_iterate_phdr", no_library);
withhold!("__xpg_strerror_r", error_text);
withhold!("gai_strerror", lookup_text);
