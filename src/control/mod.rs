//! What this process exchanges with others beside traces. `socket` answers people on the same machine.

pub mod socket;
