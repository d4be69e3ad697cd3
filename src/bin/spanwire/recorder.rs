//! `spanwire recorder`: reads the flight recorder of a process that runs, hangs or is stopped, through the memory file
//! that the process keeps open. Reading does not disturb the process. This file is the command; `find` reads the
//! memory, `show` prints it.

pub mod find;
pub mod show;

pub use find::Found;

use crate::cli::RecorderOptions;
use crate::out::{Failure, Out};

/// Reads the flight recorder and prints it.
pub fn run(out: Out, options: &RecorderOptions) -> Result<(), Failure> {
    let found = find::recorder(options.pid).map_err(Failure::Said)?;
    if options.json {
        return out.write(&format!("{:#}\n", show::json(&found, options.last.unwrap_or(0))));
    }
    out.write(&show::text(&found, options.last.unwrap_or(show::USUAL), out.paint))
}
