//! Static probes (USDT): places where a debugger or a tracing tool can stop or count. Each is a `nop` while no tool
//! uses it. `readelf -n` and GDB's `info probes stap` list them; `break -probe-stap spanwire:span__start` stops at one.
//! The section `.note.stapsdt` describes them in systemtap's format: address, base, semaphore (none), provider, name,
//! and the location of each argument.

/// Defines a probe with two 64-bit arguments. Some tools show the double underscore in the name as a dash.
macro_rules! probe {
    ($name:literal, $first:expr, $second:expr) => {{
        let (first, second): (u64, u64) = ($first, $second);
        // SAFETY: one `nop`, and a note outside the code; it changes no register, flag or memory.
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

/// A span was started: its id, and the lower half of its trace id.
#[inline(always)]
pub fn span_start(span_id: u64, trace_id_low: u64) {
    probe!("span__start", span_id, trace_id_low);
}

/// A span was finished: its id, and its duration in nanoseconds.
#[inline(always)]
pub fn span_finish(span_id: u64, duration_ns: u64) {
    probe!("span__finish", span_id, duration_ns);
}

/// A chunk was queued: its spans, and its bytes.
#[inline(always)]
pub fn chunk_enqueue(spans: u64, bytes: u64) {
    probe!("chunk__enqueue", spans, bytes);
}

/// A payload was answered or failed: its bytes, and the HTTP status, 0 for no answer.
#[inline(always)]
pub fn payload_send(bytes: u64, status: u64) {
    probe!("payload__send", bytes, status);
}

/// Finished spans were dropped: their number, and the number of the reason in the order of `spanwire_stats`.
#[inline(always)]
pub fn spans_drop(spans: u64, reason: u64) {
    probe!("spans__drop", spans, reason);
}
