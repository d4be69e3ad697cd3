//! The texts of the system's error numbers, in the words of the C library. The C library's own functions take a lock of
//! its translations and one of its locale. If another thread is in `setlocale` or `newlocale` during a fork, the child
//! would hang when it asks for such a text.

use std::ffi::CStr;

/// Returns the text of an `errno`. `None` for numbers that no call of the library returns.
pub fn text(errno: i32) -> Option<&'static CStr> {
    ERRORS.iter().find(|(number, _)| *number == errno).map(|(_, text)| *text)
}

/// Returns the text of an error code of `getaddrinfo`.
pub fn lookup_text(code: i32) -> &'static CStr {
    match code {
        libc::EAI_AGAIN => c"Temporary failure in name resolution",
        libc::EAI_BADFLAGS => c"Bad value for ai_flags",
        libc::EAI_FAIL => c"Non-recoverable failure in name resolution",
        libc::EAI_FAMILY => c"ai_family not supported",
        libc::EAI_MEMORY => c"Memory allocation failure",
        libc::EAI_NODATA => c"No address associated with hostname",
        libc::EAI_NONAME => c"Name or service not known",
        libc::EAI_SERVICE => c"Servname not supported for ai_socktype",
        libc::EAI_SOCKTYPE => c"ai_socktype not supported",
        libc::EAI_SYSTEM => c"System error",
        libc::EAI_OVERFLOW => c"Argument buffer overflow",
        _ => c"Unknown error",
    }
}

static ERRORS: &[(i32, &CStr)] = &[
    (libc::EPERM, c"Operation not permitted"),
    (libc::ENOENT, c"No such file or directory"),
    (libc::ESRCH, c"No such process"),
    (libc::EINTR, c"Interrupted system call"),
    (libc::EIO, c"Input/output error"),
    (libc::ENXIO, c"No such device or address"),
    (libc::E2BIG, c"Argument list too long"),
    (libc::ENOEXEC, c"Exec format error"),
    (libc::EBADF, c"Bad file descriptor"),
    (libc::ECHILD, c"No child processes"),
    (libc::EAGAIN, c"Resource temporarily unavailable"),
    (libc::ENOMEM, c"Cannot allocate memory"),
    (libc::EACCES, c"Permission denied"),
    (libc::EFAULT, c"Bad address"),
    (libc::ENOTBLK, c"Block device required"),
    (libc::EBUSY, c"Device or resource busy"),
    (libc::EEXIST, c"File exists"),
    (libc::EXDEV, c"Invalid cross-device link"),
    (libc::ENODEV, c"No such device"),
    (libc::ENOTDIR, c"Not a directory"),
    (libc::EISDIR, c"Is a directory"),
    (libc::EINVAL, c"Invalid argument"),
    (libc::ENFILE, c"Too many open files in system"),
    (libc::EMFILE, c"Too many open files"),
    (libc::ENOTTY, c"Inappropriate ioctl for device"),
    (libc::ETXTBSY, c"Text file busy"),
    (libc::EFBIG, c"File too large"),
    (libc::ENOSPC, c"No space left on device"),
    (libc::ESPIPE, c"Illegal seek"),
    (libc::EROFS, c"Read-only file system"),
    (libc::EMLINK, c"Too many links"),
    (libc::EPIPE, c"Broken pipe"),
    (libc::EDOM, c"Numerical argument out of domain"),
    (libc::ERANGE, c"Numerical result out of range"),
    (libc::EDEADLK, c"Resource deadlock avoided"),
    (libc::ENAMETOOLONG, c"File name too long"),
    (libc::ENOLCK, c"No locks available"),
    (libc::ENOSYS, c"Function not implemented"),
    (libc::ENOTEMPTY, c"Directory not empty"),
    (libc::ELOOP, c"Too many levels of symbolic links"),
    (libc::EOVERFLOW, c"Value too large for defined data type"),
    (libc::EILSEQ, c"Invalid or incomplete multibyte or wide character"),
    (libc::EUSERS, c"Too many users"),
    (libc::ENOTSOCK, c"Socket operation on non-socket"),
    (libc::EDESTADDRREQ, c"Destination address required"),
    (libc::EMSGSIZE, c"Message too long"),
    (libc::EPROTOTYPE, c"Protocol wrong type for socket"),
    (libc::ENOPROTOOPT, c"Protocol not available"),
    (libc::EPROTONOSUPPORT, c"Protocol not supported"),
    (libc::ESOCKTNOSUPPORT, c"Socket type not supported"),
    (libc::EOPNOTSUPP, c"Operation not supported"),
    (libc::EPFNOSUPPORT, c"Protocol family not supported"),
    (libc::EAFNOSUPPORT, c"Address family not supported by protocol"),
    (libc::EADDRINUSE, c"Address already in use"),
    (libc::EADDRNOTAVAIL, c"Cannot assign requested address"),
    (libc::ENETDOWN, c"Network is down"),
    (libc::ENETUNREACH, c"Network is unreachable"),
    (libc::ENETRESET, c"Network dropped connection on reset"),
    (libc::ECONNABORTED, c"Software caused connection abort"),
    (libc::ECONNRESET, c"Connection reset by peer"),
    (libc::ENOBUFS, c"No buffer space available"),
    (libc::EISCONN, c"Transport endpoint is already connected"),
    (libc::ENOTCONN, c"Transport endpoint is not connected"),
    (libc::ESHUTDOWN, c"Cannot send after transport endpoint shutdown"),
    (libc::ETOOMANYREFS, c"Too many references: cannot splice"),
    (libc::ETIMEDOUT, c"Connection timed out"),
    (libc::ECONNREFUSED, c"Connection refused"),
    (libc::EHOSTDOWN, c"Host is down"),
    (libc::EHOSTUNREACH, c"No route to host"),
    (libc::EALREADY, c"Operation already in progress"),
    (libc::EINPROGRESS, c"Operation now in progress"),
    (libc::ESTALE, c"Stale file handle"),
    (libc::EREMOTEIO, c"Remote I/O error"),
    (libc::EDQUOT, c"Disk quota exceeded"),
    (libc::ENOMEDIUM, c"No medium found"),
    (libc::EMEDIUMTYPE, c"Wrong medium type"),
    (libc::ECANCELED, c"Operation canceled"),
    (libc::ENOKEY, c"Required key not available"),
    (libc::EKEYEXPIRED, c"Key has expired"),
    (libc::EKEYREJECTED, c"Key was rejected by service"),
    (libc::EOWNERDEAD, c"Owner died"),
    (libc::ENOTRECOVERABLE, c"State not recoverable"),
    (libc::ENODATA, c"No data available"),
    (libc::ETIME, c"Timer expired"),
    (libc::EPROTO, c"Protocol error"),
    (libc::EBADMSG, c"Bad message"),
    (libc::ECOMM, c"Communication error on send"),
    (libc::ENONET, c"Machine is not on the network"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn the_words_are_those_of_the_c_library() {
        let mut known = 0;
        for errno in 1..134 {
            let Some(text) = text(errno) else { continue };
            let systems = io::Error::from_raw_os_error(errno).to_string();
            assert_eq!(format!("{} (os error {errno})", text.to_string_lossy()), systems);
            known += 1;
        }
        assert!(known > 80, "{known}");
        for code in [libc::EAI_AGAIN, libc::EAI_FAIL, libc::EAI_NONAME, libc::EAI_MEMORY, libc::EAI_NODATA, -99] {
            // SAFETY: the C library returns a static text.
            let systems = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
            assert_eq!(lookup_text(code), systems);
        }
    }
}
