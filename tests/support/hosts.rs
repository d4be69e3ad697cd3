//! Host programs: stages the library, compiles programs against it, and runs them with a time limit.

use serde_json::Value as Json;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Returns the repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether hosts and the library are built with AddressSanitizer (`tests/sanitize`).
pub fn sanitized() -> bool {
    std::env::var_os("SPANWIRE_SANITIZE").is_some_and(|value| value == "1")
}

/// Returns `target/stage`, which is built again if the sources have changed; `target/sanitize/stage` with
/// AddressSanitizer.
pub fn stage() -> &'static Path {
    static STAGE: OnceLock<PathBuf> = OnceLock::new();
    STAGE.get_or_init(|| {
        let mut command = Command::new(root().join("tools/stage"));

        let stage = root().join(if sanitized() { "target/sanitize/stage" } else { "target/stage" });
        if sanitized() {
            command.args(["--sanitize", "--build"]).arg(root().join("target/sanitize/build")).arg("--into").arg(&stage);
        }
        let made = command.stdin(Stdio::null()).output().expect("tools/stage runs");
        let said = || format!("{}{}", String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&made.stderr));
        assert!(made.status.success(), "tools/stage failed:\n{}", said());
        stage
    })
}

/// Whether a tool is installed. If not, prints that a test is skipped. Under `tests/run`, which installs all tools,
/// fails instead.
pub fn require(tool: &str) -> bool {
    let installed = match tool {
        "ddapm-test-agent" => root().join("target/venv/bin/ddapm-test-agent").exists(),
        "ddtrace" | "opentelemetry-sdk" => root().join("target/peers/venv/bin/python").exists(),
        "dd-trace" => root().join("target/peers/node_modules/dd-trace").exists(),
        "rotel" => rotel().is_some(),
        "libcpp-httplib-dev" => Path::new("/usr/include/httplib.h").exists(),
        "libspdlog-dev" => Path::new("/usr/include/spdlog/spdlog.h").exists(),
        "libcurl4-openssl-dev" => {
            Command::new("pkg-config").args(["--exists", "libcurl"]).status().is_ok_and(|status| status.success())
        }
        "mod_php" => Path::new("/usr/lib/apache2/modules/libphp8.2.so").exists(),
        "ruby-ffi" => runs_in_ruby("require 'ffi'"),
        "ruby-dev" => runs_in_ruby("exit File.exist?(File.join(RbConfig::CONFIG['rubyhdrdir'], 'ruby.h'))"),
        "rails" => runs_in_ruby("%w[railties activerecord sqlite3].each { |name| gem name }"),
        "php-sqlite3" => php_module("pdo_sqlite"),
        "php-mysql" => php_module("mysqli"),
        "php-curl" => php_module("curl"),
        "php-monolog" => Path::new("/usr/share/php/Monolog/autoload.php").exists(),
        "wordpress" => Path::new("/usr/share/wordpress/wp-load.php").exists(),
        _ => std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(tool).is_file()),
    };
    let insists = std::env::var_os("SPANWIRE_REQUIRE_HOSTS").is_some_and(|value| value == "1");
    assert!(installed || !insists, "{tool} is not installed, and SPANWIRE_REQUIRE_HOSTS=1 wants every host");
    if !installed {
        eprintln!("skipped: {tool} is not installed (tests/run installs it)");
    }
    installed
}

/// The program of rotel, an OpenTelemetry collector, which is inside of its Python package.
pub fn rotel() -> Option<PathBuf> {
    let versions = std::fs::read_dir(root().join("target/peers/venv/lib")).ok()?;
    let mut programs = versions.flatten().map(|version| version.path().join("site-packages/rotel/rotel-agent"));
    programs.find(|program| program.is_file())
}

fn runs_in_ruby(code: &str) -> bool {
    Command::new("ruby").args(["-e", code]).output().is_ok_and(|outcome| outcome.status.success())
}

fn php_module(name: &str) -> bool {
    Path::new("/usr/lib/php/20220829").join(name).with_extension("so").exists()
}

