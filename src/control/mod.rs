//! What is exchanged with others beside traces: `remote`, remote configuration from the agent; `socket`, which answers people
//! on the same machine. Knows no tracers: what changes or shows one goes through a trait that `tracer` implements.

pub mod remote;
pub mod socket;
