//! The command line: commands, options and their help texts.

use crate::out::Color;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Inspect spanwire tracers: run a demo, receive and show traces, find out why traces are missing
#[derive(Debug, Parser)]
#[command(name = "spanwire", version, propagate_version = false, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Use colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto", hide_possible_values = true)]
    pub color: Color,
}

const EXAMPLES: &str = "\
First steps, in a clone of the repository:
  cargo demo                          runs a traced program; shows its debug log and its trace
  cargo run --features cli -- agent   in one terminal: receives traces and prints them
  DD_TRACE_AGENT_URL=http://127.0.0.1:8126 target/demo/hello
                                      in another: any traced program, here that of the demo

In a clone, type `cargo run --features cli --` instead of `spanwire`:
  spanwire agent --help               how to receive and print traces
  cargo run --features cli -- agent --help
                                      the same in a clone
  spanwire doctor --help              how to find out why traces do not arrive
  spanwire why --help                 how to find out what became of one trace
  spanwire recorder --help            how to see what a hanging process did last

With DD_TRACE_DEBUG=true in its environment, a program writes its tracer's debug log to standard
error. README.md describes the other settings.";

/// The commands.
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
    /// Ask a running process: its state, its open spans, debug mode, a flush, its log
    #[command(after_help = CTL_HELP)]
    Ctl(CtlOptions),
    /// Say what became of a trace: open, waiting, sent with the Agent's answer, or dropped, and why
    #[command(after_help = WHY_HELP)]
    Why(WhyOptions),
    /// Show what a running, hanging or stopped process last did: its flight recorder and its counters
    #[command(after_help = RECORDER_HELP, alias = "blackbox")]
    Recorder(RecorderOptions),
    /// Show what a crashed process last did: read its core
    #[command(after_help = CORE_HELP)]
    Core(CoreOptions),
    /// Make a flare of a running process, for you or for Datadog's support; or read one
    #[command(after_help = FLARE_HELP)]
    Flare(FlareOptions),
    /// The program that `demo` runs if there is no C compiler
    #[command(hide = true)]
    DemoHost,
}

const DEMO_HELP: &str = "\
The demo starts its own receiver on a free port of 127.0.0.1; no Agent is needed. The program is
examples/c/hello.c, compiled against target/demo/stage with CC, cc, gcc or clang. If there is no
compiler, a copy in Rust makes the same calls. The program runs with DD_TRACE_DEBUG=true and with
your own DD_SERVICE, DD_ENV, DD_TAGS, … Ctrl-C stops the demo and the program.

The demo prints the program's own output, its debug log, and each trace as a tree. Without --full it
shortens ids and long lines of the log, and leaves out tags that the tracer itself adds.

Examples:
  cargo demo                          in a clone: builds this command, then runs the demo
  cargo demo --full                   the whole log, and all tags
  DD_ENV=staging cargo demo           shows a setting in the log and in the trace
  spanwire demo --no-compiler         the copy in Rust, even if there is a C compiler";

/// Options of `spanwire demo`.
#[derive(Debug, clap::Args)]
pub struct DemoOptions {
    /// Run the copy in Rust instead of compiling the C program
    #[arg(long)]
    pub no_compiler: bool,

    /// Show the whole log, whole ids and values, and the tags that the tracer adds
    #[arg(long)]
    pub full: bool,
}

const AGENT_HELP: &str = "\
The receiver accepts traces as v0.3, v0.4, v0.5, v0.7, v1.0 and OTLP over HTTP, refuses malformed
payloads with the reason, and answers /info. It stores nothing. It prints trees to standard output
and everything else to standard error. Ctrl-C stops it; it then prints a summary.

With --forward it passes each request on to an Agent or Collector, and its answer back as it is. So a
program without TLS reaches an https:// URL. The environment may have SSL_CERT_FILE and SSL_CERT_DIR.

Examples:
  spanwire agent                              on 127.0.0.1:8126, where tracers send by default
  spanwire agent --verbose                    prints a line for each request
  spanwire agent --full > traces.txt          writes everything to a file
  spanwire agent --port 0                     on a free port, which it prints
  spanwire agent --socket /tmp/apm.socket     on a Unix socket instead
  spanwire agent --socket /tmp/apm.socket --port 8126
                                              on both
  spanwire agent --forward https://agent.example
                                              between a program and an Agent elsewhere

