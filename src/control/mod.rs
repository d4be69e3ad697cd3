//! What is exchanged with the agent beside traces: `remote`, remote configuration. Knows no tracers: what changes one
//! goes through a trait that `tracer` implements.

pub mod remote;
