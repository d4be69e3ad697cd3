//! `spanwire demo`: runs a traced program and shows its output, its debug log and its traces. Starts its own receiver.

mod child;
mod log;
mod program;

use crate::cli::DemoOptions;
use crate::decode::Trace;
use crate::out::{counted, note, Failure, Out};
use crate::receiver::{Event, Places, Receiver};
use crate::tree::{self, Look};
use child::Watch;
use program::Program;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

/// Time limit for the program. Its shutdown waits at most two seconds for traces to be sent.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests queued while the program runs: far more than it sends.
const WAITING_MAX: usize = 1024;
/// Settings of the user that would hide what the demo shows. They are removed from the program's environment.
const HIDING: [&str; 6] = [
    "DD_TRACE_ENABLED",
    "DD_TRACE_LOG_FILE",
    "DD_TRACE_LOG_LEVEL",
    "DD_TRACE_STARTUP_LOGS",
    "SPANWIRE_LOG_DIALECT",
    "SPANWIRE_LOG_SINKS",
];

/// Builds the program, runs it against a receiver of its own, then shows log and traces. Returns an error if no trace
/// arrived.
pub fn run(out: Out, options: &DemoOptions) -> Result<(), Failure> {
    let watch = Watch::start()?;
    let (sender, events) = sync_channel(WAITING_MAX);
    let places = Places { tcp: Some(("127.0.0.1".into(), 0)), socket: None, forward: None };
    let receiver = Receiver::start(&places, &sender).map_err(Failure::Said)?;
    let url = receiver.tcp.map(|address| format!("http://{address}")).unwrap_or_default();

    let program = Program::prepare(&watch, options.no_compiler)?;
    note(format_args!("running {}", program.name));
    let ran = execute(&watch, &program, &url)?;

    let mut traces: Vec<Trace> = Vec::new();
    let mut troubles = Vec::new();
    // The receiver queues a payload's event before it answers, so all events are here once the program has ended.
    for event in events.try_iter() {
        if let Event::Answered { line, traces: arrived, trouble } = event {
            troubles.extend(trouble.then_some(line));
            traces.extend(arrived.unwrap_or_default());
        }
    }
    // Separates the output from the progress messages. Standard output itself begins with a heading.
    note("");
    out.write(&show(&program, &ran, &traces, Look { paint: out.paint, full: options.full }))?;
    if traces.is_empty() {
        return Err(Failure::Said(nothing_arrived(&program, &ran, &troubles)));
    }
    for trouble in troubles {
        note(format_args!("warning: {trouble}"));
    }
    out.write(&explain(&program, &traces, &url, out))?;
    match ran.status.success() {
        true => Ok(()),
        false => Err(Failure::said(format!("the traces arrived, but {} ended with {}", program.name, ran.status))),
    }
}

/// Result of running the program.
struct Ran {
    status: ExitStatus,
    said: String,
    log: String,
}

/// Runs the program with the receiver's URL in its environment, and collects its output.
fn execute(watch: &Watch, program: &Program, url: &str) -> Result<Ran, Failure> {
    let mut command = Command::new(&program.file);
    command.args(program.arguments);
    for name in HIDING {
        command.env_remove(name);
    }
    // `cargo run` sets it to folders that may contain another build of the library.
    command.env_remove("LD_LIBRARY_PATH");
    command.env("DD_TRACE_DEBUG", "true").env("DD_TRACE_AGENT_URL", url);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let trouble = |error| Failure::said(format!("cannot run {}: {error}", program.name));
    let mut running = watch.spawn(&mut command).map_err(trouble)?;
    let said = gather(running.child.stdout.take());
    let log = gather(running.child.stderr.take());
    let Some(status) = running.wait(Some(PATIENCE))? else {
        return Err(Failure::said(format!("{} did not end within {PATIENCE:?} and was stopped", program.name)));
    };
    Ok(Ran { status, said: said.join().unwrap_or_default(), log: log.join().unwrap_or_default() })
}

/// Reads a pipe to its end on a thread.
fn gather(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // Show what was read before the error.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Returns the program's output, the debug log and the traces, as they are printed.
fn show(program: &Program, ran: &Ran, traces: &[Trace], look: Look) -> String {
    let heading = |title: &str, about: &str| format!("{}  {}\n\n", look.paint.strong(title), look.paint.dim(about));
    let mut text = String::new();
    if !ran.said.trim().is_empty() {
        let title = look.paint.strong("The program's own output");
        text += &format!("{title}\n\n{}\n\n", ran.said.trim_end());
    }
    text += &heading("The debug log", &format!("written to standard error by the tracer in {}", program.name));
    text += &if ran.log.is_empty() { "(nothing)\n".into() } else { log::readable(&ran.log, look) };
    if !traces.is_empty() {
        text.push('\n');
        text += &heading("What the Agent received", "each span below its parent, with its tags and numbers");
        for trace in traces {
            text += &tree::draw(trace, look);
        }
    }
    text
}

/// Prints what to do next, as commands that work in the user's current folder.
fn explain(program: &Program, traces: &[Trace], url: &str, out: Out) -> String {
    let spans: usize = traces.iter().map(Vec::len).sum();
    let here = std::env::current_dir().unwrap_or_default();
    let shown = |path: &Path| match path.strip_prefix(&here) {
        // A shell looks up a name without a slash in PATH.
        Ok(name) if name.components().count() == 1 => format!("./{}", name.display()),
        Ok(below) => below.display().to_string(),
        Err(_) => path.display().to_string(),
    };
    let repository = program::repository();
    let this = match &repository {
        Some(repository) if here.starts_with(repository) => "cargo run --features cli --".to_owned(),
        _ => std::env::current_exe().map_or("spanwire".to_owned(), |path| shown(&path)),
    };
    let again = match program.arguments {
        [] => shown(&program.file),
        arguments => format!("{this} {}", arguments.join(" ")),
    };
    let mut text = format!("\n{}\n", out.paint.strong("What happened, and what to do next"));
    let _ = write!(
        text,
        "  {} made {} in {}; its tracer sent them to {url}, as to a Datadog Agent.\n  \
         DD_TRACE_DEBUG=true turned on the debug log. It is off by default and can be turned on while a program runs.\n\n  \
         To see the traces of any program, run in one terminal:\n      \
         {}\n  \
         and in another this program or yours; add DD_TRACE_DEBUG=true to see its debug log:\n      \
         {}\n",
        program.name,
        counted(spans, "span"),
        counted(traces.len(), "trace"),
        out.paint.strong(&format!("{this} agent")),
        out.paint.strong(&format!("DD_TRACE_AGENT_URL=http://127.0.0.1:8126 {again}")),
    );
    if let Some(readme) = repository.map(|folder| folder.join("README.md")) {
        let _ = writeln!(
            text,
            "\n  {} continues with a first program in C, PHP and Ruby.",
            shown(&readme).trim_start_matches("./")
        );
    }
    text
}

/// Returns an error that explains why no trace arrived.
fn nothing_arrived(program: &Program, ran: &Ran, troubles: &[String]) -> String {
    if let Some(line) = troubles.first() {
        return format!("no trace arrived: the receiver refused what was sent ({line})");
    }
    let ended = if ran.status.success() { String::new() } else { format!(" and ended with {}", ran.status) };
    format!(
        "no trace arrived: {} sent none{ended}. The debug log above says why; a firewall or proxy on 127.0.0.1 also \
         would do this",
        program.name
    )
}
