//! The command line: commands, options, and the help that teaches them.

use crate::out::Color;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// See what a Spanwire tracer does: run a traced program, or watch the traces of your own.
#[derive(Debug, Parser)]
#[command(name = "spanwire", version, propagate_version = false, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto", hide_possible_values = true)]
    pub color: Color,
}

const EXAMPLES: &str = "\
First steps, in a clone of the repository:
  cargo demo                          a traced program, its debug log, and the trace that arrived
  cargo run --features cli -- agent   then, in one terminal, this: it prints whatever arrives,
  DD_TRACE_AGENT_URL=http://127.0.0.1:8126 target/demo/hello
                                      and in another any traced program, here the one of the demo

Where this help says `spanwire`, a clone has `cargo run --features cli --`:
  spanwire agent --help               what `agent` can do
  cargo run --features cli -- agent --help
                                      the same in a clone
  spanwire doctor --help              why traces do not arrive
  spanwire recorder --help            what a process that hangs did last

With DD_TRACE_DEBUG=true in its environment, a program tells on standard error what its tracer does.
README.md has the other settings.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build and run a small traced program, and show what it logged and what arrived
    #[command(after_help = DEMO_HELP)]
    Demo(DemoOptions),
    /// Receive traces as a Datadog Agent would, and print each as a tree
    #[command(after_help = AGENT_HELP)]
    Agent(AgentOptions),
    /// Find out why traces do not arrive: from debug logs, or from this machine as it is now
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorOptions),
    /// Show what a running, hanging or stopped process last did: its flight recorder and its counters
    #[command(after_help = RECORDER_HELP, alias = "blackbox")]
    Recorder(RecorderOptions),
    /// Show what a crashed process last did, from the core that it left
    #[command(after_help = CORE_HELP)]
    Core(CoreOptions),
    /// The program that `demo` runs where there is no C compiler
    #[command(hide = true)]
    DemoHost,
}

const DEMO_HELP: &str = "\
It needs nothing that is already running: the receiver is its own, on a free port of 127.0.0.1. The
program is examples/c/hello.c, compiled against target/demo/stage with CC, cc, gcc or clang; where there
is none, a copy of it in Rust makes the same calls. It runs with DD_TRACE_DEBUG=true; your own
DD_SERVICE, DD_ENV, DD_TAGS, … count as well. Ctrl-C ends all of it.

You see the program's own output, its debug log, and each trace as a tree. Long lines of the log, ids,
and tags that the tracer itself adds are shortened or folded unless --full is given.

Examples:
  cargo demo                          in a clone: builds this program, then runs the demo
  cargo demo --full                   the log as it was written, and all tags
  DD_ENV=staging cargo demo           see how a setting shows in the log and in the trace
  spanwire demo --no-compiler         the copy in Rust, even if there is a C compiler";

/// Options of `spanwire demo`.
#[derive(Debug, clap::Args)]
pub struct DemoOptions {
    /// Run the copy in Rust instead of compiling the C program
    #[arg(long)]
    pub no_compiler: bool,

    /// Show the log as it was written, ids and values whole, and the tags that the tracer adds
    #[arg(long)]
    pub full: bool,
}

const AGENT_HELP: &str = "\
It takes MessagePack on POST or PUT /v0.4/traces, refuses malformed payloads with the reason, and
answers /info. Nothing is forwarded or kept. Trees go to standard output, all else to standard error.
Ctrl-C ends it with a summary.

Examples:
  spanwire agent                              on 127.0.0.1:8126, where tracers send by default
  spanwire agent --verbose                    with a line for each request
  spanwire agent --full > traces.txt          everything, for a file
  spanwire agent --port 0                     on a free port, which it names
  spanwire agent --socket /tmp/apm.socket     on a Unix socket instead
  spanwire agent --socket /tmp/apm.socket --port 8126
                                              on both

What a program needs in its environment to send here:
  DD_TRACE_AGENT_URL=http://127.0.0.1:8126    or nothing at all, if no Agent's socket is there
  DD_TRACE_AGENT_URL=unix:///tmp/apm.socket   for the socket";

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

    /// Show ids and values whole, every span, and the tags that the tracer adds
    #[arg(long)]
    pub full: bool,
}

const DOCTOR_HELP: &str = "\
It answers three questions: did the tracer start, did it make spans, did they reach the Agent; and if
not, why, and what to do. With log files it reads those: of this library, or of Datadog tracers for
Java, Python, Ruby, Go, Node.js, .NET, PHP and C++, several at once, of one process or of many. A log
of debug mode (DD_TRACE_DEBUG=true) tells most. Without a file it looks at this machine: the settings
as a program started here would have them, and the Agent that they name.

Secrets in what it shows are replaced. The exit status is 0 if nothing is wrong, 1 if a cause was
found, 2 if the doctor could not do its work.

Examples:
  spanwire doctor app.log                     what this log tells
  spanwire doctor web.log worker.log          both, and whether their settings agree
  spanwire doctor --json app.log              the same for a script, as one object
  spanwire doctor -                           from standard input, as in `zcat app.log.gz | …`
  spanwire doctor                             this machine, as it is now
  spanwire doctor --url http://agent:8126     the same, with this Agent";

