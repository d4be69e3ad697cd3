//! `spanwire doctor`: finds out why traces do not arrive. Reads log files if there are any (`logs`), otherwise checks
//! this machine or a process (`live`). Both return a `report`.

mod answers;
mod causes;
mod flares;
mod ids;
mod lines;
pub mod live;
pub mod logs;
mod members;
mod reader;
pub mod report;
mod settings;
mod shown;
mod tally;

use crate::cli::DoctorOptions;
use crate::out::{Failure, Out};
use spanwire::companion::languages::reading::{config, errors};

/// Runs the doctor and returns the exit status: 0 if nothing is wrong, 1 if a cause was found. `main` exits with 2 on a
/// failure, which means that the doctor could not do its work.
pub fn run(out: Out, options: &DoctorOptions) -> Result<u8, Failure> {
    if options.files.is_empty() {
        return live::run(out, options);
    }
    logs::run(out, options)
}
