//! PHP: the extension under CLI, the built-in server, php-fpm and nginx, its own tests, and the same over FFI.

#[path = "support/fastcgi.rs"]
mod fastcgi;
mod support;

use fastcgi::Client;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use support::agent::TestAgent;
use support::faults::{always, FaultAgent, Reply};
use support::hosts::{command, require, root, stage, Host};
use support::payload::Span;
use support::wait_until;

/// What extension and library PHP is given.
struct Php {
    extension: PathBuf,
    library: PathBuf,
}

/// The extension, built by `phpize && ./configure && make`; `None` where PHP is missing and nobody insists on it.
fn php() -> Option<&'static Php> {
    static BUILT: OnceLock<Option<Php>> = OnceLock::new();
    let build = || {
        let there = ["php", "phpize", "make", "gcc"].iter().all(|tool| require(tool));
        there.then(|| Php { extension: build_extension(), library: stage().join("lib/libspanwire.so.0") })
    };
    BUILT.get_or_init(build).as_ref()
}

fn build_extension() -> PathBuf {
    let folder = folder("build");
    let mut changed = !folder.join("modules/spanwire.so").exists();
    for entry in std::fs::read_dir(root().join("bindings/php")).expect("the extension's sources").flatten() {
        let (from, to) = (entry.path(), folder.join(entry.file_name()));
        if from.extension().is_some_and(|kind| ["c", "h", "m4"].iter().any(|k| kind == *k)) {
            changed |= copy_if_changed(&from, &to);
        }
    }
    changed |= copy_if_changed(&stage().join("include/spanwire.h"), &folder.join("built-for.h"));
    if changed {
        let script = format!(
            "phpize && ./configure --with-spanwire={} && make clean && make -j2 CFLAGS='-g -O2 -Werror'",
            stage().display()
        );
        command("sh").arg("-c").arg(script).folder(&folder).limit(300).run().ok();
    }
    folder.join("modules/spanwire.so")
}

fn copy_if_changed(from: &Path, to: &Path) -> bool {
    let wanted = std::fs::read(from).expect("a source");
    let changed = std::fs::read(to).ok().as_ref() != Some(&wanted);
    if changed {
        std::fs::write(to, wanted).expect("a copy of a source");
    }
    changed
}

