//! `spanwire recorder`: reads the flight recorder of a process that runs, hangs or is stopped, through the memory file
//! that it keeps open. The process notices nothing. This file is the command; `find` gets the memory, `show` prints.

mod find;
pub mod show;

pub use find::Found;

use crate::cli::RecorderOptions;
use crate::out::{Failure, Out};

/// Reads the recorder and prints it.
pub fn run(out: Out, options: &RecorderOptions) -> Result<(), Failure> {
    let found = find::recorder(options.pid).map_err(Failure::Said)?;
    if options.json {
        return out.write(&format!("{:#}\n", show::json(&found, options.last.unwrap_or(0))));
    }
    out.write(&show::text(&found, options.last.unwrap_or(show::USUAL), out.paint))
}