To send here, a program needs in its environment:
  DD_TRACE_AGENT_URL=http://127.0.0.1:8126    or nothing, if this machine has no Agent's socket
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

    /// Unix socket to create and listen on; removed at the end
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// Pass every request on to this Agent or Collector, and its answers back
    #[arg(long, value_name = "URL")]
    pub forward: Option<String>,

    /// Print one line for each request
    #[arg(long, short)]
    pub verbose: bool,

    /// Show whole ids and values, every span, and the tags that the tracer adds
    #[arg(long)]
    pub full: bool,
}

const DOCTOR_HELP: &str = "\
The doctor answers three questions: did the tracer start, did it make spans, did they reach the Agent?
If not, it names the cause and what to do.

Given log files, it reads them: logs of this library and of the Datadog tracers for Java, Python,
Ruby, Go, Node.js, .NET, PHP and C++, of one process or of many. A log in debug mode
(DD_TRACE_DEBUG=true) contains most.

With --pid it examines a running process of any tracer: the settings in its environment, in php.ini
and the pools of php-fpm, and the Agent that they name, from the network of the process and with the
rights of its user. Of a process with this library it also shows the settings that its code made, and
counts the spans that were started, sent and dropped. Run it as the user of the process or as root.

Otherwise it checks this machine: the settings that a program started here would have, and the Agent
that they name. --env and --php-ini take the settings from files instead.

If no Agent answers at the address, the doctor tries the usual ports and sockets, and says where one
is. It sends one small trace of service spanwire-doctor to the Agent. It replaces secrets in its
output.

Exit status: 0 nothing is wrong; 1 a cause was found, or the log has errors that the doctor does not
understand; 2 the doctor could not do its work, for example read the file or the process.

Examples:
  spanwire doctor app.log                     reads this log
  spanwire doctor web.log worker.log          reads both, and compares their settings
  spanwire doctor --json app.log              prints one JSON object for scripts
  spanwire doctor -                           reads standard input, as in `zcat app.log.gz | …`
  spanwire doctor                             checks this machine
  spanwire doctor --url http://agent:8126     checks this machine with this Agent
  spanwire doctor --pid 4711                  examines a running process
  spanwire doctor --env app.env               a program with the variables in this file
  spanwire doctor --php-ini                   PHP on this machine, as `php` in PATH finds its php.ini
  spanwire doctor --php-ini /etc/php/8.2/fpm/pool.d/www.conf
                                              the workers of this pool of php-fpm";

/// Options of `spanwire doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorOptions {
    /// Log files to read, `-` for standard input; without any, the doctor checks this machine or a process
    #[arg(value_name = "LOGFILE")]
    pub files: Vec<PathBuf>,

    /// The Agent to check instead of the one that the settings name
    #[arg(long, value_name = "URL", conflicts_with = "files")]
    pub url: Option<String>,

    /// Examine the running process of this id
    #[arg(long, value_name = "N", conflicts_with_all = ["files", "env"], value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: Option<u32>,

    /// Take the environment from this file: NAME=value lines, as for `docker run --env-file`, systemd or a shell
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub env: Option<PathBuf>,

    /// Take settings of PHP from this php.ini, folder of *.ini files, or configuration of php-fpm; without FILE, from
    /// where PHP reads them
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "files")]
    pub php_ini: Option<Option<PathBuf>>,

    /// Print one JSON object instead of text: status, causes, sections, facts
    #[arg(long)]
    pub json: bool,
}

const RECORDER_HELP: &str = "\
Every process that uses the library keeps its last few thousand events and its counters in a memory
file, the flight recorder. This command reads it from outside. The recorder is always on. The process
may run, hang or be stopped; reading does not disturb it. A forked child has its own recorder from
its first call on.

Run the command as the user of the process or as root. Secrets in service names are replaced. Spans
are shown by their ids, in decimal as in logs (`dd.span_id`).

Examples:
  spanwire recorder 4711                      counters, and the last 100 events
  spanwire recorder 4711 --last 0             counters, and all events
  spanwire recorder 4711 --json               everything as one JSON object for scripts";

/// Options of `spanwire recorder`.
#[derive(Debug, clap::Args)]
pub struct RecorderOptions {
    /// Process id
    #[arg(value_name = "PID")]
    pub pid: u32,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,

    /// Number of latest events to print; 0 prints all [default: 100, or all with --json]
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
}

const WHY_HELP: &str = "\
Each process with the library remembers its last 16,384 traces. The answer is one sentence, with the
sampling rule, the counter or the Agent's answer behind it, and what to do. If no process knows the
trace, the command says what that means: the trace is older, its process has ended, tracing is off.