/// A folder of this topic's under `target`.
fn folder(name: &str) -> PathBuf {
    let folder = root().join("target/test-php").join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

impl Php {
    /// The arguments that load the extension, and nothing of the machine's own configuration.
    fn arguments(&self) -> Vec<String> {
        let extension = format!("extension={}", self.extension.display());
        let library = format!("spanwire.library={}", self.library.display());
        ["-n", "-d", &extension, "-d", &library].map(str::to_owned).to_vec()
    }

    fn cli(&self) -> Host {
        self.arguments().into_iter().fold(command("php"), Host::arg)
    }
}

fn counting_agent() -> FaultAgent {
    always(Reply::Ok).start()
}

/// Every span that was accepted, whichever payload it came in.
fn spans(agent: &FaultAgent) -> Vec<Span> {
    agent.chunks().into_iter().flatten().collect()
}

#[track_caller]
fn assert_each_once(agent: &FaultAgent, expected: u64) {
    wait_until(Duration::from_secs(5), || agent.accepted().distinct() >= expected);
    agent.assert_well_formed();
    let tally = agent.accepted();
    assert_eq!((tally.distinct(), tally.doubles()), (expected, 0), "spans that arrived, and those that came again");
}

/// A request of five spans; the query says its number.
const FIVE_SPANS: &str = r"<?php
$tracer = Spanwire\Tracer::get();
$request = $tracer->startSpan('request', type: 'web', tags: ['number' => (int) $_SERVER['QUERY_STRING']]);
$query = $tracer->startSpan('query', resource: 'SELECT 1', type: 'sql');
$row = $tracer->startSpan('row');
$row->finish();
$query->finish();
$render = $tracer->startSpan('render');
$left_open = $tracer->startSpan('left open');
echo 'ok ', $_SERVER['QUERY_STRING'];
";

/// A program that is asked to end, and killed where it does not.
struct Server(Child);

impl Server {
    fn start(program: &str, arguments: &[String], environment: &[(&str, &str)]) -> Server {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
        std::env::var_os("PATH").map(|path| command.env("PATH", path));
        Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server starts"))
    }

    /// Whether it has ended within 10 seconds of the signal.
    fn end(mut self, signal: i32) -> bool {
        // SAFETY: a signal to a child that has not been waited for, so the number is still its own.
        unsafe { libc::kill(self.0.id() as libc::pid_t, signal) };
        wait_until(Duration::from_secs(10), || matches!(self.0.try_wait(), Ok(Some(_))))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// php-fpm with one pool; `None` where it is missing.
struct Fpm {
    server: Server,
    socket: PathBuf,
    folder: PathBuf,
}

impl Fpm {
    fn start(php: &Php, name: &str, agent: &FaultAgent, pool: &str) -> Option<Fpm> {
        if !require("php-fpm8.2") {
            return None;
        }
        // A socket's path holds at most 107 bytes.
        let folder = std::env::temp_dir().join(format!("spanwire-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder for php-fpm");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("a readable folder");
        let (socket, configuration) = (folder.join("fpm.sock"), folder.join("fpm.conf"));
        let text = format!(
            "[global]\nerror_log = {0}/log\ndaemonize = no\nprocess_control_timeout = 10s\n[www]\nlisten = {0}/fpm.sock\nlisten.mode = 0666\n\
             env[DD_TRACE_AGENT_URL] = {1}\nphp_admin_value[error_log] = {0}/php.log\n\
             php_value[datadog.trace.startup_logs] = 0\n{2}\n{pool}\n",
            folder.display(),
            agent.url(),
            if is_root() { "user = root\ngroup = root" } else { "" },
        );
        std::fs::write(&configuration, text).expect("php-fpm's configuration");
        let mut arguments = php.arguments();
        arguments.extend(["--nodaemonize", "--fpm-config"].map(str::to_owned));
        arguments.push(configuration.display().to_string());
        if is_root() {
            arguments.push("-R".to_owned());
        }
        let server = Server::start("php-fpm8.2", &arguments, &[]);
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(wait_until(Duration::from_secs(10), || socket.exists()), "php-fpm did not come up:\n{}", log());
        Some(Fpm { server, socket, folder })
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let script = self.folder.join(name);
        std::fs::create_dir_all(script.parent().expect("a folder")).expect("a folder for a script");
        std::fs::write(&script, text).expect("a script");
        script
    }

    fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        format!("{}{}", read("log"), read("php.log"))
    }

    /// Lets the workers finish and end. Panics if one crashed meanwhile.
    fn end(self) {
        let folder = self.folder.clone();
        let ended = self.server.end(libc::SIGQUIT);
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        let _ = std::fs::remove_dir_all(folder);
        assert!(ended, "php-fpm did not end:\n{log}");
        assert!(!log.contains("exited on signal"), "a worker crashed:\n{log}");
    }
}

fn is_root() -> bool {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

const FOUR_WORKERS: &str = "pm = static\npm.max_children = 4\npm.max_requests = 400";

#[test]
fn php_fpm_delivers_every_span_once_while_its_workers_are_replaced() {
    const REQUESTS: u64 = 10_000;
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let Some(fpm) = Fpm::start(php, "fpm", &agent, FOUR_WORKERS) else { return };
    let script = fpm.script("five.php", FIVE_SPANS);
    let next = Mutex::new(0..REQUESTS);
    let connections: u64 = std::thread::scope(|scope| {
        let serve = || {
            let mut client = Client::new(&fpm.socket);
            while let Some(number) = { next.lock().expect("the numbers").next() } {
                let answer = client.get(&script, &number.to_string()).unwrap_or_else(|e| panic!("{e}\n{}", fpm.log()));
                assert_eq!(answer.body(), format!("ok {number}"), "{}{}", answer.stdout, answer.stderr);
            }
            client.connections
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(serve)).collect();
        clients.into_iter().map(|client| client.join().expect("a client")).sum()
    });
    assert!(connections >= REQUESTS / 400, "the workers were not replaced: {connections} connections");
    assert_eq!(fpm.log().lines().filter(|line| line.contains("spanwire")).collect::<Vec<_>>(), Vec::<&str>::new());
    fpm.end();
    assert_each_once(&agent, REQUESTS * 5);
    let spans = spans(&agent);
    let numbers = spans.iter().filter_map(|span| span.metrics.get("number")).map(|number| *number as u64);
    assert_eq!(numbers.collect::<BTreeSet<u64>>().len() as u64, REQUESTS);
    let root = spans.iter().find(|span| span.name == "request").expect("a root");
    assert_eq!((root.service.as_str(), root.tag("language")), ("web.request", "php"));
    assert!(spans.iter().all(|span| (span.name == "request") == (span.parent_id == 0)), "a child without a parent");
}

#[test]
fn php_fpm_behind_nginx_delivers_every_span_once() {
    const REQUESTS: u64 = 400;
    let Some(php) = php() else { return };
    if !require("nginx") {
        return;
    }
    let agent = counting_agent();
    let pool = "pm = static\npm.max_children = 4\npm.max_requests = 30";
    let Some(fpm) = Fpm::start(php, "nginx", &agent, pool) else { return };
    let script = fpm.script("five.php", FIVE_SPANS);
    let port = support::free_ports(1);
    let configuration = fpm.script(
        "nginx.conf",
        &format!(
            "daemon off; worker_processes 1; pid {0}/nginx.pid; error_log {0}/nginx.log;\n{3}\nevents {{}}\n\
             http {{ access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;\n\
             uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n\
             upstream php {{ server unix:{0}/fpm.sock; keepalive 4; }}\n\
             server {{ listen 127.0.0.1:{1}; location / {{ fastcgi_pass php; fastcgi_keep_conn on;\n\
             fastcgi_param SCRIPT_FILENAME {2}; fastcgi_param QUERY_STRING $query_string;\n\
             fastcgi_param REQUEST_METHOD $request_method; }} }} }}\n",
            fpm.folder.display(),
            port,
            script.display(),
            if is_root() { "user root;" } else { "" },
        ),
    );
    let nginx = Server::start("nginx", &["-c".to_owned(), configuration.display().to_string()], &[]);
    let get = |path: &str| support::http::request(port, "GET", path, b"");
    assert!(wait_until(Duration::from_secs(10), || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()));
    std::thread::scope(|scope| {
        for client in 0..4 {
            scope.spawn(move || {
                for number in (client..REQUESTS).step_by(4) {
                    let answer = get(&format!("/?{number}")).expect("nginx answers");
                    assert_eq!((answer.status, answer.text()), (200, format!("ok {number}")));
                }
            });
        }
    });
    assert!(nginx.end(libc::SIGQUIT), "nginx did not end");
    fpm.end();
    assert_each_once(&agent, REQUESTS * 5);
}

#[test]
fn settings_of_a_directory_hold_for_its_requests_and_no_others() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let pool = "pm = static\npm.max_children = 1\nenv[DD_ENV] = from-pool\nphp_admin_value[datadog.version] = 7";
    let Some(fpm) = Fpm::start(php, "perdir", &agent, pool) else { return };
    for shop in ["books", "shoes"] {
        fpm.script(&format!("{shop}/.user.ini"), &format!("datadog.service = {shop}\n"));
        fpm.script(&format!("{shop}/five.php"), FIVE_SPANS);
    }
    let mut client = Client::new(&fpm.socket);
    let plain = fpm.script("five.php", FIVE_SPANS);
    for number in 0..30 {
        let script = [plain.clone(), fpm.folder.join("books/five.php"), fpm.folder.join("shoes/five.php")];
        client.get(&script[number % 3], &number.to_string()).expect("php-fpm answers");
    }
    drop(client); // a worker waits for the next request on a connection that is kept
    fpm.end();
    assert_each_once(&agent, 150);
    for span in spans(&agent).iter().filter(|span| span.name == "request") {
        let of_place = ["web.request", "books", "shoes"][span.metrics["number"] as usize % 3];
        assert_eq!((span.service.as_str(), span.tag("env"), span.tag("version")), (of_place, "from-pool", "7"));
    }
}

#[test]
fn what_a_request_does_to_logs_debug_mode_and_tracer_ends_with_it() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let Some(fpm) = Fpm::start(php, "request", &agent, "pm = static\npm.max_children = 1") else { return };
    let mut client = Client::new(&fpm.socket);
    let mut run = |name: &str, code: &str| {
        let script = fpm.script(name, &format!("<?php {code}"));
        client.get(&script, "").expect("php-fpm answers").body().to_owned()
    };
    let throws = "Spanwire\\set_logger(function (string $level, string $text) { throw new Exception('thrown'); });
        Spanwire\\log('warning', 'nobody took this'); ini_set('datadog.trace.debug', '1');
        Spanwire\\Tracer::get()->startSpan('debugged')->finish(); echo 'served';";
    assert_eq!(run("throws.php", throws), "served");
    let after = "echo json_encode([Spanwire\\debug(), Spanwire\\logger_failures() > 2]);
        Spanwire\\log('warning', 'to the error log');";
    assert_eq!(run("after.php", after), "[false,true]");
    let shut = "$t = Spanwire\\Tracer::get(); $t->startSpan('before')->finish(); echo json_encode([$t->shutdown(),
        $t->startSpan('too late')->isOpen()]);";
    assert_eq!(run("shut.php", shut), "[true,false]");
    assert_eq!(run("shut.php", shut), "[true,false]");
    let exits = "$s = Spanwire\\Tracer::get()->startSpan('exits'); Spanwire\\set_logger(function () { exit; });
        Spanwire\\log('info', 'x'); echo 'exited'; exit;";
    assert_eq!(run("exits.php", exits), "exited");
    let breaks = "Spanwire\\set_logger(function () { no_such_function(); }); Spanwire\\log('info', 'x'); echo 'fine';";
    assert_eq!(run("breaks.php", breaks), "fine");
    let log = fpm.log();
    drop(client);
    fpm.end();
    assert!(log.contains("nobody took this") && log.contains("to the error log"), "{log}");
    assert_each_once(&agent, 4);
}

