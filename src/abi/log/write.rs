//! Records that the host adds to the log.

use crate::abi::guard;
use crate::abi::span::spanwire_tag;
use crate::abi::status::*;
use crate::abi::text;
use crate::log::event::Event;
use crate::log::Level;
use crate::tracer::Error;
use std::ffi::c_char;

/// Adds a record of the host's own, to be read beside ours and sent where they go.
///
/// @param level   SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE
/// @param target  which part of the host speaks, such as "php.hook"; NULL for "host"
/// @param text    what it says, UTF-8; NULL is the empty text
///
/// @return SPANWIRE_OK         also where the level is not logged
///         SPANWIRE_E_ARGUMENT another level
///
/// Ownership: copies the texts before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
///
/// # Safety
/// The texts are NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_write(level: i32, target: *const c_char, text: *const c_char) -> spanwire_status {
    // SAFETY: by the caller.
    unsafe { write(level, (target, text::NUL), (text, text::NUL)) }
}

/// spanwire_log_write() with lengths.
///
/// @param level       as there
/// @param target      as there
/// @param target_len  its length in bytes, or SPANWIRE_NUL
/// @param text        as there
/// @param text_len    its length in bytes, or SPANWIRE_NUL
///
/// @return as there, and SPANWIRE_E_ARGUMENT for a length beyond half the address space
///
/// Ownership: as there.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
///
/// # Safety
/// The texts are NULL or have these lengths.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_write_n(
    level: i32,
    target: *const c_char,
    target_len: usize,
    text: *const c_char,
    text_len: usize,
) -> spanwire_status {
    // SAFETY: by the caller.
    unsafe { write(level, (target, target_len), (text, text_len)) }
}

/// Adds a record of the host's, from texts with their lengths.
///
/// # Safety
/// As for `spanwire_log_write_n`.
unsafe fn write(level: i32, target: (*const c_char, usize), text: (*const c_char, usize)) -> spanwire_status {
    guard(|state| {
        let level = Level::from_number(level).filter(|level| *level != Level::Off).ok_or(Error::Argument)?;
        // SAFETY: by the caller.
        let (target, text) = unsafe { (text::measured(target.0, target.1)?, text::measured(text.0, text.1)?) };
        if crate::log::enabled(level) {
            let target = String::from_utf8_lossy(target.unwrap_or(b"host"));
            let text = String::from_utf8_lossy(text.unwrap_or_default());
            state.shared.logs.emit(&Event::HostText { level, target: &target, text: &text });
        }
        Ok(())
    })
}

/// Reports something that only the host can know (a hook installed, a method compiled) as an event with fields, which
/// the chosen dialect turns into a line.
///
/// Any kind can be reported, and reads as its name and its fields, at level debug, or warn where it ends in ".failed".
/// These kinds are known, and read as the
/// tracer of the language writes them, at its level, where it has such a line:
///
///     jit.started              function_id, token, name           a method is compiled (.NET, native code)
///     transport.chosen         factory, product                   how the Agent is reached (.NET)
///     class.transformed        class, classloader                 a class was instrumented (Java)
///     instrumentation.applied  state, classloader                 an instrumentation was applied (Java)
///     class_path               path                               the class path (Java)
///     integration.failed       name, error                        an integration could not be set up
///     integrations.loaded      names, count                       all integrations that were set up
///     sampling.decided         trace_id, sampled, rate, mechanism, rule
///     rate_limited             trace_id, traces, ms               the sampler's limit was reached (.NET)
///     remote_config.received   version, paths, payload, url, seconds
///     remote_config.unchanged
///     remote_config.failed     error
///     flare.started            level
///     flare.sent               case_id, url
///     flare.failed             error, status, url
///     shutdown.waiting         seconds                            (Python)
///
/// A field that is not given is left out of the line. docs/log-lines.md shows how they read.
///
/// @param kind    what happened, such as "hook.installed"; not NULL
/// @param fields  an array of `count` fields; NULL if `count` is 0
/// @param count   how many
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `kind` is NULL, `fields` is NULL but `count` is not 0, or a field has no key
///
/// Ownership: copies the texts before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
///
/// # Safety
/// `kind` is NULL or NUL-terminated; `fields` points to `count` tags and their pointers to what their lengths say.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_event(
    kind: *const c_char,
    fields: *const spanwire_tag,
    count: usize,
) -> spanwire_status {
    guard(|state| {
        // SAFETY: by the caller.
        let (kind, fields) = unsafe { (text::terminated(kind).ok_or(Error::Argument)?, text::array(fields, count)?) };
        let kind = String::from_utf8_lossy(kind);
        let owned = |field: &spanwire_tag| {
            // SAFETY: by the caller.
            let (key, value) =
                unsafe { (text::measured(field.key, field.key_len)?, text::measured(field.value, field.value_len)?) };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ok((text(key.ok_or(Error::Argument)?), text(value.unwrap_or_default())))
        };
        let fields: Vec<(String, String)> = fields.iter().map(owned).collect::<Result<_, Error>>()?;
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        state.shared.logs.emit(&Event::HostEvent { kind: &kind, fields: &fields });
        Ok(())
    })
}
