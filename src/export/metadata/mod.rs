//! What payloads say of a tracer.

pub mod json;
