//! PHP's built-in server, and php-fpm behind a FastCGI client of the tests and behind nginx.

#[path = "../support/fastcgi.rs"]
pub mod fastcgi;

use crate::extension::{folder, php, Php, FIVE_SPANS};
use crate::support;
use crate::support::faults::{always, FaultAgent, Reply};
use crate::support::hosts::require;
use crate::support::payload::Span;
use crate::support::wait_until;
use fastcgi::Client;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

pub fn counting_agent() -> FaultAgent {
    always(Reply::Ok).start()
}

/// Returns every accepted span, from all payloads.
fn spans(agent: &FaultAgent) -> Vec<Span> {
    agent.chunks().into_iter().flatten().collect()
}

#[track_caller]
pub fn assert_each_once(agent: &FaultAgent, expected: u64) {
    wait_until(Duration::from_secs(5), || agent.accepted().distinct() >= expected);
    agent.assert_well_formed();
    let tally = agent.accepted();
    assert_eq!((tally.distinct(), tally.doubles()), (expected, 0), "spans that arrived, and those that came again");
}

/// A server that is asked to end, and killed if it does not.
pub struct Server(Child);

impl Server {
    pub fn start(program: &str, arguments: &[String], environment: &[(&str, &str)]) -> Server {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
        std::env::var_os("PATH").map(|path| command.env("PATH", path));
        Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server starts"))
    }

    /// Sends the signal. Returns whether the server has ended within 10 seconds.
    pub fn end(mut self, signal: i32) -> bool {
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

/// php-fpm with one pool.
pub struct Fpm {
    server: Server,
    pub socket: PathBuf,
    folder: PathBuf,
}

impl Fpm {
    pub fn start(php: &Php, name: &str, agent_url: &str, pool: &str) -> Option<Fpm> {
        if !require("php-fpm8.2") {
            return None;
        }
        // The path of a socket has at most 107 bytes.
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
            agent_url,
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

    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let script = self.folder.join(name);
        std::fs::create_dir_all(script.parent().expect("a folder")).expect("a folder for a script");
        std::fs::write(&script, text).expect("a script");
        script
    }

    pub fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        format!("{}{}", read("log"), read("php.log"))
    }

    /// Lets the workers finish. Panics if a worker has crashed.
    pub fn end(self) {
        let folder = self.folder.clone();
        let ended = self.server.end(libc::SIGQUIT);
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        let _ = std::fs::remove_dir_all(folder);
        assert!(ended, "php-fpm did not end:\n{log}");
        assert!(!log.contains("exited on signal"), "a worker crashed:\n{log}");
    }
}

fn is_root() -> bool {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

const FOUR_WORKERS: &str = "pm = static\npm.max_children = 4\npm.max_requests = 400";

#[test]
fn php_fpm_delivers_every_span_once_while_its_workers_are_replaced() {
    const REQUESTS: u64 = 10_000;
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let Some(fpm) = Fpm::start(php, "fpm", &agent.url(), FOUR_WORKERS) else { return };
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
    let Some(fpm) = Fpm::start(php, "nginx", &agent.url(), pool) else { return };
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
    // A directory's settings override the environment, which overrides php.ini.
    let pool = "pm = static\npm.max_children = 1\nenv[DD_ENV] = from-pool\nphp_admin_value[datadog.version] = 7";
    let Some(fpm) = Fpm::start(php, "perdir", &agent.url(), pool) else { return };
    for shop in ["books", "shoes"] {
        fpm.script(&format!("{shop}/.user.ini"), &format!("datadog.service = {shop}\ndatadog.env = {shop}\n"));
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
        let (service, env) =
            [("web.request", "from-pool"), ("books", "books"), ("shoes", "shoes")][span.metrics["number"] as usize % 3];
        assert_eq!((span.service.as_str(), span.tag("env"), span.tag("version")), (service, env, "7"));
    }
}

#[test]
fn what_a_request_does_to_logs_debug_mode_and_tracer_ends_with_it() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let Some(fpm) = Fpm::start(php, "request", &agent.url(), "pm = static\npm.max_children = 1") else { return };
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
fn a_worker_of_php_fpm_frees_the_contexts_of_a_request_however_it_ends() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let Some(fpm) = Fpm::start(php, "contexts", &agent.url(), "pm = static\npm.max_children = 1") else { return };
    let mut client = Client::new(&fpm.socket);
    // Contexts in a variable, in a cycle and in a span; then the end, an exit, an exception or a fatal error.
    let code = "<?php $headers = ['HTTP_X_DATADOG_TRACE_ID' => '5', 'HTTP_X_DATADOG_PARENT_ID' => '6',
            'HTTP_BAGGAGE' => 'k=' . str_repeat('v', 4000)] + $_SERVER;
        $tracer = Spanwire\\Tracer::get();
        if ($_SERVER['QUERY_STRING'] === 'memory') exit((string) $tracer->stats()['memory_used']);
        class Holder { public $self; public $context; }
        $holder = new Holder; $holder->self = $holder; $holder->context = Spanwire\\Context::extract($headers);
        static $kept = []; $kept[] = $context = Spanwire\\Context::extract($headers);
        $tracer->trace('request', function () use ($context) {
            echo json_encode([$context->traceId() !== null, Spanwire\\current_span()->baggage() === $context->baggage()]);
            match ((int) $_SERVER['QUERY_STRING'] % 4) {
                0 => null, 1 => exit, 2 => throw new Exception('uncaught'), 3 => [ini_set('memory_limit', '16M'), str_repeat('x', 100_000_000)],
            };
        }, parent: $context);";
    let script = fpm.script("contexts.php", code);
    let mut get = |query: &str| client.get(&script, query).expect("php-fpm answers").body().to_owned();
    let mut requests = 0..;
    let mut serve = |count| {
        for number in requests.by_ref().take(count) {
            let body = get(&number.to_string());
            assert!(body.starts_with("[true,true]"), "{body}");
        }
        get("memory").parse::<u64>().expect("a number of bytes")
    };
    let (before, after) = (serve(40), serve(200));
    drop(client);
    fpm.end();
    // 400 contexts of 4,000 bytes were made between. Finished spans wait for up to a second.
    assert!(after < before + 800_000, "{before} bytes after 40 requests, {after} bytes after 240");
    assert_each_once(&agent, 240);
}

