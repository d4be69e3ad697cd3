//! Describes another process from its memory. The debuggers' scripts call this in the debugger's process.
#![allow(non_camel_case_types)]

use super::arg::{CText, Userdata};
use super::guard_apart;
use super::status::*;
use crate::report::{self, Fault, Image, Memory};
use std::cell::RefCell;
use std::ffi::{c_char, c_void};

/// Reads memory of the inspected process: fills `into` with the `length` bytes at `address`.
///
/// @return 0 if all of them were read, else any other number; `into` may then hold anything
pub type spanwire_memory_callback =
    Option<unsafe extern "C" fn(address: u64, into: *mut c_void, length: usize, userdata: *mut c_void) -> i32>;

/// Receives a text of `length` bytes, UTF-8, not NUL-terminated, valid until the callback returns.
pub type spanwire_text_callback =
    Option<unsafe extern "C" fn(text: *const c_char, length: usize, userdata: *mut c_void)>;

/// Describes what a process that uses this library is doing, or was doing when its core was written, by reading its
/// memory. For debuggers: bindings/gdb and bindings/lldb use it, and docs/debugging.md shows its answers.
///
/// The process may use an older or newer libspanwire, with or without symbols: the exported datum `spanwire_debug_root`
/// leads to a table that describes the memory. The calling process's own tracers are not read or changed.
///
/// Commands: status | spans [N] | span ID | trace ID | queue | log [N] | events [N] | settings | counters | help.
/// Any other command is answered with this list. Secrets are redacted.
///
/// @param root      the address of `spanwire_debug_root` in that process
/// @param pid       that process's id; 0 if unknown
/// @param command   the command; NUL-terminated
/// @param read      reads that process's memory; called many times, also with addresses that do not exist there
/// @param write     receives the answer, lines with newlines; called once unless the status is SPANWIRE_E_ARGUMENT or
///                  SPANWIRE_E_PANIC. With SPANWIRE_E_NOT_FOUND and SPANWIRE_E_VERSION the answer is one sentence that
///                  says why
/// @param userdata  passed to both callbacks
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT   `command`, `read` or `write` is NULL, or `command` is not UTF-8
///         SPANWIRE_E_NOT_FOUND  there is no table at `root`, or it is damaged or missing
///         SPANWIRE_E_VERSION    the table has a version that this library does not know
///
/// Threads:   any; the callbacks run on the calling thread.
/// Blocks:    as long as `read` does; it reads at most 1 GiB in all.
/// Fork:      nothing is kept between calls.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_process_inspect(
    root: u64,
    pid: u64,
    command: CText,
    read: spanwire_memory_callback,
    write: spanwire_text_callback,
    userdata: Userdata,
) -> spanwire_status {
    let command = command.get().and_then(|command| std::str::from_utf8(command).ok());
    let (Some(command), Some(read), Some(write)) = (command, read, write) else { return SPANWIRE_E_ARGUMENT };
    guard_apart(|| {
        let memory = Foreign { read, userdata, page: RefCell::default() };
        let pid = (pid != 0).then_some(pid);
        let (status, answer) = match Image::of(&memory, root) {
            Ok(image) => (SPANWIRE_OK, report::answer(image.as_ref(), pid, command)),
            Err(fault @ Fault::Version(_)) => (SPANWIRE_E_VERSION, format!("{fault}\n")),
            Err(fault) => (SPANWIRE_E_NOT_FOUND, format!("{fault}\n")),
        };
        // SAFETY: the caller gives a function that may be called with a text and its `userdata`.
        unsafe { write(answer.as_ptr().cast(), answer.len(), userdata.0) };
        status
    })
}

/// Small reads are served from the last page that was read: a read through a debugger is slow.
const PAGE: usize = 4096;

struct Foreign {
    read: unsafe extern "C" fn(u64, *mut c_void, usize, *mut c_void) -> i32,
    userdata: Userdata,
    page: RefCell<Option<(u64, Vec<u8>)>>,
}