The id may be pasted as it is found: decimal or hexadecimal, with 0x, with `dd.trace_id=` before it, a
traceparent, or the address of a trace in the browser. A 64-bit id matches the lower half of a 128-bit
one. A number that may be decimal and hexadecimal is tried as both.

With --pid it looks into that process and its children, so the parent of php-fpm or Puma will do.
Without, it looks into all processes of this user, for root into those of all users. Secrets are
replaced.

Exit status: 0 a process knows the trace; 1 none does; 2 the command could not look.

Examples:
  spanwire why 68e7d1a2000000000123456789abcdef
  spanwire why dd.trace_id=13931074883647674919 --pid 4711
  spanwire why 0x123456789abcdef --core core  in the core of a process that crashed
  spanwire why 5378288797531496375 --flare tracer-cpp-1.zip
                                              in a flare
  spanwire why 5378288797531496375 --json     as one JSON object for scripts";

/// Options of `spanwire why`.
#[derive(Debug, clap::Args)]
pub struct WhyOptions {
    /// The id of the trace, in any form
    #[arg(value_name = "TRACE_ID")]
    pub trace_id: String,

    /// Look into this process and its children
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: Option<u32>,

    /// Look into this core
    #[arg(long, value_name = "FILE", conflicts_with = "pid")]
    pub core: Option<PathBuf>,

    /// Look into this flare
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pid", "core"])]
    pub flare: Option<PathBuf>,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

const CTL_HELP: &str = "\
The commands `status` and `spans` read the memory of the process, so they work whatever it does. The
others ask its library: the command writes a word into the process's flight recorder, the worker opens
a local socket within a second, and closes it after a minute without use. The socket answers the user
of the process and root only. A process that has given up root's rights, such as a worker of php-fpm,
answers root only. SPANWIRE_CONTROL=false in the process turns the socket off.

PID may be the parent of php-fpm or Puma: the command then goes to all its children with the library.
Secrets are replaced in all output.

Examples:
  spanwire ctl 4711 status                    the process, its tracers and where their spans are
  spanwire ctl 4711 spans                     the open spans, oldest first, with tags and ages
  spanwire ctl 4711 debug on --for 10m        debug mode, for ten minutes
  spanwire ctl 4711 debug off
  spanwire ctl 4711 flush                     sends what waits, and says what came of it
  spanwire ctl 4711 log -f                    the log from now on, until Ctrl-C";

/// Options of `spanwire ctl`.
#[derive(Debug, clap::Args)]
pub struct CtlOptions {
    /// Process id; of a parent, for all its children
    #[arg(value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: u32,

    #[command(subcommand)]
    pub command: CtlCommand,
}

/// The commands of `spanwire ctl`.
#[derive(Debug, Subcommand)]
pub enum CtlCommand {
    /// Show the process, its tracers, and how many spans are where
    Status,
    /// Show the open spans, oldest first
    Spans {
        /// Number of spans; 0 for all
        #[arg(value_name = "N", default_value = "100")]
        most: u32,
    },
    /// Turn debug mode on or off
    Debug {
        #[arg(value_name = "on|off", value_parser = ["on", "off"])]
        switch: String,
        /// Turn it off again after this time, such as 30s, 10m or 1h
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        time: Option<u32>,
    },
    /// Send what waits
    Flush {
        /// How long to wait, such as 30s, at most 60s
        #[arg(long = "for", value_name = "TIME", value_parser = up_to_a_minute, default_value = "10s")]
        time: u32,
    },
    /// Show the records of the log from now on
    Log {
        /// Follow the log until Ctrl-C; it is the only way to read it
        #[arg(short, long)]
        follow: bool,
    },
}

/// Reads a time of a minute at most: the process waits no longer than that for a flush.
fn up_to_a_minute(text: &str) -> Result<u32, String> {
    seconds(text).ok().filter(|&seconds| seconds <= 60).ok_or_else(|| "a time from 1s to 60s, such as 30s".into())
}

/// Reads a time such as `10m` as seconds.
fn seconds(text: &str) -> Result<u32, String> {
    let (digits, factor) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) => (
            digits,
            if text.ends_with('m') {
                60
            } else if text.ends_with('h') {
                3_600
            } else {
                1
            },
        ),
        None => (text, 1),
    };
    let number = digits.parse::<u32>().ok().and_then(|number| number.checked_mul(factor));
    number.filter(|seconds| (1..=86_400).contains(seconds)).ok_or_else(|| "a time from 1s to 24h, such as 10m".into())
}

