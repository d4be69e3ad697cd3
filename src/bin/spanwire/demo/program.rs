//! Prepares the demo's program: finds the clone and a compiler, builds the library into target/stage, compiles the
//! program.

use super::child::Watch;
use crate::out::{note, Failure};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The program's source, relative to the repository.
const SOURCE: &str = "examples/c/hello.c";
/// Where the library is laid out. Not `target/stage`: its library is optimised.
const STAGE: &str = "target/demo/stage";
/// `tools/stage` takes less time than this if it does not have to build.
const NOTHING_BUILT: Duration = Duration::from_secs(2);

/// A program that is ready to run.
pub struct Program {
    /// Its name in messages.
    pub name: String,
    /// The file to execute.
    pub file: PathBuf,
    /// Its arguments.
    pub arguments: &'static [&'static str],
}

impl Program {
    /// Compiles the C program, or uses the copy in Rust and prints why. With `wants_copy` it uses the copy without a
    /// message.
    pub fn prepare(watch: &Watch, wants_copy: bool) -> Result<Program, Failure> {
        if wants_copy {
            return copy();
        }
        let Some(repository) = repository() else {
            note("no clone of the repository found; running the copy of the C program in Rust");
            return copy();
        };
        let Some(compiler) = compiler() else {
            note("no C compiler found (set CC, or install gcc); running the copy of the C program in Rust");
            return copy();
        };
        lay_out(watch, &repository)?;
        compile(watch, &repository, &compiler)
    }
}

/// Returns the clone that this program was built in, or the one that contains the current folder.
pub fn repository() -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::iter::once(built_in)
        .chain(here.ancestors())
        .find(|folder| folder.join("tools/stage").is_file() && folder.join(SOURCE).is_file())
        .map(Path::to_path_buf)
}

fn copy() -> Result<Program, Failure> {
    let this = std::env::current_exe().map_err(|error| Failure::said(format!("cannot find this program: {error}")))?;
    Ok(Program { name: format!("the copy of {SOURCE} in Rust"), file: this, arguments: &["demo-host"] })
}

/// Returns the compiler and its arguments: CC may be `ccache gcc`.
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

fn lay_out(watch: &Watch, repository: &Path) -> Result<(), Failure> {
    let folder = repository.join(STAGE);
    let first = !folder.join("lib/libspanwire.so").exists();
    if first {
        note(format_args!("building the library into {STAGE}; the first time this takes about half a minute"));
    }
    let mut command = Command::new(repository.join("tools/stage"));
    // Without optimisation, and the shared library alone: link-time optimisation takes longer than all the rest.
    command.args(["--debug", "--only", "shared", "--into"]).arg(&folder);
    quiet(&mut command);
    let trouble = |error| Failure::said(format!("cannot run tools/stage: {error}"));
    let mut stage = watch.spawn(&mut command).map_err(trouble)?;
    let mut ended = if first { None } else { stage.wait(Some(NOTHING_BUILT))? };
    if ended.is_none() && !first {
        note(format_args!("building the library into {STAGE}, because its sources have changed"));
    }
    if ended.is_none() {
        ended = stage.wait(None)?;
    }
    match ended {
        Some(status) if status.success() => Ok(()),
        _ => Err(Failure::said("tools/stage failed; the lines above say why")),
    }
}

fn compile(watch: &Watch, repository: &Path, compiler: &[String]) -> Result<Program, Failure> {
    let folder = repository.join("target/demo");
    let built = folder.join("hello");
    // Another demo may be running the old file. Replace it by renaming, since writing to a running program fails.
    let fresh = Unfinished(folder.join(format!("hello.{}", std::process::id())));
    let stage = repository.join(STAGE);
    let library = stage.join("lib");
    let mut rpath = OsString::from("-Wl,-rpath,");
    rpath.push(&library);
    let mut command = Command::new(&compiler[0]);
    command.args(&compiler[1..]).args(["-std=c99", "-g", "-O1", SOURCE, "-I"]);
    command.arg(stage.join("include")).arg("-L").arg(&library).arg("-lspanwire").arg(rpath);
    command.arg("-o").arg(&fresh.0).current_dir(repository);
    quiet(&mut command);

    note(format_args!("compiling {SOURCE} with {}", compiler.join(" ")));
    let trouble = |error| Failure::said(format!("cannot compile {SOURCE}: {error}"));
    std::fs::create_dir_all(&folder).map_err(trouble)?;
    let compiled = watch.spawn(&mut command).map_err(trouble)?.wait(None)?;
    if !compiled.is_some_and(|status| status.success()) {
        let advice = "the headers of the C library may be missing (on Debian install libc6-dev); or use --no-compiler";
        return Err(Failure::said(format!("{} could not compile {SOURCE}: {advice}", compiler.join(" "))));
    }
    std::fs::rename(&fresh.0, &built).map_err(trouble)?;
    Ok(Program { name: SOURCE.into(), file: built, arguments: &[] })
}

/// Closes standard input and sends output to standard error; standard output is for what the demo shows.
fn quiet(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::from(io::stderr()));
}

/// A file that is renamed when it is complete, and removed otherwise.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
