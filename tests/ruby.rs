//! The Ruby gem, with its C extension and without it: its own tests, threads and forks, Puma with restarts, libraries of
//! another release, and the gem as a package. Every finished span of a Ruby program arrives at the Agent exactly once.

mod support;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use support::faults::{always, FaultAgent, Reply};
use support::folder::Folder;
use support::hosts::{command, require, root, stage, Host};
use support::{http, wait_until};

/// The gem's folder.
fn gem() -> PathBuf {
    root().join("bindings/ruby")
}

/// Returns a Ruby host that finds the library; `None` without Ruby and its ffi gem.
fn ruby() -> Option<Host> {
    if !require("ruby") || !require("ruby-ffi") {
        return None;
    }
    Some(command("ruby").env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so").display()))
}

/// Builds the gem's C extension, once. Returns the folder in which Ruby finds it; `None` without what that needs.
fn extension() -> Option<&'static Path> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if !["gcc", "make", "rake", "ruby-dev"].iter().all(|tool| require(tool)) {
        return None;
    }
    Some(BUILT.get_or_init(|| {
        let folder = root().join("target/test-ruby/extension");
        let rake = command("rake").arg("-f").arg(gem().join("ext/spanwire_ext/Rakefile").display());
        let built = rake.arg(format!("RUBYARCHDIR={}", folder.display())).run().ok();
        assert!(built.stdout.contains("\nbuilt ") && !built.stdout.contains("warning"), "{}", built.stdout);
        folder
    }))
}

/// Returns a Ruby host that finds the library and the extension; programs that it starts find them, too.
fn ruby_with_extension() -> Option<Host> {
    Some(ruby()?.env("RUBYLIB", extension()?.display()).env("SPANWIRE_TEST_EXTENSION", 1))
}

/// Returns the ids that Ruby printed, one in each line.
fn ids(lines: &str) -> HashSet<u64> {
    lines.split_whitespace().map(|id| id.parse().unwrap_or_else(|_| panic!("{id} is no id"))).collect()
}

/// Asserts that each of these spans is at the Agent once, and no other span.
#[track_caller]
fn assert_arrived_once(agent: &FaultAgent, finished: &HashSet<u64>) {
    agent.assert_well_formed();
    let mut times: HashMap<u64, u32> = HashMap::new();
    agent.chunks().iter().flatten().for_each(|span| *times.entry(span.span_id).or_default() += 1);
    let lost = finished.iter().filter(|id| !times.contains_key(id)).count();
    let doubles = times.values().filter(|times| **times > 1).count();
    let unknown = times.keys().filter(|id| !finished.contains(id)).count();
    let counts = (finished.len(), lost, doubles, unknown);
    assert_eq!(counts, (finished.len(), 0, 0, 0), "(finished, lost, doubles, unknown)");
}

