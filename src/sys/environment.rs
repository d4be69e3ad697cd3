//! Reads the environment of this process while other threads may change it. `getenv` can crash then: `setenv` and
//! `clearenv` free the array of pointers, and `getenv` may read the freed memory. Here the kernel copies the memory,
//! and returns an error if it is not mapped. If the array moved during a read, the read is repeated.

use super::{yield_now, Descriptor};
use crate::sort;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_long, c_void};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

/// Maximum number of variables that are read.
const VARIABLES_MAX: usize = 1 << 16;
/// Maximum number of bytes of one variable that are read; far more than any setting may have.
const TEXT_MAX: usize = 1 << 17;
/// Maximum number of bytes of all variables together.
const TOTAL_MAX: usize = 1 << 24;
/// Maximum number of reads if the environment keeps changing. Every variable that one of them finds was set during the
/// call.
const READINGS: usize = 4;
/// Maximum number of attempts, including those during which the array moves.
const ATTEMPTS: usize = 200;
const PAGE: usize = 4096;

/// The variables as they were at one moment. If they changed during the read, each as it was at some moment of it.
#[derive(Debug, Default)]
pub struct Environment(Vec<(Vec<u8>, Vec<u8>)>);

impl Environment {
    /// Reads the environment of this process. Cannot crash, whatever other threads do with it.
    pub fn read() -> Environment {
        Environment::by(&mut Copier::default())
    }

    fn by(copier: &mut Copier) -> Environment {
        let (mut all, mut before, mut readings) = (Environment::default(), None, 0);
        for _ in 0..ATTEMPTS {
            let Some(now) = pointers(copier) else {
                yield_now();
                continue;
            };
            if before.as_ref() == Some(&now) {
                break;
            }
            all.add(variables(copier, &now));
            before = Some(now);
            readings += 1;
            if readings == READINGS {
                break;
            }
        }
        all
    }

    /// Returns the value of a variable. Bytes that are not UTF-8 are replaced.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = &self.0.iter().find(|(known, _)| known == name.as_bytes())?.1;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Returns all variables. Bytes that are not UTF-8 are replaced.
    pub fn all(&self) -> Vec<(String, String)> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        self.0.iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    /// Adds the variables of a later read, which replace those of the same name. If one read has a name twice, the
    /// first one counts, as for `getenv`.
    fn add(&mut self, mut read: Vec<(Vec<u8>, Vec<u8>)>) {
        // The sort is stable: the first variable of a name stays in front.
        sort::by(&mut read, |a, b| a.0.cmp(&b.0));
        read.dedup_by(|later, first| later.0 == first.0);
        let older = std::mem::replace(&mut self.0, read);
        let missing: Vec<_> = older
            .into_iter()
            .filter(|(name, _)| self.0.binary_search_by(|(known, _)| known.cmp(name)).is_err())
            .collect();
        self.0.extend(missing);
        sort::by(&mut self.0, |a, b| a.0.cmp(&b.0));
    }
}

fn array() -> usize {
    extern "C" {
        static environ: *mut *mut c_char;
    }
    // SAFETY: the C library's variable is aligned and exists as long as the process. Other threads write whole words to
    // it.
    let array = unsafe { AtomicPtr::from_ptr(std::ptr::addr_of!(environ).cast_mut().cast::<*mut c_void>()) };
    array.load(SeqCst) as usize
}

/// Returns the pointers to the variables. `None` if the array moved meanwhile, cannot be read, or has too many entries.
fn pointers(copier: &mut Copier) -> Option<Vec<usize>> {
    let (array_at, mut found) = (array(), Vec::new());
    // On the heap, because the first call of a process may come from a thread with a small stack.
    let (mut at, mut bytes) = (array_at, vec![0; PAGE]);
    'all: while at != 0 {
        let length = bytes.len().min(PAGE - at % PAGE);
        let got = copier.copy(at, &mut bytes[..length]);
        // If the array does not begin at a multiple of eight, a pointer may cross the end of a page.
        let whole = if got == length && length < 8 { copier.copy(at, &mut bytes[..8]) } else { got } / 8 * 8;
        if whole == 0 {
            return None;
        }
        for word in bytes[..whole].chunks_exact(8) {
            let pointer = word.try_into().map_or(0, usize::from_ne_bytes);
            if pointer == 0 {
                break 'all;
            }
            found.push(pointer);
        }
        if found.len() > VARIABLES_MAX {
            return None;
        }
        at += whole;
    }
    (array() == array_at).then_some(found)
}

fn variables(copier: &mut Copier, pointers: &[usize]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut total, mut found, mut pages) = (0, Vec::new(), Pages { copier, known: BTreeMap::new() });
    for pointer in pointers {
        let Some(text) = pages.text(*pointer) else { continue };
        total += text.len();
        if total > TOTAL_MAX {
            break;
        }
        if let Some(end) = text.iter().position(|&byte| byte == b'=') {
            found.push((text[..end].to_vec(), text[end + 1..].to_vec()));
        }
    }
    found
}

/// The pages that one read has copied. They are kept because most variables lie close together.
struct Pages<'a> {
    copier: &'a mut Copier,
    /// By address. A page that cannot be read is empty.
    known: BTreeMap<usize, Vec<u8>>,
}

