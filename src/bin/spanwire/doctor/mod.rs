//! `spanwire doctor`: finds out why traces do not arrive. With log files it reads them (`logs`), without it looks at
//! this machine (`live`); both answer with a `report`. This file only chooses.

mod anchors;
mod answers;
mod causes;
mod ids;
mod lines;
mod live;
mod logs;
mod reader;
mod report;
mod settings;
mod shown;
mod tally;

use crate::cli::DoctorOptions;
use crate::out::{Failure, Out};
use spanwire::languages::reading::{config, errors};

/// Answers the exit status: 0 nothing wrong, 1 a cause was found. A failure, with which the doctor could not do its
/// work, is status 2 (`main`).
pub fn run(out: Out, options: &DoctorOptions) -> Result<u8, Failure> {
    if options.files.is_empty() {
        return live::run(out, options);
    }
    logs::run(out, options)
}