fn run_the_gems_own_tests(ruby: Host) {
    let outcome = ruby.arg("-w").arg(gem().join("test/all.rb").display()).limit(240).run().ok();
    assert!(outcome.stdout.contains(" 0 failures, 0 errors, 0 skips"), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn the_gems_own_tests_pass_without_a_warning() {
    if let Some(ruby) = ruby() {
        run_the_gems_own_tests(ruby);
    }
}

#[test]
fn the_gems_own_tests_pass_with_the_extension() {
    if let Some(ruby) = ruby_with_extension() {
        run_the_gems_own_tests(ruby);
    }
}

fn run_threads_and_forks(ruby: Host) {
    let agent = always(Reply::Ok).start();
    let outcome = ruby.agent(&agent.url()).arg("-w").arg(gem().join("test/counted.rb").display()).run().ok();
    let finished = ids(&outcome.stdout);
    assert_eq!(finished.len(), 7 * 4 * 50 * 2);
    assert_arrived_once(&agent, &finished);
}

#[test]
fn threads_and_forked_processes_lose_and_double_no_span() {
    if let Some(ruby) = ruby() {
        run_threads_and_forks(ruby);
    }
}

#[test]
fn threads_and_forked_processes_lose_and_double_no_span_with_the_extension() {
    if let Some(ruby) = ruby_with_extension() {
        run_threads_and_forks(ruby);
    }
}

/// Ruby writes one byte below its stack at the start, to learn whether it can grow.
const NO_MEMORY_ERROR: &str = "{\n  probe\n  Memcheck:Addr1\n  ...\n  fun:ruby_init_stack\n}\n";

/// Without memory that is used before it is written: Ruby's collector reads the whole stack.
#[test]
fn the_extension_makes_no_memory_error() {
    let Some(ruby) = ruby_with_extension().filter(|_| require("valgrind")) else { return };
    let program = r#"
        Spanwire.configure { |c| c.service = "checked" }
        bad = Object.new
        def bad.to_s = raise("no text")
        40.times do |n|
          tags = (0..n * 2).to_h { |tag| [tag.odd? ? "key #{tag}" : :"key #{tag}", [tag, "value #{tag}" * tag, 0.5, true, nil][tag % 5]] }
          tags["bad"] = bad if n == 13
          Spanwire.trace("name #{n}", service: "a" * n, resource: :symbol, type: "", tags: tags) do |span|
            span.set_tag("text #{n}", "x" * n).set_tag(:number, n).set_tags(tags).set_tag("bad", bad)
            GC.start if n % 10 == 0
            Spanwire.trace("below") { |below| below["a"] = "b" }
          end
        end
        p Spanwire.extension?, Spanwire.stats[:spans_finished], Spanwire.stats[:start_failures]
    "#;
    let folder = Folder::new("memcheck");
    let known = folder.0.join("known");
    std::fs::write(&known, NO_MEMORY_ERROR).expect("a file");
    let known = format!("--suppressions={}", known.display());
    let valgrind = ["valgrind", "--quiet", "--error-exitcode=99", "--undef-value-errors=no", &known];
    let ruby = ruby.under(&valgrind).agent("file:///dev/null").arg("-I").arg(gem().join("lib").display());
    let outcome = ruby.arg("-r").arg("spanwire").arg("-e").arg(program).run().ok();
    assert_eq!(outcome.stdout, "true\n79\n1\n", "{}", outcome.stderr);
}

/// Clients that send requests to Puma, 4 at a time, until told to stop. Puma answers with its worker's process id.
struct Clients {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    workers: Arc<Mutex<HashSet<u32>>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Clients {
    fn start(port: u16) -> Clients {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let workers = Arc::new(Mutex::new(HashSet::new()));
        let client = || {
            let (stop, answered, workers) = (stop.clone(), answered.clone(), workers.clone());
            std::thread::spawn(move || {
                while !stop.load(SeqCst) {
                    // Puma may lose a request during a restart. The server counts its spans itself.
                    let Ok(answer) = http::request(port, "GET", "/cart", b"") else { continue };
                    let Ok(worker) = answer.text().parse() else { continue };
                    workers.lock().unwrap_or_else(PoisonError::into_inner).insert(worker);
                    answered.fetch_add(1, SeqCst);
                }
            })
        };
        let threads = (0..4).map(|_| client()).collect();
        Clients { stop, answered, workers, threads }
    }

    fn answered(&self) -> u64 {
        self.answered.load(SeqCst)
    }

    /// Returns the workers that have answered so far.
    fn workers(&self) -> HashSet<u32> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stop(self) -> u64 {
        self.stop.store(true, SeqCst);
        self.threads.into_iter().for_each(|thread| thread.join().expect("a client"));
        self.answered.load(SeqCst)
    }
}

/// Returns the names of our threads in a process.
fn our_threads(pid: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("spanwire")).collect()
}

fn signal(pid: u32, signal: i32) {
    // SAFETY: kill(2) takes only numbers; the process is a Puma that this test started.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0, "Puma is gone");
}

/// Runs Puma with 4 workers and at least 4,000 requests, and restarts it three times meanwhile. `load_path` is Ruby's.
fn puma(preload: bool, restart: i32, load_path: &Path) {
    let Some(_) = ruby().filter(|_| require("puma")) else { return };
    let folder = Folder::new(&format!("puma-{preload}-{restart}-{}", load_path.as_os_str().len()));
    let (finished, pid_file) = (folder.0.join("finished"), folder.0.join("pid"));
    let (agent, port, app) = (always(Reply::Ok).start(), support::free_ports(1), gem().join("test/puma"));
    let server = command("puma").folder(&app).limit(55).agent(&agent.url()).arg("-C").arg("puma.rb").arg("-b");
    let server = server.arg(format!("tcp://127.0.0.1:{port}")).arg("--pidfile").arg(pid_file.display());
    let server = server.arg("config.ru").env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so").display());
    let running = server
        .env("RUBYLIB", load_path.display())
        .env("FINISHED", finished.display())
        .env("PRELOAD", u8::from(preload))
        .spawn();

    let up = wait_until(Duration::from_secs(15), || http::request(port, "GET", "/", b"").is_ok());
    let pid = || std::fs::read_to_string(&pid_file).ok()?.trim().parse().ok();
    let Some(master) = up.then(pid).flatten() else { panic!("Puma does not answer: {:?}", running.wait()) };

    let clients = Clients::start(port);
    for restarts in 1..=3 {
        assert!(wait_until(Duration::from_secs(20), || clients.answered() >= restarts * 1_000), "{restarts}");
        let before = clients.workers();
        let of_the_worker = before.iter().map(|worker| our_threads(*worker)).max_by_key(Vec::len).unwrap_or_default();
        assert!(of_the_worker.iter().any(|name| name == "spanwire-ruby"), "{of_the_worker:?}");
        assert!(of_the_worker.iter().any(|name| name == "spanwire-worker"), "{of_the_worker:?}");
        assert_eq!(our_threads(master), [""; 0], "the parent has made no span");
        signal(master, restart);
        // All four workers are new, and have answered.
        let renewed = || clients.workers().difference(&before).count() >= 4;
        assert!(wait_until(Duration::from_secs(15), renewed), "restart {restarts} of Puma does not come to an end");
    }
    assert!(wait_until(Duration::from_secs(20), || clients.answered() >= 4_000));
    assert_eq!(our_threads(master), [""; 0], "the parent has made no span");
    let answered = clients.stop();
    signal(master, libc::SIGTERM);
    let ran = running.wait().ok();
    assert!(!ran.stdout.contains("started in app boot"), "Puma saw a thread before the fork:\n{}", ran.stdout);

    let finished = ids(&std::fs::read_to_string(&finished).expect("the ids that the server wrote"));
    assert!(finished.len() as u64 >= 2 * answered, "{} spans of {answered} requests", finished.len());
    assert_arrived_once(&agent, &finished);
}

#[test]
fn a_preloading_puma_loses_and_doubles_no_span_through_hot_restarts() {
    puma(true, libc::SIGUSR2, Path::new(""));
}

#[test]
fn a_preloading_puma_loses_and_doubles_no_span_through_hot_restarts_with_the_extension() {
    let Some(folder) = extension() else { return };
    puma(true, libc::SIGUSR2, folder);
}

#[test]
fn a_puma_loses_and_doubles_no_span_through_phased_restarts() {
    puma(false, libc::SIGUSR1, Path::new(""));
}

/// Compiles this C code to a shared library.
fn library(folder: &Path, name: &str, code: &str) -> PathBuf {
    let (source, library) = (folder.join(name).with_extension("c"), folder.join(name).with_extension("so"));
    std::fs::write(&source, code).expect("a source file");
    let made = Command::new("gcc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output();
    assert!(made.expect("gcc runs").status.success());
    library
}

#[test]
fn a_library_that_does_not_fit_is_one_warning_and_the_program_runs_untraced() {
    let Some(ruby) = ruby().filter(|_| require("gcc")) else { return };
    let folder = Folder::new("library");
    let abi = "unsigned spanwire_abi_version(void) { return ABI; }\n";
    let cases = [
        (PathBuf::from("/nowhere/libspanwire.so"), "cannot be loaded"),
        (library(&folder.0, "other", "int something(void) { return 0; }\n"), "is not the spanwire library"),
        (library(&folder.0, "abi", &abi.replace("ABI", "7")), "speaks interface 7, and this gem, 0.1.0, speaks 0"),
        (library(&folder.0, "old", &abi.replace("ABI", "0")), "is too old for this gem, 0.1.0: it has no spanwire_"),
    ];
    let program =
        "2.times { Spanwire.configure; Spanwire.tracer.trace('x') { |span| span.set_tag('a', 1); puts 'ran' } }";
    for (path, why) in cases {
        let ruby =
            ruby.clone().env("SPANWIRE_LIBRARY", path.display()).arg("-w").arg("-I").arg(gem().join("lib").display());
        let outcome = ruby.arg("-r").arg("spanwire").arg("-e").arg(program).run().ok();
        assert_eq!(outcome.stdout, "ran\nran\n", "{}", path.display());
        let warnings: Vec<&str> = outcome.stderr.lines().collect();
        let [warning] = warnings.as_slice() else { panic!("not one warning: {warnings:#?}") };
        let told = warning.contains(&format!("WARN -- spanwire: tracing is off: {}", path.display()));
        assert!(told && warning.contains(why), "{warning}");
    }
}

/// Builds the gem and installs it into this folder. `path` is the PATH of the installation.
fn install(folder: &Path, path: &str) -> PathBuf {
    let (package, home) = (folder.join("spanwire.gem"), folder.join("home"));
    let build =
        command("gem").folder(&gem()).arg("build").arg("spanwire.gemspec").arg("--output").arg(package.display());
    build.run().ok();
    let install = command("gem").arg("install").arg("--local").arg("--no-document").arg("--ignore-dependencies");
    let install = install.arg("--install-dir").arg(home.display()).arg(package.display());
    install.under(&["env", &format!("PATH={path}")]).run().ok();
    home
}

/// Runs a program with an installed gem: prints how many spans were sent, how many files came from elsewhere, and whether
/// the extension is in use.
fn run_installed(ruby: &Host, home: &Path) -> String {
    let program = "require 'spanwire'; Spanwire.tracer.trace('x') {}; Spanwire.shutdown; \
                   others = $LOADED_FEATURES.grep(/spanwire/).grep_v(%r{/home/(gems|extensions/.*)/spanwire-}); \
                   puts Spanwire.stats[:spans_sent], others.size, Spanwire.extension?";
    let ruby = ruby.clone().agent("file:///dev/null").env("GEM_PATH", format!("{}:{}", home.display(), gem_path()));
    ruby.arg("-w").arg("-e").arg(program).run().ok().stdout
}

#[test]
fn the_gem_installs_and_holds_every_file_that_it_needs() {
    let tools = ["gem", "gcc", "make", "rake", "ruby-dev"];
    let Some(ruby) = ruby().filter(|_| tools.iter().all(|tool| require(tool))) else { return };
    let folder = Folder::new("gem");
    let home = install(&folder.0, &std::env::var("PATH").expect("a PATH"));
    assert_eq!(run_installed(&ruby, &home), "1\n0\ntrue\n");

    let installed = home.join("gems/spanwire-0.1.0");
    for folder in ["ext/spanwire_ext", "lib", "lib/spanwire", "lib/spanwire/integrations", "sig"] {
        for file in std::fs::read_dir(gem().join(folder)).expect("the gem's folder").flatten() {
            let path = Path::new(folder).join(file.file_name());
            assert!(installed.join(&path).exists(), "{} is not in the gem: see spanwire.gemspec", path.display());
        }
    }
}

#[test]
fn the_gem_installs_without_make_or_without_a_compiler() {
    let Some(ruby) = ruby().filter(|_| ["gem", "make", "rake"].iter().all(|tool| require(tool))) else { return };
    for tools in [&["make", "sh"][..], &[]] {
        let folder = Folder::new(&format!("gem-{}", tools.len()));
        let bin = folder.0.join("bin");
        std::fs::create_dir(&bin).expect("a folder of programs");
        for tool in ["ruby", "gem"].iter().chain(tools) {
            let found = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
                .map(|folder| folder.join(tool))
                .find(|file| file.is_file());
            std::os::unix::fs::symlink(found.expect("an installed program"), bin.join(tool)).expect("a link");
        }
        let home = install(&folder.0, &bin.display().to_string());
        assert_eq!(run_installed(&ruby, &home), "1\n0\nfalse\n", "with {tools:?}");
        let said = command("find").arg(home.join("extensions").display()).arg("-name").arg("gem_make.out").run().ok();
        let said = std::fs::read_to_string(said.stdout.trim()).expect("what the build said");
        assert!(said.contains("The C extension of spanwire is not built."), "{said}");
    }
}

/// Returns the path of Debian's gems.
fn gem_path() -> String {
    command("ruby").arg("-e").arg("print Gem.path.join(':')").run().ok().stdout
}

#[test]
fn the_signatures_are_valid_and_hold_at_run_time() {
    if let Some(ruby) = ruby() {
        check_signatures(ruby);
    }
}

#[test]
fn the_signatures_hold_with_the_extension() {
    if let Some(ruby) = ruby_with_extension() {
        check_signatures(ruby);
    }
}

fn check_signatures(ruby: Host) {
    let rbs = command("ruby").arg("-e").arg("print Gem.bin_path('rbs', 'rbs')").run();
    if !rbs.status.success() {
        return eprintln!("skipped: this Ruby comes without rbs");
    }
    let sig = gem().join("sig");
    command("ruby").arg(&rbs.stdout).arg("-I").arg(sig.display()).arg("validate").arg("--silent").run().ok();

    let program = r#"
        Spanwire.configure { |c| c.service, c.logger.instance = "shop", Logger.new(nil) }
        Spanwire.tracer.trace("a", tags: { x: 1 }) do |span|
          span.set_tag("b", 2).set_tags("c" => "d").remove_tag("b")
          [span["c"], span.context, span.trace_id, span.trace_id_hex, span.span_id, span.null?, span.finish]
        end
        Spanwire.tracer.start_span("a", start_time: Time.now).set_error(IOError.new("x")).discard
        context = Spanwire::Propagation.extract({ "traceparent" => "00-#{"1" * 32}-#{"2" * 16}-01", "baggage" => "a=b" })
        Spanwire.trace("a", continue_from: context) do |span|
          Spanwire::Propagation.inject({})
          span.baggage.merge!(c: 1).each { |key, value| [key, value] }
          [span.baggage["a"], span.baggage.delete("a"), span.baggage.to_h, span.baggage.empty?, span.baggage.map(&:first)]
        end
        [context.context, context.trace_id, context.span_id, context.sampling_priority, context.baggage.to_h]
        Spanwire::Propagation.inject({}, context)
        [context.free, context.handle, Spanwire::Propagation.extract({}), Spanwire.start_span("a").discard]
        Spanwire.debug_for(1)
        Spanwire.trace("a") { |span| [span.log_correlation(json: true), Spanwire.log_correlation(json: false)] }
        p Spanwire.flush(1), Spanwire.debug?, Spanwire.log_correlation[/dd.service=/], Spanwire.stats[:spans_sent], Spanwire.shutdown
        begin
          Spanwire.tracer.start_span(5)
        rescue Exception => e
          p e.class # the checks were on
        end
    "#;
    let checked = ruby.agent("file:///dev/null").arg("-I").arg(gem().join("lib").display());
    let checked = checked.arg("-r").arg("rbs/test/setup").arg("-r").arg("spanwire").arg("-e").arg(program);
    let checked = checked.env("RBS_TEST_TARGET", "Spanwire,Spanwire::*").env("RBS_TEST_RAISE", "true");
    let checked = checked.env("RBS_TEST_OPT", format!("-I {}", sig.display())).env("RBS_TEST_LOGLEVEL", "fatal");
    let outcome = checked.run().ok();
    assert_eq!(outcome.stdout, "true\ntrue\n\"dd.service=\"\n3\ntrue\nRBS::Test::Tester::TypeError\n");
}