#[test]
fn php_fpms_workers_say_in_phps_error_log_that_the_log_file_cannot_be_written() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let missing = folder("fpm").join("not-there/x.log");
    // By default php-fpm does not capture a worker's standard error.
    let pool = format!(
        "pm = static\npm.max_children = 1\nphp_admin_value[datadog.trace.debug] = 1\n\
         php_admin_value[datadog.trace.log_file] = {}",
        missing.display()
    );
    let Some(fpm) = Fpm::start(php, "unwritable", &agent.url(), &pool) else { return };
    let script = fpm.script("five.php", FIVE_SPANS);
    let told = format!("{} cannot be written: its folder does not exist", missing.display());
    // The worker finds out during a request, and logs at the end of a request what was found until then.
    let told = wait_until(Duration::from_secs(5), || {
        Client::new(&fpm.socket).get(&script, "1").expect("php-fpm answers");
        fpm.log().contains(&told)
    });
    let log = fpm.log();
    fpm.end();
    assert!(told, "{log}");
}

#[test]
fn php_fpm_knows_the_directives_that_the_documents_name_for_a_core() {
    if !require("php-fpm8.2") {
        return;
    }
    let document =
        std::fs::read_to_string(crate::support::hosts::root().join("docs/debugging.md")).expect("the document");
    let row = document.lines().find(|line| line.starts_with("| php-fpm |")).expect("php-fpm's row");
    let named =
        row.split('`').skip(1).step_by(2).filter(|word| !word.contains("core_pattern") && !word.contains(" - "));
    let directives: Vec<String> =
        named.map(|word| if word.contains(" = ") { word.to_owned() } else { format!("{word} = /tmp") }).collect();
    assert_eq!(directives.len(), 3, "{directives:?}");
    let configuration = folder("fpm").join("core.conf");
    let text = format!(
        "[www]\nlisten = /tmp/unused\npm = static\npm.max_children = 1\nuser = www-data\n{}\n",
        directives.join("\n")
    );
    std::fs::write(&configuration, text).expect("php-fpm's configuration");
    let fpm = crate::support::hosts::command("php-fpm8.2").arg("-n").arg("-t").arg("-y").arg(configuration.display());
    fpm.run().ok();
}

#[test]
fn a_span_of_a_preloaded_script_is_sent_by_php_fpm_that_goes_to_the_background() {
    let Some(php) = php() else { return };
    if !require("php-fpm8.2") {
        return;
    }
    let agent = counting_agent();
    let folder = std::env::temp_dir().join(format!("spanwire-preload-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for php-fpm");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("a readable folder");
    let code = "<?php $tracer = Spanwire\\Tracer::get(); $open = $tracer->startSpan('preload', parent: false);
        $tracer->startSpan('part', parent: $open)->finish();";
    std::fs::write(folder.join("preload.php"), code).expect("a script");
    std::fs::write(folder.join("five.php"), FIVE_SPANS).expect("a script");
    let root = if is_root() { "user = root\ngroup = root" } else { "" };
    let text = format!(
        "[global]\nerror_log = {0}/log\npid = {0}/pid\ndaemonize = yes\nprocess_control_timeout = 10s\n[www]\n\
         listen = {0}/fpm.sock\npm = static\npm.max_children = 1\n{root}\n",
        folder.display()
    );
    std::fs::write(folder.join("fpm.conf"), text).expect("php-fpm's configuration");
    let mut arguments = php.arguments();
    for setting in [
        "zend_extension=opcache".to_owned(),
        format!("opcache.preload={}/preload.php", folder.display()),
        format!("datadog.trace.agent_url={}", agent.url()),
        "datadog.trace.startup_logs=0".to_owned(),
    ]
    .into_iter()
    .chain(is_root().then(|| "opcache.preload_user=www-data".to_owned()))
    {
        arguments.extend(["-d".to_owned(), setting]);
    }
    arguments.extend(["--daemonize", "--fpm-config"].map(str::to_owned));
    arguments.push(folder.join("fpm.conf").display().to_string());
    if is_root() {
        arguments.push("-R".to_owned());
    }
    let _starting = Server::start("php-fpm8.2", &arguments, &[]);
    let socket = folder.join("fpm.sock");
    let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert!(wait_until(Duration::from_secs(10), || socket.exists()), "php-fpm did not come up:\n{}", log());
    let answer = Client::new(&socket).get(&folder.join("five.php"), "1").expect("php-fpm answers");
    assert_eq!(answer.body(), "ok 1");
    let pid = std::fs::read_to_string(folder.join("pid")).ok().and_then(|pid| pid.trim().parse::<i32>().ok());
    let pid = pid.expect("php-fpm's process");
    // SAFETY: a signal to a process that this test started, and that only this signal ends.
    unsafe { libc::kill(pid, libc::SIGQUIT) };
    assert!(
        wait_until(Duration::from_secs(10), || !std::path::Path::new(&format!("/proc/{pid}")).exists()),
        "{}",
        log()
    );
    let _ = std::fs::remove_dir_all(&folder);
    assert_each_once(&agent, 7);
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
