//! How spans are encoded for their receiver.

pub mod v04;