impl Foreign {
    fn fetch(&self, address: u64, into: &mut [u8]) -> bool {
        // SAFETY: the caller gives a function that may be called with its `userdata`; `into` is as long as it says.
        unsafe { (self.read)(address, into.as_mut_ptr().cast(), into.len(), self.userdata.0) == 0 }
    }

    /// Reads from the kept page, after reading it if it is another one.
    fn by_page(&self, address: u64, into: &mut [u8]) -> bool {
        let (base, offset) = (address - address % PAGE as u64, (address % PAGE as u64) as usize);
        let mut kept = self.page.borrow_mut();
        if kept.as_ref().is_none_or(|(at, _)| *at != base) {
            let mut page = vec![0; PAGE];
            *kept = self.fetch(base, &mut page).then_some((base, page));
        }
        kept.as_ref()
            .and_then(|(_, page)| page.get(offset..offset + into.len()))
            .map(|from| into.copy_from_slice(from))
            .is_some()
    }
}

impl Memory for Foreign {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        (into.len() < PAGE / 2 && self.by_page(address, into)) || self.fetch(address, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::arg::made::text;
    use crate::inspect::table::spanwire_debug_root;
    use std::os::unix::fs::FileExt;

    unsafe extern "C" fn own(address: u64, into: *mut c_void, length: usize, file: *mut c_void) -> i32 {
        // SAFETY: as the test passes them.
        let (file, into) = unsafe {
            ((*file.cast::<Session>()).memory.as_ref(), std::slice::from_raw_parts_mut(into.cast::<u8>(), length))
        };
        file.map_or(1, |file| i32::from(file.read_exact_at(into, address).is_err()))
    }

    unsafe extern "C" fn keep(text: *const c_char, length: usize, session: *mut c_void) {
        // SAFETY: as the test and the function pass them.
        unsafe {
            let text = std::slice::from_raw_parts(text.cast(), length);
            (*session.cast::<Session>()).said += &String::from_utf8_lossy(text);
        }
    }

    /// The userdata of both callbacks: this process's memory, or none, and the answer.
    struct Session {
        memory: Option<std::fs::File>,
        said: String,
    }

    fn ask(root: u64, memory: Option<std::fs::File>) -> (spanwire_status, String) {
        let mut session = Session { memory, said: String::new() };
        let userdata = Userdata(std::ptr::from_mut(&mut session).cast());
        let status = spanwire_process_inspect(root, 0, text(Some(c"status")), Some(own), Some(keep), userdata);
        (status, session.said)
    }

    #[test]
    fn what_cannot_be_inspected_gets_a_status_and_a_sentence() {
        crate::tracer::current::state();
        let root = std::ptr::from_ref(&spanwire_debug_root) as u64;
        let memory = || std::fs::File::open("/proc/self/mem").ok();
        // The thread that makes the state publishes the table a moment later, and that may be another test's thread.
        let published = (0..1_000).any(|_| {
            let found = ask(root, memory()).1.starts_with("Process ");
            if !found {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            found
        });
        assert!(published);
        let (status, said) = ask(root, memory());
        assert_eq!(status, SPANWIRE_OK);
        assert!(said.starts_with(&format!("Process {}, spanwire ", std::process::id())), "{said}");
        for (root, memory, words) in
            [(root, None, "cannot be read"), (0, memory(), "cannot be read"), (root + 8, memory(), "does not begin")]
        {
            let (status, said) = ask(root, memory);
            assert_eq!(status, SPANWIRE_E_NOT_FOUND);
            assert!(said.contains(words) && said.ends_with('\n'), "{said}");
        }
        let nothing = || Userdata(std::ptr::null_mut());
        let asked = |command, read, write| spanwire_process_inspect(root, 0, text(command), read, write, nothing());
        assert_eq!(asked(None, Some(own), Some(keep)), SPANWIRE_E_ARGUMENT);
        assert_eq!(asked(Some(c"status"), None, Some(keep)), SPANWIRE_E_ARGUMENT);
        assert_eq!(asked(Some(c"status"), Some(own), None), SPANWIRE_E_ARGUMENT);
    }
}
