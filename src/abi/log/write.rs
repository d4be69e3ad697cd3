//! Records that the host adds to the log.

use crate::abi::arg::{CArray, CBytes, CLen, CText, Given};
use crate::abi::guard;
use crate::abi::span::spanwire_tag;
use crate::abi::status::*;
use crate::event::Event;
use crate::log::Level;
use crate::tracer::Error;

/// Adds a record of the host to the log. It goes where the library's records go.
///
/// @param level   SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE
/// @param target  the part of the host that logs, such as "php.hook"; NULL for "host"
/// @param text    the message, UTF-8; NULL is the empty text
///
/// @return SPANWIRE_OK         also if the level is not logged
///         SPANWIRE_E_ARGUMENT another level
///
/// Ownership: copies the texts before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_write(level: i32, target: CText, text: CText) -> spanwire_status {
    write(level, Ok(target.get()), Ok(text.get()))
}

/// As spanwire_log_write(), with lengths.
///
/// @param level       as in spanwire_log_write()
/// @param target      as in spanwire_log_write()
/// @param target_len  its length in bytes, or SPANWIRE_NUL
/// @param text        as in spanwire_log_write()
/// @param text_len    its length in bytes, or SPANWIRE_NUL
///
/// @return as spanwire_log_write(); SPANWIRE_E_ARGUMENT also for a length beyond half the address space
///
/// Ownership: as spanwire_log_write().
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_write_n(
    level: i32,
    target: CBytes,
    target_len: CLen,
    text: CBytes,
    text_len: CLen,
) -> spanwire_status {
    write(level, target.of(target_len), text.of(text_len))
}

/// Adds a record of the host's.
fn write(level: i32, target: Given, text: Given) -> spanwire_status {
    guard(|state| {
        let level = Level::from_number(level).filter(|level| *level != Level::Off).ok_or(Error::Argument)?;
        let (target, text) = (target?.unwrap_or(b"host"), text?.unwrap_or_default());
        if crate::log::enabled(level) {
            let (target, text) = (String::from_utf8_lossy(target), String::from_utf8_lossy(text));
            state.shared.logs.emit(&Event::HostText { level, target: &target, text: &text });
        }
        Ok(())
    })
}

/// Reports an event of the host (a hook installed, a method compiled) with fields. The chosen dialect turns it into a
/// line.
///
/// Any kind can be reported. It reads as its name and its fields, at level debug, or warn if the name ends in
/// ".failed". The kinds below read as the tracer of the language writes them, at its level, if it has such a line:
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
/// A field that is not given is left out of the line. docs/log-lines.md shows the lines.
///
/// @param kind    kind of the event, such as "hook.installed"; not NULL
/// @param fields  an array of `count` fields; NULL if `count` is 0
/// @param count   number of fields
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `kind` is NULL, `fields` is NULL and `count` is not 0, a field has no key, or a length
///                             is invalid
///
/// Ownership: copies the texts before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_event(kind: CText, fields: CArray<spanwire_tag>, count: CLen) -> spanwire_status {
    guard(|state| {
        let (kind, fields) = (kind.get().ok_or(Error::Argument)?, fields.of(count)?);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let owned = |field: &spanwire_tag| {
            let (key, value) = (field.key.of(field.key_len)?, field.value.of(field.value_len)?);
            Ok((text(key.ok_or(Error::Argument)?), text(value.unwrap_or_default())))
        };
        let fields: Vec<(String, String)> = fields.iter().map(owned).collect::<Result<_, Error>>()?;
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        state.shared.logs.emit(&Event::HostEvent { kind: &String::from_utf8_lossy(kind), fields: &fields });
        Ok(())
    })
}
