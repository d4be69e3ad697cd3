//! `spanwire flare`: makes a flare of a running process from outside (`outside`), and reads flares, of this library and of
//! other tracers (`show`, with `archive`, `foreign` and `node`).

pub mod archive;
mod foreign;
mod node;
mod outside;
mod show;

use crate::cli::FlareOptions;
use crate::out::{Failure, Out};

/// Runs the command, and returns the exit status: that of the doctor for `show`.
pub fn run(out: Out, options: &FlareOptions) -> Result<u8, Failure> {
    match (options.subject.as_str(), &options.file) {
        ("show", Some(file)) => show::run(out, file, options.json),
        ("show", None) => Err(Failure::said("name the flare: spanwire flare show FILE")),
        (_, Some(_)) => Err(Failure::said("a process id has no file after it; -o names the file to write")),
        (pid, None) => {
            let pid: u32 =
                pid.parse().map_err(|_| Failure::said(format!("{pid} is no process id; `show FILE` reads a flare")))?;
            outside::run(out, pid, options).map(|()| 0)
        }
    }
}
