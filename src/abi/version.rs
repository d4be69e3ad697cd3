//! Version of the library and of its interface.

use std::ffi::c_char;

/// Returns the version of this library, for people and logs.
///
/// @return a static text such as "0.1.0", never NULL
///
/// Ownership: the library's; valid until the process ends.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Returns the version of the interface of the loaded library. A binding that was built for another number must not
/// call any other function.
///
/// @return `SPANWIRE_ABI_VERSION` of the loaded library; it may differ from this header's
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_abi_version() -> u32 {
    SPANWIRE_ABI_VERSION
}

/// Version of the interface that this header describes. Additions do not change it: new functions, new settings, new
/// fields at the end of structures that have a `size`. It changes when something that existed changes.
pub const SPANWIRE_ABI_VERSION: u32 = 0;