impl Pages<'_> {
    /// Returns the text at an address, without its NUL, cut after about [`TEXT_MAX`] bytes. `None` if it cannot be
    /// read.
    fn text(&mut self, mut at: usize) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        while text.len() < TEXT_MAX {
            let rest = self.page(at - at % PAGE).get(at % PAGE..).filter(|rest| !rest.is_empty())?;
            if let Some(end) = rest.iter().position(|&byte| byte == 0) {
                text.extend_from_slice(&rest[..end]);
                return Some(text);
            }
            text.extend_from_slice(rest);
            at = at.checked_add(rest.len())?;
        }
        Some(text)
    }

    fn page(&mut self, base: usize) -> &[u8] {
        self.known.entry(base).or_insert_with(|| {
            let mut page = vec![0; PAGE];
            let got = self.copier.copy(base, &mut page);
            page.truncate(got);
            page
        })
    }
}

/// Copies memory of this process that may not be mapped.
#[derive(Default)]
struct Copier {
    /// Whether to copy through a pipe, because the kernel has no `process_vm_readv` or a seccomp filter forbids it.
    by_pipe: bool,
    pipe: Option<(Descriptor, Descriptor)>,
}

impl Copier {
    /// Copies up to `into.len()` bytes. Returns the number of bytes copied, 0 if nothing can be read.
    fn copy(&mut self, from: usize, into: &mut [u8]) -> usize {
        if !self.by_pipe {
            match copy_by_kernel(from, into) {
                Some(got) => return got,
                None => self.by_pipe = true,
            }
        }
        self.copy_by_pipe(from, into).unwrap_or(0)
    }

    /// Copies through a pipe. `write` fails if the memory is not mapped.
    fn copy_by_pipe(&mut self, from: usize, into: &mut [u8]) -> Option<usize> {
        if self.pipe.is_none() {
            self.pipe = Some(pipe()?);
        }
        let (reader, writer) = self.pipe.as_ref()?;
        let (reader, writer) = (reader.fd().ok()?, writer.fd().ok()?);
        // SAFETY: the kernel checks the address that it reads from, and writes at most `into.len()` bytes to `into`.
        let got = unsafe {
            // Not `libc::write`, which memory checkers intercept.
            let wrote = libc::syscall(libc::SYS_write, writer, from as *const c_void, into.len().min(PAGE));
            if wrote <= 0 {
                return None;
            }
            libc::read(reader, into.as_mut_ptr().cast(), wrote as usize)
        };
        usize::try_from(got).ok()
    }
}

/// Copies with `process_vm_readv`. Returns `None` if the call is not available, `Some(0)` if the memory cannot be read.
fn copy_by_kernel(from: usize, into: &mut [u8]) -> Option<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: from as *mut c_void, iov_len: into.len() };
    // SAFETY: the kernel writes at most `into.len()` bytes to `into`, and checks the address that it reads from.
    let got = unsafe {
        libc::syscall(
            libc::SYS_process_vm_readv,
            libc::getpid(),
            &local,
            1 as c_long,
            &remote,
            1 as c_long,
            0 as c_long,
        )
    };
    match got {
        -1 => match std::io::Error::last_os_error().raw_os_error() {
            Some(libc::EFAULT) => Some(0),
            _ => None,
        },
        got => Some(got as usize),
    }
}

fn pipe() -> Option<(Descriptor, Descriptor)> {
    let mut fds = [0; 2];
    // SAFETY: `fds` has room for two descriptors. They are new, so nothing else owns them.
    let (reader, writer) = unsafe {
        if libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) != 0 {
            return None;
        }
        (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1]))
    };
    Some((Descriptor::keep(reader).ok()?, Descriptor::keep(writer).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(texts: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        texts.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn both_ways_read_what_the_system_says() {
        for by_pipe in [false, true] {
            let environment = Environment::by(&mut Copier { by_pipe, pipe: None });
            let mut compared = 0;
            for (name, value) in std::env::vars() {
                assert_eq!(environment.get(&name), Some(value), "{name}");
                compared += 1;
            }
            assert!(compared > 1 && environment.0.len() >= compared, "{compared}");
            assert_eq!(environment.get("SPANWIRE_NO_SUCH_VARIABLE"), None);
        }
    }

    #[test]
    fn memory_that_is_not_there_is_no_crash() {
        let there = vec![7u8; 3 * PAGE];
        for by_pipe in [false, true] {
            let mut copier = Copier { by_pipe, pipe: None };
            let mut into = [0; 64];
            for nowhere in [1, 4095, usize::MAX - 10, 0xdead_0000_0000_0000] {
                assert_eq!(copier.copy(nowhere, &mut into), 0);
                assert_eq!(Pages { copier: &mut copier, known: BTreeMap::new() }.text(nowhere), None);
            }
            assert_eq!((copier.copy(there.as_ptr() as usize + 100, &mut into), into), (64, [7; 64]));
        }
    }

    #[test]
    fn long_values_and_values_across_pages_are_read_whole() {
        let long = vec![b'x'; 3 * PAGE + 17];
        let mut memory = vec![b'y'; PAGE];
        memory.extend(&long);
        memory.push(0);
        for offset in [0, 1, 7, PAGE - 300, PAGE] {
            let mut pages = Pages { copier: &mut Copier::default(), known: BTreeMap::new() };
            let read = pages.text(memory.as_ptr() as usize + offset).expect("text");
            assert_eq!(read, memory[offset..memory.len() - 1]);
        }
    }

    #[test]
    fn what_any_reading_shows_is_there_and_the_first_of_a_name_counts() {
        let mut environment = Environment::default();
        environment.add(pairs(&[("DD_SERVICE", "shop"), ("DD_ENV", "dev")]));
        environment.add(pairs(&[("DD_ENV", "prod"), ("DD_ENV", "second"), ("A", "")]));
        let get = |name| environment.get(name);
        assert_eq!(get("DD_SERVICE").as_deref(), Some("shop"));
        assert_eq!((get("DD_ENV").as_deref(), get("A").as_deref(), get("DD")), (Some("prod"), Some(""), None));
    }
}
