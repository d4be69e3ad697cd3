//! `spanwire demo`: the whole way of a trace, shown in the order in which it happens. What it needs it starts itself.

use crate::cli::DemoOptions;
use crate::decode::Trace;
use crate::out::{counted, note, Failure, Out};
use crate::receiver::{Event, Places, Receiver};
use crate::tree::{self, Look};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// The program that is run, below the repository.
const SOURCE: &str = "examples/c/hello.c";
/// How long it may take. It waits two seconds at most for its traces to leave.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests that may come in while nobody looks: many times what the program makes.
const WAITING_MAX: usize = 1024;
/// Settings of the user's own that would hide what the demo shows.
const HIDING: [&str; 5] =
    ["DD_TRACE_ENABLED", "DD_TRACE_LOG_FILE", "DD_TRACE_LOG_LEVEL", "DD_TRACE_STARTUP_LOGS", "SPANWIRE_LOG_SINKS"];

/// Builds and runs the program against a receiver of its own, then shows log and traces. An error if none arrived.
pub fn run(out: Out, options: &DemoOptions) -> Result<(), Failure> {
    let (sender, events) = sync_channel(WAITING_MAX);
    let places = Places { tcp: Some(("127.0.0.1".into(), 0)), socket: None };
    let receiver = Receiver::start(&places, &sender).map_err(Failure::Said)?;
    let url = receiver.tcp.map(|address| format!("http://{address}")).unwrap_or_default();

    let program = prepare(options)?;
    note(format_args!("running {}", program.name));
    let ran = execute(&program, &url)?;

    let mut traces: Vec<Trace> = Vec::new();
    let mut troubles = Vec::new();
    // A payload's event comes before its answer: what the program was told has arrived is here.
    for event in events.try_iter() {
        if let Event::Answered { line, traces: arrived, trouble } = event {
            troubles.extend(trouble.then_some(line));
            traces.extend(arrived.unwrap_or_default());
        }
    }
    out.write(&show(&program, &ran, &traces, out, options.full))?;
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

/// What to run.
struct Program {
    name: String,
    command: Command,
    /// Where it lies, if the user can run it again.
    built: Option<PathBuf>,
}

fn prepare(options: &DemoOptions) -> Result<Program, Failure> {
    if options.no_compiler {
        return inline();
    }
    let Some(repository) = repository() else {
        note("no clone of the repository here, so its copy in Rust is run");
        return inline();
    };
    let Some(compiler) = compiler() else {
        note("no C compiler found (set CC, or install gcc), so its copy in Rust is run");
        return inline();
    };
    note("laying out target/stage (the first time builds the library)");
    let stage = Command::new(repository.join("tools/stage"))
        .stdin(Stdio::null())
        .stdout(Stdio::from(io::stderr()))
        .status()
        .map_err(|error| Failure::said(format!("cannot run tools/stage: {error}")))?;
    if !stage.success() {
        return Err(Failure::said("tools/stage failed, for the reason above"));
    }
    compile(&repository, &compiler)
}

fn inline() -> Result<Program, Failure> {
    let this = std::env::current_exe().map_err(|error| Failure::said(format!("cannot find this program: {error}")))?;
    let mut command = Command::new(this);
    command.arg("demo-host");
    Ok(Program { name: format!("a copy of {SOURCE} in Rust"), command, built: None })
}

/// The clone that this program was built in, or the one that the user stands in.
fn repository() -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::iter::once(built_in)
        .chain(here.ancestors())
        .find(|folder| folder.join("tools/stage").is_file() && folder.join(SOURCE).is_file())
        .map(Path::to_path_buf)
}

/// The compiler's words: CC may be `ccache gcc`.
fn compiler() -> Option<Vec<String>> {
    let chosen = std::env::var("CC").unwrap_or_default();
    let runs = |words: &Vec<String>| {
        words.first().is_some_and(|program| {
            let mut command = Command::new(program);
            command.args(&words[1..]).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        })
    };
    [chosen.as_str(), "cc", "gcc", "clang"]
        .iter()
        .map(|words| words.split_whitespace().map(str::to_owned).collect())
        .find(runs)
}

