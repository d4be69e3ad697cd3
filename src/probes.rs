//! Static probes (USDT): places where a debugger or tracer of the system can stop or count, a `nop` each while nobody
//! does. `readelf -n` lists them, GDB's `info probes stap` too; `break -probe-stap spanwire:span__start` stops there. What
//! is recorded about them lies in the section `.note.stapsdt`, in the form that systemtap has set: address, base, semaphore
//! (none), provider, name, and where each argument is found. Nothing here decides anything.

/// A probe with two arguments of 64 bits. The name's double underscore is read as a dash by some tools.
macro_rules! probe {
    ($name:literal, $first:expr, $second:expr) => {{
        let (first, second): (u64, u64) = ($first, $second);
        // SAFETY: one `nop`, and a note beside the code; no register, flag or memory is changed.
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        unsafe {
            std::arch::asm!(
                "990: nop",
                ".pushsection .note.stapsdt,\"?\",\"note\"",
                ".balign 4",
                ".4byte 992f-991f, 994f-993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                "993: .8byte 990b",
                ".8byte _.stapsdt.base",
                ".8byte 0",
                ".asciz \"spanwire\"",
                concat!(".asciz \"", $name, "\""),
                ".asciz \"8@{first} 8@{second}\"",
                "994: .balign 4",
                ".popsection",
                ".ifndef _.stapsdt.base",
                ".pushsection .stapsdt.base,\"aGR\",\"progbits\",.stapsdt.base,comdat",
                ".weak _.stapsdt.base",
                ".hidden _.stapsdt.base",
                "_.stapsdt.base: .space 1",
                ".size _.stapsdt.base, 1",
                ".popsection",
                ".endif",
                first = in(reg) first,
                second = in(reg) second,
                options(att_syntax, nomem, nostack, preserves_flags),
            );
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = (first, second);
    }};
}

/// A span was started: its id, and the low half of its trace's.
#[inline(always)]
pub fn span_start(span_id: u64, trace_id_low: u64) {
    probe!("span__start", span_id, trace_id_low);
}

/// A span was finished: its id, and its duration in nanoseconds.
#[inline(always)]
pub fn span_finish(span_id: u64, duration_ns: u64) {
    probe!("span__finish", span_id, duration_ns);
}

/// A chunk went to the queue: its spans, and its bytes.
#[inline(always)]
pub fn chunk_enqueue(spans: u64, bytes: u64) {
    probe!("chunk__enqueue", spans, bytes);
}

/// An agent answered a payload, or did not: its bytes, and the HTTP status, 0 for no answer.
#[inline(always)]
pub fn payload_send(bytes: u64, status: u64) {
    probe!("payload__send", bytes, status);
}

/// Finished spans were dropped: how many, and the number of the reason, in the order of `spanwire_stats`.
#[inline(always)]
pub fn spans_drop(spans: u64, reason: u64) {
    probe!("spans__drop", spans, reason);
}
