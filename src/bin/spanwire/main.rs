//! `spanwire`, the companion program: shows what tracers do. This file parses the command line and calls the command.

mod address;
mod agent;
mod cli;
mod corefile;
mod ctl;
mod decode;
mod demo;
mod demo_inline;
mod doctor;
mod family;
mod flare;
mod forward;
mod http;
mod memory;
mod msgpack;
mod out;
mod receiver;
mod recorder;
mod tree;
mod why;

use clap::Parser;
use cli::{Cli, Command};
use out::{note, Failure, Out};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Out::new(cli.color);
    // The doctor's status 1 means that it found a cause, also in a flare, and that of `why` that no process knows the trace.
    // So a failure of these themselves is 2.
    let failed = match &cli.command {
        Command::Doctor(_) | Command::Why(_) => 2,
        Command::Flare(options) if options.subject == "show" => 2,
        _ => 1,
    };
    let result = match cli.command {
        Command::Demo(options) => demo::run(out, &options).map(|()| 0),
        Command::Agent(options) => agent::run(out, &options).map(|()| 0),
        Command::Doctor(options) => doctor::run(out, &options),
        Command::Core(options) => corefile::run(out, &options).map(|()| 0),
        Command::Flare(options) => flare::run(out, &options),
        Command::Ctl(options) => ctl::run(out, &options).map(|()| 0),
        Command::Why(options) => why::run(out, &options),
        Command::Recorder(options) => recorder::run(out, &options).map(|()| 0),
        Command::DemoHost => demo_inline::run().map(|()| 0),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => {
            note("spanwire: stopped");
            ExitCode::from(130)
        }
        Err(Failure::Said(text)) => {
            note(format_args!("spanwire: {text}"));
            ExitCode::from(failed)
        }
    }
}