/// Options of `spanwire doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorOptions {
    /// Log files to read, `-` for standard input; none to look at this machine instead
    #[arg(value_name = "LOGFILE")]
    pub files: Vec<PathBuf>,

    /// The Agent to look at instead of the one that the settings name
    #[arg(long, value_name = "URL", conflicts_with = "files")]
    pub url: Option<String>,

    /// One JSON object instead of text: status, causes, sections, facts
    #[arg(long)]
    pub json: bool,
}

const RECORDER_HELP: &str = "\
Every process that uses the library keeps its last few thousand events and its counters in a memory
file of its own. This reads it from outside: nothing has to be switched on before, the process
notices nothing, and it may hang or be stopped. A forked child has a recorder of its own from its
first call on.

Needs the rights of the process's user, or root's. Service names are redacted; spans are shown by
their ids, as `dd.span_id` has them in logs.

Examples:
  spanwire recorder 4711                      counters, and the last 100 events
  spanwire recorder 4711 --last 0             with all events
  spanwire recorder 4711 --json               everything, for a script, as one object";

/// Options of `spanwire recorder`.
#[derive(Debug, clap::Args)]
pub struct RecorderOptions {
    /// The process
    #[arg(value_name = "PID")]
    pub pid: u32,

    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,

    /// How many events, the latest ones; 0 for all [default: 100, or all with --json]
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
}

const CORE_HELP: &str = "\
It needs no debugger, no symbols and not the program: it finds the library's table in the core's
memory and prints what the process was doing: its tracers and their agents, the open spans with
their tags, what waited to be sent, the last events, and the settings with their origins. Secrets
are replaced, so that it can be handed to somebody. A core that is cut short, compressed, of another
version, or of a program without the library is said to be that.

With a command after the file it answers that alone, as the command `spanwire` of GDB and LLDB
does: status, spans [N], span ID, trace ID, queue, log [N], events [N], settings, counters, help.

--send delivers the finished spans that the crash kept from leaving, once, each marked with
_spanwire.recovered. Open spans are never sent.

Examples:
  spanwire core core                          the core in this folder
  spanwire core core spans                    only the open spans
  spanwire core core span 5378288797531496375
  spanwire core --json core                   everything, for a script
  spanwire core --send http://localhost:8126 core";

/// Options of `spanwire core`.
#[derive(Debug, clap::Args)]
pub struct CoreOptions {
    /// The core
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// What to answer, instead of all
    #[arg(value_name = "COMMAND", num_args = 0..)]
    pub command: Vec<String>,

    /// One JSON object instead of text
    #[arg(long, conflicts_with = "command")]
    pub json: bool,

    /// How many events, the latest ones; 0 for all [default: 100, or all with --json]
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,

    /// Send the finished spans to the Agent at this URL
    #[arg(long, value_name = "URL", conflicts_with_all = ["json", "command"])]
    pub send: Option<String>,

    /// Send those too that may have arrived: a request with them got no answer
    #[arg(long, requires = "send")]
    pub send_all: bool,

    /// Send them although they were sent before
    #[arg(long, requires = "send")]
    pub again: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The arguments of the commands of ours in a help text: up to two blanks, a `>`, or the end of the line.
    fn examples(help: &str) -> Vec<Vec<&str>> {
        let commands = help.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
        let words = commands.map(|line| {
            let command = line.split("  ").next().unwrap_or("").split(" > ").next().unwrap_or("");
            command.split(' ').skip_while(|word| word.starts_with("DD_")).collect::<Vec<_>>()
        });
        let ours = words.filter_map(|words| match words.as_slice() {
            ["spanwire", rest @ ..] | ["cargo", "run", "--features", "cli", "--", rest @ ..] => Some(rest.to_vec()),
            ["cargo", rest @ ..] => Some(rest.to_vec()),
            _ => None,
        });
        ours.collect()
    }

    #[test]
    fn every_example_of_the_help_is_understood() {
        Cli::command().debug_assert();
        let helps =
            [(EXAMPLES, 6), (DEMO_HELP, 4), (AGENT_HELP, 6), (DOCTOR_HELP, 6), (RECORDER_HELP, 3), (CORE_HELP, 5)];
        for (help, count) in helps {
            let examples = examples(help);
            assert_eq!(examples.len(), count, "{examples:?}");
            for example in examples {
                match Cli::try_parse_from(["spanwire"].iter().chain(&example)) {
                    Ok(_) => {}
                    Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {}
                    Err(error) => panic!("{example:?}: {error}"),
                }
            }
        }
    }

    #[test]
    fn the_flight_recorder_is_read_under_its_old_command_name_too() {
        for name in ["recorder", "blackbox"] {
            let cli = Cli::try_parse_from(["spanwire", name, "4711"]).expect("the command is known");
            assert!(matches!(cli.command, Command::Recorder(options) if options.pid == 4711), "{name}");
        }
        assert!(!Cli::command().render_long_help().to_string().contains("blackbox"), "the help shows one name");
    }

    #[test]
    fn the_help_fits_a_terminal() {
        let helps = [EXAMPLES, DEMO_HELP, AGENT_HELP, DOCTOR_HELP, RECORDER_HELP, CORE_HELP];
        for line in helps.iter().flat_map(|help| help.lines()) {
            assert!(line.chars().count() <= 102, "{line}");
        }
    }
}
