//! The command line: commands, options, and the help that teaches them.

use crate::out::Color;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// See what a Spanwire tracer does.
#[derive(Debug, Parser)]
#[command(name = "spanwire", version, propagate_version = false, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to colour the output (NO_COLOR is respected)
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

const EXAMPLES: &str = "\
Examples:
  spanwire demo                     a traced program, its debug log, and the trace that arrived
  spanwire agent                    print the traces of any program that sends to localhost:8126
  spanwire agent --port 0           the same on a free port
  DD_TRACE_AGENT_URL=http://127.0.0.1:8126 ./my-program
                                    send a program's traces there";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build and run a small traced program, and show what it logged and what arrived
    #[command(after_help = DEMO_HELP)]
    Demo(DemoOptions),
    /// Receive traces as a Datadog Agent would, and print each as a tree
    #[command(after_help = AGENT_HELP)]
    Agent(AgentOptions),
    /// The program that `demo` runs where there is no C compiler
    #[command(hide = true)]
    DemoHost,
}

const DEMO_HELP: &str = "\
It needs nothing that is already running: the receiver is its own, on a free port of 127.0.0.1.
The program is examples/c/hello.c, compiled against target/stage with CC, cc, gcc or clang. Where
there is none, a copy of it in Rust makes the same calls.

Examples:
  cargo demo                        in a clone of the repository: builds the companion, then this
  spanwire demo --full              show ids and values whole
  spanwire demo --no-compiler       run the copy in Rust even if there is a C compiler";

/// Options of `spanwire demo`.
#[derive(Debug, clap::Args)]
pub struct DemoOptions {
    /// Run the copy in Rust instead of compiling the C program
    #[arg(long)]
    pub no_compiler: bool,

    /// Show ids and long values whole
    #[arg(long)]
    pub full: bool,
}

const AGENT_HELP: &str = "\
It takes MessagePack on POST or PUT /v0.4/traces, refuses malformed payloads with the reason, and
answers /info. Nothing is forwarded or kept. Trees go to standard output, all else to standard error.
Ctrl-C ends it with a summary.

Examples:
  spanwire agent                              on 127.0.0.1:8126, where tracers look by default
  spanwire agent --port 8127 --verbose        elsewhere, with a line for each request
  spanwire agent --socket /tmp/apm.socket     on a Unix socket instead
                                              (DD_TRACE_AGENT_URL=unix:///tmp/apm.socket)
  spanwire agent --socket /tmp/apm.socket --port 8126     on both";

/// Options of `spanwire agent`.
#[derive(Debug, clap::Args)]
pub struct AgentOptions {
    /// TCP port; 0 picks a free one [default: 8126, or none with --socket]
    #[arg(long)]
    pub port: Option<u16>,

    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,

    /// Unix socket to make and listen on; removed at the end
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// One line for each request
    #[arg(long, short)]
    pub verbose: bool,

    /// Show ids and long values whole
    #[arg(long)]
    pub full: bool,
}