#[test]
fn the_built_in_server_delivers_every_span_once() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let folder = folder("server");
    std::fs::write(folder.join("index.php"), FIVE_SPANS).expect("a script");
    let port = support::free_ports(1);
    let mut arguments = php.arguments();
    arguments.extend(["-S".to_owned(), format!("127.0.0.1:{port}"), "-t".to_owned(), folder.display().to_string()]);
    let server = Server::start("php", &arguments, &[("DD_TRACE_AGENT_URL", &agent.url())]);
    assert!(wait_until(Duration::from_secs(10), || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()));
    for number in 0..100 {
        let answer = support::http::request(port, "GET", &format!("/index.php?{number}"), b"").expect("PHP answers");
        assert_eq!(answer.text(), format!("ok {number}"));
    }
    assert!(server.end(libc::SIGINT), "the built-in server did not end");
    assert_each_once(&agent, 500);
}

#[test]
fn a_real_agent_accepts_what_php_sends_and_knows_that_it_is_php() {
    let (Some(php), Some(agent)) = (php(), TestAgent::start()) else { return };
    let script = folder("agent").join("five.php");
    std::fs::write(&script, FIVE_SPANS).expect("a script");
    let outcome = php.cli().agent(&agent.tcp()).env("QUERY_STRING", 1).arg(script.display()).run().ok();
    assert_eq!(outcome.stdout, "ok 1");
    agent.assert_checks_passed();
    let requests = agent.trace_requests();
    let [request] = requests.as_slice() else { panic!("not one payload but {}", requests.len()) };
    let header = |name| request.header(name);
    assert_eq!((header("Datadog-Meta-Lang"), header("Datadog-Meta-Lang-Interpreter")), ("php".into(), "cli".into()));
    assert_eq!(agent.traces().iter().map(Vec::len).collect::<Vec<_>>(), [5]);
}