const CORE_HELP: &str = "\
This command needs no debugger, no symbols and not the program. It finds the library's table in the
core and prints what the process was doing: its tracers and their Agents, the open spans with their
tags, the spans that waited to be sent, the last events, and the settings with their origins. Secrets
are replaced, so that you can pass the output on. A core that is truncated, compressed, of another
version, or of a program without the library causes an error that says so.

With a command after the file, only that command is answered, as by `spanwire` in GDB and LLDB:
status, spans [N], span ID, trace ID, queue, log [N], events [N], settings, counters, help.

--send sends the finished spans that were not sent before the crash, each with the tag
_spanwire.recovered. It sends them only once, and never sends open spans. The format is the one that
the process asked for, or that of DD_TRACE_AGENT_PROTOCOL_VERSION, if the Agent takes it.

Examples:
  spanwire core core                          the core in this folder
  spanwire core core spans                    only the open spans
  spanwire core core span 5378288797531496375
  spanwire core --json core                   everything as one JSON object for scripts
  spanwire core --send http://localhost:8126 core
  spanwire core --send otlp+http://collector:4318 core";

/// Options of `spanwire core`.
#[derive(Debug, clap::Args)]
pub struct CoreOptions {
    /// The core file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// A command to answer instead of printing everything
    #[arg(value_name = "COMMAND", num_args = 0..)]
    pub command: Vec<String>,

    /// Print one JSON object instead of text
    #[arg(long, conflicts_with = "command")]
    pub json: bool,

    /// Number of latest events to print; 0 prints all [default: 100, or all with --json]
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,

    /// Send the finished spans to the Agent at this URL
    #[arg(long, value_name = "URL", conflicts_with_all = ["json", "command"])]
    pub send: Option<String>,

    /// Send also spans that may have arrived: a request with them was in flight or got no answer
    #[arg(long, requires = "send")]
    pub send_all: bool,

    /// Send the spans although they were sent before
    #[arg(long, requires = "send")]
    pub again: bool,
}

const FLARE_HELP: &str = "\
A flare is one zip archive with everything that explains what a tracer does: settings with their
origins, open spans, counters, the flight recorder, the log, threads and memory. Secrets are replaced.
The command reads the memory of the process, which may run, hang or be stopped. Run it as the user of
the process or as root. docs/flares.md explains the files.

--send has the Agent of the process pass the flare on to Datadog's support.

`show` reads a flare of this library, or of the tracers for Java, Python, Node.js and .NET, or a
folder with its files, and prints what the doctor concludes from it. Its exit status is that of the
doctor.

Examples:
  spanwire flare 4711                         writes spanwire-flare-4711-TIME.zip into this folder
  spanwire flare 4711 -o shop.zip
  spanwire flare 4711 --send --case-id 12345 --email you@example.com
  spanwire flare show shop.zip
  spanwire flare show --json shop.zip         one JSON object for scripts";

/// Options of `spanwire flare`.
#[derive(Debug, clap::Args)]
pub struct FlareOptions {
    /// Process id, or `show`
    #[arg(value_name = "PID")]
    pub subject: String,

    /// The flare to show, or a folder with its files
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The file to write; it must not exist yet
    #[arg(long, short, value_name = "FILE", conflicts_with = "send")]
    pub output: Option<PathBuf>,

    /// Send the flare instead of writing it
    #[arg(long, requires = "case_id", requires = "email")]
    pub send: bool,

    /// Number of the support case
    #[arg(long, value_name = "N", requires = "send")]
    pub case_id: Option<String>,

    /// The e-mail address that the support case belongs to
    #[arg(long, value_name = "E", requires = "send")]
    pub email: Option<String>,

    /// With `show`: print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Returns the arguments of each example command in a help text. A command ends at two blanks, at ` > `, or at the
    /// end of the line.
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
    fn every_example_in_the_help_can_be_run() {
        Cli::command().debug_assert();
        let helps = [
            (EXAMPLES, 7),
            (DEMO_HELP, 4),
            (AGENT_HELP, 6),
            (DOCTOR_HELP, 10),
            (RECORDER_HELP, 3),
            (WHY_HELP, 5),
            (CTL_HELP, 6),
            (CORE_HELP, 5),
            (FLARE_HELP, 5),
        ];
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
        let helps =
            [EXAMPLES, DEMO_HELP, AGENT_HELP, DOCTOR_HELP, RECORDER_HELP, WHY_HELP, CTL_HELP, CORE_HELP, FLARE_HELP];
        for line in helps.iter().flat_map(|help| help.lines()) {
            assert!(line.chars().count() <= 102, "{line}");
        }
    }
}
