//! Which library this is.

use std::ffi::c_char;

/// The version of this library, for people and logs.
///
/// @return a static text such as "0.1.0", never NULL
///
/// Ownership: the library's, for ever.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of this interface. A binding that was built for another number must not call anything else here.
///
/// @return `SPANWIRE_ABI_VERSION` of the library that is loaded, which may differ from that of the header
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_abi_version() -> u32 {
    SPANWIRE_ABI_VERSION
}

/// The interface that this header describes. It grows without changing this number: new functions, new settings, new
/// fields at the end of structures that carry their `size`. The number changes when something that was there changes.
pub const SPANWIRE_ABI_VERSION: u32 = 0;