#[test]
fn the_examples_say_what_they_promise_with_the_extension_and_without() {
    let Some(php) = php() else { return };
    let library = format!("spanwire.library={}", php.library.display());
    let ffi = || command("php").arg("-d").arg(&library);
    for (how, host) in [("extension", php.cli()), ("FFI", ffi())] {
        let run = |name: &str| host.clone().arg(root().join("examples/php").join(name).display()).run().ok().stdout;
        let workers: Vec<String> =
            run("prefork.php").lines().filter(|l| !l.starts_with('{')).map(str::to_owned).collect();
        let mut promised: Vec<String> = (1..=4).map(|n| format!("worker {n}: 6 spans finished, 6 sent")).collect();
        promised.extend(["parent: 1 spans finished, 1 sent", "all: 25 spans finished, 25 sent"].map(str::to_owned));
        assert_eq!(workers, promised, "{how}");
        let log = run("log_sink.php");
        let starts: Vec<String> = log.lines().map(|line| line.split(" 20").next().unwrap_or(line).to_owned()).collect();
        let mut promised = Vec::new();
        for who in ["sink", "poll"] {
            promised.extend(
                ["debug span.started", "debug span.finished", "info shop"].map(|what| format!("{who}: {what}")),
            );
        }
        promised.push("the sink is closed".to_owned());
        assert_eq!(starts, promised, "{how}");
    }
}

