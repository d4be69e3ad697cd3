//! spanwire: a native tracer core behind a C ABI.
//!
//! A host loads the shared library, starts and finishes spans, and a Datadog Agent has them. The C API, in
//! `include/spanwire.h`, is the product; it is written in [`abi`]. Everything behind it is plain Rust, and arrows run
//! one way: `abi -> tracer -> export -> trace -> log -> languages -> event, span, settings -> recorder, counters, memory,
//! sys`.
//!
//! This file holds the module list and what the compiler is asked to enforce; no logic.

#![deny(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

#[cfg(panic = "abort")]
compile_error!("spanwire promises that no panic reaches its host: build it with panic = \"unwind\"");

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("spanwire is made for 64-bit Linux");

#[allow(unsafe_code)]
pub mod abi;
pub mod counters;
pub mod event;
pub mod export;
pub mod host;
pub mod inspect;
pub mod languages;
pub mod level;
pub mod lines;
pub mod log;
pub mod memory;
pub mod os_error;
#[allow(unsafe_code)]
pub mod probes;
#[allow(unsafe_code)]
pub mod process;
pub mod recorder;
pub mod redact;
pub mod report;
pub mod settings;
pub mod sort;
pub mod span;
#[allow(unsafe_code, clippy::disallowed_methods)]
pub mod sys;
pub mod trace;
pub mod tracer;
pub mod zone;