fn compile(repository: &Path, compiler: &[String]) -> Result<Program, Failure> {
    let folder = repository.join("target/demo");
    let built = folder.join("hello");
    // Another demo may be running the program: it is replaced, never written over.
    let fresh = folder.join(format!("hello.{}", std::process::id()));
    let library = repository.join("target/stage/lib");
    let mut rpath = OsString::from("-Wl,-rpath,");
    rpath.push(&library);
    note(format_args!("compiling {SOURCE} with {}", compiler.join(" ")));
    let compiled = std::fs::create_dir_all(&folder).and_then(|()| {
        Command::new(&compiler[0])
            .args(&compiler[1..])
            .args(["-std=c99", "-g", "-O1", SOURCE, "-I"])
            .arg(repository.join("target/stage/include"))
            .arg("-L")
            .arg(&library)
            .arg("-lspanwire")
            .arg(rpath)
            .arg("-o")
            .arg(&fresh)
            .current_dir(repository)
            .stdin(Stdio::null())
            .stdout(Stdio::from(io::stderr()))
            .status()
    });
    match compiled {
        Ok(status) if status.success() => {}
        Ok(_) => {
            let advice = "its C library's headers may be missing (Debian: libc6-dev), or use --no-compiler";
            return Err(Failure::said(format!("{} could not compile {SOURCE}: {advice}", compiler.join(" "))));
        }
        Err(error) => return Err(Failure::said(format!("cannot compile {SOURCE}: {error}"))),
    }
    std::fs::rename(&fresh, &built)
        .map_err(|error| Failure::said(format!("cannot make {}: {error}", built.display())))?;
    let command = Command::new(&built);
    Ok(Program { name: SOURCE.into(), command, built: Some(built) })
}

/// What the program did.
struct Ran {
    status: ExitStatus,
    said: String,
    log: String,
}

fn execute(program: &Program, url: &str) -> Result<Ran, Failure> {
    let mut command = Command::new(program.command.get_program());
    command.args(program.command.get_args());
    for name in HIDING {
        command.env_remove(name);
    }
    // `cargo run` points it at folders with other builds of the library.
    command.env_remove("LD_LIBRARY_PATH");
    command.env("DD_TRACE_DEBUG", "true").env("DD_TRACE_AGENT_URL", url);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let trouble = |error| Failure::said(format!("cannot run {}: {error}", program.name));
    let mut child = command.spawn().map_err(trouble)?;
    let said = gather(child.stdout.take());
    let log = gather(child.stderr.take());
    let Some(status) = wait(&mut child).map_err(trouble)? else {
        return Err(Failure::said(format!("{} did not end within {PATIENCE:?} and was stopped", program.name)));
    };
    Ok(Ran { status, said: said.join().unwrap_or_default(), log: log.join().unwrap_or_default() })
}

fn gather(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth showing.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn show(program: &Program, ran: &Ran, traces: &[Trace], out: Out, full: bool) -> String {
    let heading = |title: &str, about: &str| format!("\n{}  {}\n\n", out.paint.strong(title), out.paint.dim(about));
    let mut text = heading("The debug log", &format!("what the tracer in {} said on standard error", program.name));
    text += if ran.log.is_empty() { "(nothing)\n" } else { &ran.log };
    if !ran.said.is_empty() {
        text += &heading("The program's own output", "");
        text += &ran.said;
    }
    if !traces.is_empty() {
        text += &heading("What the Agent received", "each span under its parent; numbers and tags below each");
        for trace in traces {
            text += &tree::draw(trace, Look { paint: out.paint, full });
        }
    }
    text
}

fn explain(program: &Program, traces: &[Trace], url: &str, out: Out) -> String {
    let spans: usize = traces.iter().map(Vec::len).sum();
    let shown = |path: &Path| {
        let here = std::env::current_dir().unwrap_or_default();
        path.strip_prefix(here).unwrap_or(path).display().to_string()
    };
    let this = std::env::current_exe().map_or("spanwire".to_owned(), |path| shown(&path));
    let mut text = format!("\n{}\n", out.paint.strong("What you saw, and what next"));
    let _ = writeln!(
        text,
        "  {} made {} in {}; its tracer sent them to {url}, as to a Datadog Agent.",
        program.name,
        counted(spans, "span"),
        counted(traces.len(), "trace")
    );
    text +=
        "  DD_TRACE_DEBUG=true turned the log on. It is off by default, and can be switched while a program runs.\n";
    if let Some(built) = &program.built {
        let _ = writeln!(text, "  Run {} by itself: with no DD_TRACE_AGENT_URL it prints its trace.", shown(built));
    }
    let _ = writeln!(text, "  Run `{this} agent` to see your own program's traces like this.");
    text
}

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