/// Copies a program to run it from there. Another process makes the copy: if this one had the file open for writing, a
/// child that another thread starts at that moment would inherit the descriptor, and running the copy would fail
/// (ETXTBSY).
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "{} cannot be copied", from.display());
}

/// Compiles a host of this repository, `tests/hosts/NAME` with `.c` or `.cpp`. Returns `None` without a compiler.
pub fn host(file: &str) -> Option<Host> {
    let source = root().join("tests/hosts").join(file);
    let cpp = file.ends_with(".cpp");
    require(if cpp { "g++" } else { "gcc" }).then(|| {
        let program = if cpp { compile_cpp(&source) } else { compile_c(&source) };
        command(program)
    })
}

/// Compiles a C program against the stage.
pub fn compile_c(source: &Path) -> PathBuf {
    compile(source, "gcc", "-std=gnu11")
}

/// Compiles a C++ program against the stage.
pub fn compile_cpp(source: &Path) -> PathBuf {
    compile(source, "g++", "-std=c++17")
}

fn compile(source: &Path, compiler: &str, standard: &str) -> PathBuf {
    static DONE: Mutex<Option<HashMap<PathBuf, PathBuf>>> = Mutex::new(None);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let done = done.get_or_insert_default();
    if let Some(program) = done.get(source) {
        return program.clone();
    }
    let lib = stage().join("lib");
    let folder = root().join(if sanitized() { "target/sanitize/test-hosts" } else { "target/test-hosts" });
    std::fs::create_dir_all(&folder).expect("a folder for host programs");
    let within = source.strip_prefix(root()).unwrap_or(source);
    let name = within.to_string_lossy().replace(['/', '.'], "-");
    // Built under another name and then renamed, because another test binary may be running the same program.
    let aside = folder.join(format!("{name}.{}", std::process::id()));
    let mut command = Command::new(compiler);
    command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1", "-pthread", "-I"]);
    command.arg(stage().join("include")).arg(source).arg("-o").arg(&aside).arg("-L").arg(&lib);
    command.arg(format!("-Wl,-rpath,{}", lib.display())).arg("-lspanwire");
    if sanitized() {
        command.args(["-fsanitize=address", "-fno-omit-frame-pointer"]);
    }
    let made = command.output().expect("the compiler runs");
    assert!(made.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&made.stderr));
    let program = folder.join(name);
    std::fs::rename(&aside, &program).expect("the compiled host is moved into place");
    done.insert(source.to_owned(), program.clone());
    program
}

/// Makes a command with a time limit and a clean environment, so that no setting of the machine changes a test.
pub fn command(program: impl AsRef<OsStr>) -> Host {
    let words = vec![program.as_ref().into()];
    Host { words, env: Vec::new(), limit: Duration::from_secs(60), folder: None, input: String::new() }
}

/// A command to run; see `command`.
#[derive(Clone)]
pub struct Host {
    words: Vec<std::ffi::OsString>,
    env: Vec<(String, String)>,
    limit: Duration,
    folder: Option<PathBuf>,
    input: String,
}

impl Host {
    /// Adds an argument.
    pub fn arg(mut self, arg: impl ToString) -> Host {
        self.words.push(arg.to_string().into());
        self
    }

