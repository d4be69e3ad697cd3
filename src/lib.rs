//! spanwire: a native tracer core behind a C ABI.
//!
//! A host loads the shared library, starts and finishes spans, and a Datadog Agent has them. The C API, in
//! `include/spanwire.h`, is the product; it is written in [`abi`]. Everything behind it is plain Rust and `pub(crate)`,
//! and arrows run one way: `abi -> tracer -> control -> export -> trace -> log -> languages -> event -> settings ->
//! propagation -> span -> recorder, counters, memory, sys`. With the feature `cli`, `companion` has what the companion program uses.
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
#[cfg(feature = "cli")]
pub mod companion;
pub(crate) mod control;
pub(crate) mod counters;
pub(crate) mod event;
pub(crate) mod export;
pub(crate) mod flare;
pub(crate) mod host;
pub(crate) mod inspect;
pub(crate) mod languages;
pub(crate) mod level;
pub(crate) mod lines;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod os_error;
#[allow(unsafe_code)]
pub(crate) mod probes;
#[allow(unsafe_code)]
pub(crate) mod process;
pub(crate) mod propagation;
pub(crate) mod recorder;
pub(crate) mod redact;
pub(crate) mod report;
pub(crate) mod sampling;
pub(crate) mod settings;
pub(crate) mod sort;
pub(crate) mod span;
#[allow(unsafe_code, clippy::disallowed_methods)]
pub(crate) mod sys;
pub(crate) mod trace;
pub(crate) mod tracer;
pub(crate) mod zone;