/// The section of a `.phpt` file; empty without it.
fn section(phpt: &str, name: &str) -> String {
    let lines = phpt.lines().skip_while(|line| *line != format!("--{name}--")).skip(1);
    lines.take_while(|line| !(line.starts_with("--") && line.ends_with("--"))).map(|line| format!("{line}\n")).collect()
}

fn phpts() -> Vec<PathBuf> {
    let all = std::fs::read_dir(root().join("bindings/php/tests")).expect("the .phpt tests").flatten();
    let mut all: Vec<PathBuf> = all.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "phpt")).collect();
    all.sort();
    all
}

/// Runs `.phpt` files as `make test` does, in a folder of their own.
fn run_tests(php: &Php, name: &str, arguments: &[String], wanted: impl Fn(&str) -> bool, edit: fn(String) -> String) {
    let folder = folder(name);
    let mut host = command("php").arg("-n").arg(php.extension.with_file_name("../run-tests.php").display()).arg("-q");
    host = host.arg("-n").arg("--show-diff").arg("--no-color");
    host = arguments.iter().fold(host, Host::arg);
    let mut count = 0;
    for phpt in phpts() {
        let file = phpt.file_name().expect("a name").to_string_lossy().into_owned();
        if wanted(&file) {
            let text = std::fs::read_to_string(&phpt).expect("a test");
            std::fs::write(folder.join(&file), edit(text)).expect("a copy of a test");
            host = host.arg(folder.join(&file).display());
            count += 1;
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let executable = std::env::split_paths(&path).map(|folder| folder.join("php")).find(|file| file.is_file());
    let executable = executable.expect("php");
    let outcome =
        host.env("NO_INTERACTION", 1).env("TEST_PHP_EXECUTABLE", executable.display()).folder(&folder).limit(120).run();
    let passed = outcome.stdout.lines().find(|line| line.starts_with("Tests passed"));
    let passed = passed.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    assert_eq!(passed, Some(count), "{}{}", outcome.stdout, outcome.stderr);
}

#[test]
fn the_extensions_own_tests_pass() {
    let Some(php) = php() else { return };
    let arguments: Vec<String> = php.arguments().into_iter().skip(1).collect();
    run_tests(php, "phpt", &arguments, |_| true, |text| text);
}

#[test]
fn the_ffi_classes_pass_the_tests_of_the_extension() {
    let Some(php) = php() else { return };
    let prepend = format!("auto_prepend_file={}", root().join("bindings/php/src/Spanwire.php").display());
    let library = format!("spanwire.library={}", php.library.display());
    let arguments: Vec<String> =
        ["-d", "extension=ffi", "-d", "ffi.enable=1", "-d", &prepend, "-d", &library].map(str::to_owned).to_vec();
    // Left out: exceptions in flight, fatal errors and ini_set(), which only an extension sees.
    let same = ["002", "004", "005", "007", "009"];
    let without_extension = |text: String| text.replace("--EXTENSIONS--\nspanwire\n", "--EXTENSIONS--\nctype\n");
    run_tests(php, "ffi", &arguments, |file| same.contains(&&file[..3]), without_extension);
}

#[test]
fn valgrind_finds_nothing_in_the_extension_that_php_alone_does_not_have() {
    let Some(php) = php() else { return };
    if !require("valgrind") {
        return;
    }
    let folder = folder("valgrind");
    // What belongs to a thread that has not ended when the process does: the library's own, which nothing waits for.
    let of_threads =
        |frames: &str| format!("{{\nthread\nMemcheck:Leak\nmatch-leak-kinds: possible\n...\n{frames}\n...\n}}\n");
    let threads = [of_threads("fun:pthread_create*"), of_threads("fun:__tls_get_addr")].concat();
    std::fs::write(folder.join("suppressions"), threads).expect("suppressions");
    let suppressions = format!("--suppressions={}", folder.join("suppressions").display());
    let checked = |name: &str, loads: Vec<String>, phpt: &str, code: &str| {
        let script = folder.join(format!("{name}.php"));
        std::fs::write(&script, code).expect("a script");
        let mut host = loads.into_iter().fold(command("php"), Host::arg);
        for line in section(phpt, "INI").lines().filter(|line| !line.starts_with("memory_limit")) {
            host = host.arg("-d").arg(line.replace("{PWD}", &folder.display().to_string()));
        }
        for (name, value) in section(phpt, "ENV").lines().filter_map(|line| line.split_once('=')) {
            host = host.env(name, value);
        }
        let host = host.arg(script.display()).env("USE_ZEND_ALLOC", 0).env("ZEND_DONT_UNLOAD_MODULES", 1);
        let memcheck = ["valgrind", "--leak-check=full", "--child-silent-after-fork=yes", &suppressions];
        let said = host.under(&memcheck).limit(120).run().ok().stderr;
        let last = said.lines().rev().find(|line| line.contains("ERROR SUMMARY: "));
        let errors = last.and_then(|line| line.split("SUMMARY: ").nth(1)?.split(' ').next()?.parse::<u64>().ok());
        (errors.unwrap_or_else(|| panic!("no summary from valgrind:\n{said}")), said)
    };
    let plain = "<?php $f = new Fiber(function () { Fiber::suspend(); throw new Exception; }); $f->start();
        try { $f->resume(); } catch (Exception) { } echo json_encode([1]), strlen(phpversion());";
    let (php_alone, _) = checked("plain", vec!["-n".to_owned()], "", plain);
    let all = phpts();
    std::thread::scope(|scope| {
        for half in 0..2 {
            let (all, checked) = (&all, &checked);
            scope.spawn(move || {
                for phpt in all.iter().skip(half).step_by(2) {
                    let text = std::fs::read_to_string(phpt).expect("a test");
                    let name = phpt.file_stem().expect("a name").to_string_lossy();
                    let (errors, said) = checked(&name, php.arguments(), &text, &section(&text, "FILE"));
                    assert!(errors <= php_alone, "{name}: {errors} errors, {php_alone} in PHP alone:\n{said}");
                }
            });
        }
    });
}

#[test]
fn php_m_lists_the_extension_and_says_nothing_else() {
    let Some(php) = php() else { return };
    let with = php.cli().arg("-m").run().ok();
    let without = command("php").arg("-n").arg("-m").run().ok();
    assert_eq!(with.stderr, "");
    assert_eq!(with.stdout.replace("spanwire\n", ""), without.stdout);
    assert!(with.stdout.contains("\nspanwire\n"), "{}", with.stdout);
}

/// A library that is none of ours, compiled from this C code.
fn impostor(name: &str, code: &str) -> PathBuf {
    let (source, library) =
        (folder("impostors").join(format!("{name}.c")), folder("impostors").join(format!("{name}.so")));
    std::fs::write(&source, code).expect("a source");
    let build = command("gcc").arg("-shared").arg("-fPIC").arg("-o").arg(library.display()).arg(source.display());
    build.run().ok();
    library
}

#[test]
fn without_a_library_it_can_use_php_warns_once_and_serves_untraced() {
    let Some(php) = php() else { return };
    let other = impostor("other-abi", "unsigned spanwire_abi_version(void) { return 99; }");
    let old = impostor(
        "old",
        "unsigned spanwire_abi_version(void) { return 0; } char *spanwire_version(void) { return \"0\"; }",
    );
    let none = impostor("none", "int nothing;");
    let script = folder("impostors").join("script.php");
    let calls = "<?php $t = Spanwire\\Tracer::get(); $s = $t->startSpan('x', tags: ['a' => 1]); $s->setTag('b', 'c')
        ->setError(new Exception)->finish(); (new Spanwire\\Tracer(['DD_SERVICE' => 'x']))->startSpan('y')->discard();
        Spanwire\\set_debug(true); Spanwire\\set_debug_for(1); Spanwire\\set_logger(fn () => 1); ini_set('datadog.trace.debug', '1');
        echo json_encode([Spanwire\\available(), Spanwire\\version(), $s->isOpen(), $s->traceId(), $t->flush(), $t->stats(),
        $t->configJson(), Spanwire\\drain_log(), Spanwire\\take_log(), Spanwire\\log('info', 'x'), Spanwire\\current_span()]);";
    std::fs::write(&script, calls).expect("a script");
    let inert = "[false,null,false,null,false,[],\"{}\",0,[],true,null]";
    let wrong: [(&Path, [&str; 2]); 4] = [
        (Path::new("/nowhere/libspanwire.so.0"), ["cannot be loaded", "No such file"]),
        (&other, ["interface 99", "and this extension 0"]),
        (&old, ["has no function spanwire_status_text", "older"]),
        (&none, ["has no function spanwire_abi_version", "no libspanwire"]),
    ];
    for (library, says) in wrong {
        let wrong = Php { extension: php.extension.clone(), library: library.to_owned() };
        let outcome = wrong.cli().arg("-d").arg("display_errors=stderr").arg(script.display()).run().ok();
        assert_eq!(outcome.stdout.trim(), inert, "{}", library.display());
        let warnings: Vec<&str> = outcome.stderr.lines().filter(|line| !line.is_empty()).collect();
        let [warning] = warnings.as_slice() else { panic!("not one warning for {}: {warnings:?}", library.display()) };
        assert!(warning.contains("Warning: ") && warning.contains("tracing is off"), "{warning}");
        assert!(says.iter().all(|word| warning.contains(word)), "{warning} does not say {says:?}");
        let info = wrong.cli().arg("-d").arg("display_errors=0").arg("--ri").arg("spanwire").run().ok().stdout;
        assert!(info.contains("Tracing with spanwire => off") && info.contains(says[0]), "{info}");

        let ffi = command("php").arg("-d").arg(format!("spanwire.library={}", library.display()));
        let prepend = root().join("bindings/php/src/Spanwire.php");
        let ffi = ffi.arg("-d").arg(format!("auto_prepend_file={}", prepend.display())).arg(script.display());
        let outcome = ffi.arg("-d").arg("display_errors=stderr").run().ok();
        assert!(outcome.stdout.contains(inert), "FFI, {}: {}", library.display(), outcome.stdout);
    }
}

/// Prints every class and function of the namespace with its signature.
const SIGNATURES: &str = r"<?php
$show = function (ReflectionFunctionAbstract $f): string {
    $parameters = array_map(fn ($p) => trim($p->getType() . ' $' . $p->getName() . ($p->isDefaultValueAvailable() ? ' = ' . var_export($p->getDefaultValue(), true) : '')), $f->getParameters());
    return strtolower($f->getName()) . '(' . implode(', ', $parameters) . ')' . ($f->hasReturnType() ? ': ' . $f->getReturnType() : '');
};
foreach (['Spanwire\Tracer', 'Spanwire\Span'] as $class) {
    $class = new ReflectionClass($class);
    foreach ($class->getMethods() as $m) {
        if (in_array($m->getName(), ['__destruct', '__clone', '__serialize']) || str_contains((string) $m->getDocComment(), '@internal')) continue;
        if ($m->isPrivate() && !$m->isConstructor()) continue;
        $lines[] = $class->getName() . ($class->isFinal() ? ' final ' : ' ') . implode(' ', Reflection::getModifierNames($m->getModifiers())) . ' ' . $show($m);
    }
}
foreach (get_defined_functions() as $functions) foreach ($functions as $name) {
    if (str_starts_with($name, 'spanwire\\')) $lines[] = $show(new ReflectionFunction($name));
}
sort($lines);
echo implode(PHP_EOL, $lines), PHP_EOL;
";

#[test]
fn stub_extension_and_ffi_classes_have_the_same_signatures() {
    let Some(php) = php() else { return };
    let script = folder("signatures").join("signatures.php");
    std::fs::write(&script, SIGNATURES).expect("a script");
    let signatures = |host: Host| host.arg(script.display()).run().ok().stdout;
    let with = |file: &str| {
        let file = root().join("bindings/php").join(file);
        let library = format!("spanwire.library={}", php.library.display());
        command("php").arg("-d").arg(library).arg("-d").arg(format!("auto_prepend_file={}", file.display()))
    };
    let extension = signatures(php.cli());
    assert!(extension.lines().count() > 35, "{extension}");
    assert_eq!(signatures(with("spanwire.stub.php")), extension, "the stub file is on the left");
    assert_eq!(signatures(with("src/Spanwire.php")), extension, "the FFI classes are on the left");
}