    /// Adds a variable to the environment.
    pub fn env(mut self, name: &str, value: impl ToString) -> Host {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets `DD_TRACE_AGENT_URL`.
    pub fn agent(self, url: &str) -> Host {
        self.env("DD_TRACE_AGENT_URL", url)
    }

    /// Kills it after this many seconds instead of 60.
    pub fn limit(mut self, seconds: u64) -> Host {
        self.limit = Duration::from_secs(seconds);
        self
    }

    /// Runs it in this folder.
    pub fn folder(mut self, folder: &Path) -> Host {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Gives it this on standard input.
    pub fn input(mut self, text: &str) -> Host {
        self.input = text.to_owned();
        self
    }

    /// Runs a copy of the program, with a copy of the library, from this folder, which every user may enter. Another
    /// user may not have access to the repository.
    pub fn copied_to(mut self, folder: &Path) -> Host {
        let program = PathBuf::from(&self.words[0]);
        let copy = folder.join(program.file_name().expect("a program has a name"));
        copy_program(&program, &copy);
        let library = stage().join("lib/libspanwire.so.0");
        copy_program(&library, &folder.join("libspanwire.so.0"));
        self.words[0] = copy.into();
        self.env("LD_LIBRARY_PATH", folder.display())
    }

    /// Runs it under another program, such as valgrind.
    pub fn under(mut self, words: &[&str]) -> Host {
        self.words.splice(0..0, words.iter().map(Into::into));
        self
    }

    /// Runs it under valgrind's memcheck, with exit code 99 if memcheck finds an error. With AddressSanitizer, runs it
    /// directly, because the two cannot be combined.
    pub fn under_memcheck(self) -> Host {
        if sanitized() {
            return self;
        }
        self.under(&[
            "valgrind",
            "--quiet",
            "--error-exitcode=99",
            "--trace-children=no",
            "--child-silent-after-fork=yes",
        ])
    }

    /// Runs it and waits for its end.
    pub fn run(self) -> Outcome {
        let started = Instant::now();
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", &self.limit.as_secs().to_string()]).args(&self.words).stdin(Stdio::piped());
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        for keep in ["PATH", "HOME", "TMPDIR"] {
            std::env::var_os(keep).map(|value| command.env(keep, value));
        }
        if sanitized() {
            // Memory that is kept until the process ends is not a leak. Hosts have their own signal handlers.
            command.env("ASAN_OPTIONS", "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_abort=0");
        }
        self.folder.map(|folder| command.current_dir(folder));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("timeout(1) runs");
        let (mut stdin, input) = (child.stdin.take(), self.input);
        // A thread writes the input while this one reads the output, so that no full pipe blocks both sides.
        let writer = std::thread::spawn(move || {
            use std::io::Write;
            let _ = stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        });
        let output = child.wait_with_output().expect("the host ends");
        let _ = writer.join();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Outcome {
            what: format!("{:?}", self.words),
            status: output.status,
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            took: started.elapsed(),
        }
    }

    /// Runs it in the background.
    pub fn spawn(self) -> Running {
        Running(std::thread::spawn(move || self.run()))
    }
}

/// A host that runs in the background.
pub struct Running(JoinHandle<Outcome>);

impl Running {
    /// Waits for its end.
    pub fn wait(self) -> Outcome {
        self.0.join().expect("the thread that runs the host")
    }
}

/// The result of running a host.
#[derive(Debug)]
pub struct Outcome {
    what: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Outcome {
    /// Panics with the output of the host unless it succeeded.
    #[track_caller]
    pub fn ok(self) -> Outcome {
        let killed = self.status.code() == Some(137) || self.status.signal() == Some(9);
        let how = if killed { "was killed: it hung" } else { "failed" };
        let Outcome { what, status, stdout, stderr, took } = &self;
        assert!(status.success(), "{what} {how} ({status}, {took:.1?})\n-- stdout\n{stdout}-- stderr\n{stderr}");
        self
    }

    /// Returns the JSON objects of the lines `WORD {…}` on standard output, in order.
    pub fn objects(&self, word: &str) -> Vec<Json> {
        let object = |line: &str| serde_json::from_str(line.strip_prefix(word)?.trim()).ok();
        self.stdout.lines().filter_map(object).collect()
    }

    /// Returns the last object of that word.
    #[track_caller]
    pub fn object(&self, word: &str) -> Json {
        let last = self.objects(word).pop();
        last.unwrap_or_else(|| panic!("no line '{word} {{…}}' from {}:\n{}{}", self.what, self.stdout, self.stderr))
    }

    /// Returns a number from the last `stats` line, which every host prints at its end (`check.h`).
    #[track_caller]
    pub fn stat(&self, name: &str) -> u64 {
        let stats = self.object("stats");
        stats[name].as_u64().unwrap_or_else(|| panic!("no {name} in {stats}"))
    }

    /// Returns the sum of all drop reasons in the last `stats` line.
    #[track_caller]
    pub fn dropped(&self) -> u64 {
        let stats = self.object("stats");
        let reasons = stats.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("dropped_"));
        reasons.filter_map(|(_, n)| n.as_u64()).sum()
    }
}
