//! The Ruby integrations in a real Rails application under a real Puma: one page is one trace, whose spans hang under the
//! right parents, in threads and in forked workers too.

#[allow(dead_code)] // each test binary uses its own part of these
#[path = "distributed/hops.rs"]
mod hops;
#[allow(dead_code)]
#[path = "distributed/ours.rs"]
mod ours;
mod support;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::faults::{always, FaultAgent, Reply};
use support::hosts::{command, require, root, stage, Running};
use support::http::{self, Head};
use support::payload::Span;
use support::wait_until;

const TRACE: u64 = 0x1234_5678;
const CALLER: u64 = 0x8765_4321;

/// The service that a page calls: keeps the heads of the requests and answers "4 left".
struct Backend {
    port: u16,
    heads: Arc<Mutex<Vec<Head>>>,
}

impl Backend {
    fn start() -> Backend {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = heads.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(Some(head)) = Head::read(&mut BufReader::new(&stream)) {
                    kept.lock().expect("the heads").push(head);
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n4 left";
                    (&stream).write_all(answer.as_bytes()).ok();
                }
            }
        });
        Backend { port, heads }
    }
}

/// The application under Puma, its Agent, and the service that it calls.
struct Rails {
    agent: FaultAgent,
    backend: Backend,
    port: u16,
    folder: PathBuf,
    running: Option<Running>,
}

impl Rails {
    /// Starts it with this many workers, which share what was loaded before the fork; 0: one process without workers.
    fn start(name: &str, workers: u32) -> Option<Rails> {
        Rails::start_calling(name, workers, always(Reply::Ok).start(), None)
    }

    /// As `start`, with this Agent, for pages that call a service at this port instead of `Backend`.
    fn start_calling(name: &str, workers: u32, agent: FaultAgent, called: Option<u16>) -> Option<Rails> {
        if !require("ruby") || !require("ruby-ffi") || !require("puma") || !require("rails") {
            return None;
        }
        let folder = root().join(format!("target/test-rails/{name}.{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the application");
        let (backend, port) = (Backend::start(), support::free_ports(1));
        let called = called.unwrap_or(backend.port);
        let puma = command("puma").folder(&root().join("bindings/ruby/test/rails")).limit(55).agent(&agent.url());
        let puma = puma.arg("-C").arg("puma.rb").arg("-b").arg(format!("tcp://127.0.0.1:{port}"));
        let puma = puma.arg("--pidfile").arg(folder.join("pid").display()).arg("config.ru").env("WORKERS", workers);
        let puma = puma.env("FOLDER", folder.display()).env("BACKEND", format!("http://127.0.0.1:{called}"));
        let puma = puma.env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so").display());
        let running = Some(puma.env("RAILS_ENV", "production").spawn());
        let rails = Rails { agent, backend, port, folder, running };
        let up = || http::request(port, "GET", "/up", b"").is_ok();
        if !wait_until(Duration::from_secs(40), up) {
            panic!("Rails does not answer: {:?}", rails.stop());
        }
        Some(rails)
    }

    /// Asks for a page as part of a trace and returns status and text of the answer.
    fn get(&self, path: &str) -> (u16, String) {
        let (trace, parent) = (TRACE.to_string(), CALLER.to_string());
        let headers = [("x-datadog-trace-id", trace.as_str()), ("x-datadog-parent-id", parent.as_str())];
        let answer = http::get(self.port, path, &headers).expect("Rails answers");
        (answer.status, answer.text())
    }

    /// As `get`, with HTTP/1.1: Puma ends a stream for HTTP/1.0 after its first part. Returns the answer as it came.
    fn stream(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("Puma listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        let ids = format!("x-datadog-trace-id: {TRACE}\r\nx-datadog-parent-id: {CALLER}\r\n");
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{ids}\r\n");
        stream.write_all(request.as_bytes()).expect("Puma reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn pid(&self) -> Option<i32> {
        std::fs::read_to_string(self.folder.join("pid")).ok()?.trim().parse().ok()
    }

    /// Ends Puma, which sends what is not sent yet, and returns what it printed.
    fn stop(mut self) -> (String, Vec<Span>) {
        if let Some(pid) = self.pid() {
            // SAFETY: kill(2) takes only numbers; the process is a Puma that this test started.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let outcome = self.running.take().expect("Puma is stopped once").wait();
        self.agent.assert_well_formed();
        let spans = self.agent.chunks().into_iter().flatten().filter(|span| span.trace_id == TRACE).collect();
        (format!("{}{}", outcome.stdout, outcome.stderr), spans)
    }
}

impl Drop for Rails {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Returns a line for each span below this parent, in the order of their starts: indented, name and resource.
fn tree(spans: &[Span], parent: u64, depth: usize) -> Vec<String> {
    let mut children: Vec<&Span> = spans.iter().filter(|span| span.parent_id == parent).collect();
    children.sort_by_key(|span| span.start);
    let lines = children.into_iter().map(|span| {
        let line = format!("{}{} {}", "  ".repeat(depth), span.name, span.resource);
        [vec![line], tree(spans, span.span_id, depth + 1)].concat()
    });
    lines.flatten().collect()
}

#[track_caller]
fn span<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}: {spans:#?}"))
}

const PAGE: &str = r#"rack.request GoodsController#page
  rails.action_controller GoodsController#page
    sqlite.query SELECT "goods".* FROM "goods" WHERE (price > 2) ORDER BY "goods"."name" ASC
    active_record.instantiation Good
    http.request GET
    rails.render_layout layouts/shop.html.erb
      rails.render_template goods/page.html.erb
        rails.render_collection goods/_good.html.erb
        sqlite.query SELECT COUNT(*) FROM "goods"
        rails.render_partial goods/_said.html.erb"#;

/// Without the statements that the first use of a connection makes.
fn page(spans: &[Span]) -> String {
    let lines = tree(spans, CALLER, 0);
    lines.into_iter().filter(|line| !line.contains("sqlite_version")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_page_of_rails_is_one_tree_with_controller_sql_views_and_an_outgoing_request() {
    let Some(rails) = Rails::start("page", 0) else { return };
    let (status, text) = rails.get("/page?user=me&password=secret");
    assert!(status == 200 && text.contains("<li>pot: 3</li>") && text.contains("<i>4 left</i>"), "{status} {text}");
    let backend = rails.backend.port;
    let heads = rails.backend.heads.lock().expect("the heads").clone();
    let log = rails.folder.join("rails.log");
    let line = std::fs::read_to_string(&log).unwrap_or_default().lines().last().unwrap_or_default().to_owned();
    let (printed, spans) = rails.stop();

    assert_eq!(page(&spans), PAGE, "{printed}");
    assert!(spans.iter().all(|span| span.error == 0 && span.service == "shop"), "{spans:#?}");
    let request = span(&spans, "rack.request");
    let said = ["http.method", "http.url", "http.status_code", "span.kind", "component"].map(|key| request.tag(key));
    assert_eq!(said, ["GET", "http://127.0.0.1/page?user&password", "200", "server", "rack"]);
    let kinds: BTreeMap<&str, &str> = spans.iter().map(|span| (span.name.as_str(), span.kind.as_str())).collect();
    let [web, view] = ["rails.action_controller", "rails.render_template"].map(|name| kinds[name]);
    assert_eq!(
        [kinds["rack.request"], web, view, kinds["sqlite.query"], kinds["http.request"]],
        ["web", "web", "template", "sql", "http"]
    );
    let statements = spans.iter().filter(|span| span.name == "sqlite.query" && span.resource.contains("goods"));
    assert!(statements.clone().count() == 2, "{spans:#?}");
    for statement in statements {
        assert!(statement.tag("db.instance").ends_with("goods.sqlite3"), "{statement:?}");
    }

    // The line of Rails.logger keeps its tag and names the span in which it was written.
    let action = span(&spans, "rails.action_controller");
    let fields = format!("dd.trace_id={TRACE} dd.span_id={} dd.service=shop", action.span_id);
    assert!(line.ends_with(&format!("[GET] [{fields}] page of 2 goods")), "{line}");

    // The service that the page called has the request's span as its parent.
    let call = span(&spans, "http.request");
    assert_eq!(call.tag("http.url"), format!("http://127.0.0.1:{backend}/stock?token"));
    let sent = ["x-datadog-trace-id", "x-datadog-parent-id"].map(|name| heads[0].header(name).unwrap_or_default());
    assert_eq!((heads.len(), sent), (1, [TRACE.to_string().as_str(), call.span_id.to_string().as_str()]));
}

/// The C++ service of `distributed/shop.cpp`. It ends when this is dropped.
struct Stock {
    port: u16,
    process: std::process::Child,
    log: PathBuf,
}

impl Stock {
    fn start(agent: &FaultAgent) -> Option<Stock> {
        if !["g++", "pkg-config", "libcpp-httplib-dev", "libspdlog-dev"].iter().all(|tool| require(tool)) {
            return None;
        }
        let program = ours::compile_with(&root().join("tests/distributed/shop.cpp"), &["cpp-httplib", "spdlog"]);
        let (port, log) =
            (support::free_ports(1), root().join(format!("target/test-rails/stock.{}", std::process::id())));
        std::fs::create_dir_all(root().join("target/test-rails")).expect("a folder for the log");
        let file = std::fs::File::create(&log).expect("the service's log");
        let mut command = hops::limited(&program.display().to_string());
        command.env("PORT", port.to_string()).env("DD_TRACE_AGENT_URL", agent.url()).env("DD_SERVICE", "stock");
        command.env("DD_TRACE_STARTUP_LOGS", "false").env("SPANWIRE_FLUSH_INTERVAL_MS", "100").stdout(file);
        let stock = Stock { port, process: command.spawn().expect("the service starts"), log };
        let up = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(wait_until(Duration::from_secs(20), up), "the service does not answer");
        Some(stock)
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // SAFETY: kill(2) takes only numbers; the process is one that this test started and has not waited for. It passes
        // the signal on to the service.
        unsafe { libc::kill(self.process.id() as i32, libc::SIGTERM) };
        self.process.wait().ok();
        std::fs::remove_file(&self.log).ok();
    }
}

#[test]
fn the_trace_of_a_page_continues_in_a_cpp_service_that_the_page_calls() {
    let agent = always(Reply::Ok).start();
    let Some(stock) = Stock::start(&agent) else { return };
    let Some(rails) = Rails::start_calling("calling", 0, agent, Some(stock.port)) else { return };
    let (status, text) = rails.get("/page");
    assert!(status == 200 && text.contains("<i>4 left</i>"), "{status} {text}");
    let of_service = |span: &Span| span.service == "stock" && span.trace_id == TRACE;
    let arrived = || rails.agent.chunks().iter().flatten().filter(|span| of_service(span)).count() == 2;
    assert!(wait_until(Duration::from_secs(20), arrived), "the spans of the service are missing");
    let (printed, spans) = rails.stop();

    let call = "    http.request GET\n";
    let below = format!("{call}      web.request GET /stock\n        stock.query stock.query\n");
    assert_eq!(page(&spans), PAGE.replace(call, &below), "{printed}");
    let query = span(&spans, "stock.query");
    let log = std::fs::read_to_string(&stock.log).expect("the service's log");
    let fields = format!("dd.trace_id={TRACE} dd.span_id={} dd.service=stock", query.span_id);
    assert!(log.contains(&fields), "{log}");
}

#[test]
fn an_exception_is_on_the_spans_that_it_leaves_and_one_that_rails_answers_with_404_is_no_error() {
    let Some(rails) = Rails::start("errors", 0) else { return };
    assert_eq!(["/fails", "/missing", "/nowhere"].map(|path| rails.get(path).0), [500, 404, 404]);
    let (_, spans) = rails.stop();

    let failed: Vec<&Span> = spans.iter().filter(|span| span.error != 0).collect();
    let mut names: Vec<&str> = failed.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["rack.request", "rails.action_controller", "sqlite.query"]);
    for span in failed {
        assert_eq!(span.tag("error.type"), "ActiveRecord::StatementInvalid");
        assert!(span.tag("error.message").contains("nothing"), "{span:?}");
    }
    let mut requests: Vec<(&str, &str)> = spans
        .iter()
        .filter(|span| span.name == "rack.request")
        .map(|span| (span.resource.as_str(), span.tag("http.status_code")))
        .collect();
    requests.sort_unstable();
    assert_eq!(requests, [("GET 404", "404"), ("GoodsController#fails", "500"), ("GoodsController#missing", "404")]);
}

#[test]
fn sql_in_other_threads_is_a_child_of_the_span_of_its_thread() {
    let Some(rails) = Rails::start("threads", 0) else { return };
    assert_eq!(rails.get("/threads"), (200, "both".into()));
    // ActionController::Live runs the action in a thread of its own and copies the request's variables to it. Requests
    // that follow on the request's thread must not become parents of what that thread does.
    let text = rails.stream("/live");
    assert!(text.contains("first ") && text.contains("last"), "{text}");
    let (_, spans) = rails.stop();

    for name in ["left", "right"] {
        let part = span(&spans, name);
        let own: Vec<&Span> =
            spans.iter().filter(|span| span.parent_id == part.span_id && span.resource.contains("WHERE")).collect();
        assert_eq!(own.len(), 1, "{name}: {spans:#?}");
        let request = span(&spans, "rails.action_controller");
        assert_eq!(part.parent_id, request.span_id);
    }
    let live = spans.iter().find(|span| span.name == "rails.action_controller" && span.resource.starts_with("Live"));
    let below = tree(&spans, live.expect("the action's span").span_id, 0);
    assert!(below.iter().any(|line| line.starts_with("sqlite.query SELECT")), "{below:?}");
    // The stream is a part of the request: its span ends when the last byte is written.
    let request = spans.iter().find(|span| span.name == "rack.request" && span.resource.starts_with("Live"));
    assert!(request.expect("the request's span").duration >= 50_000_000, "the action sleeps for 50 ms");
}

#[test]
fn forked_workers_of_a_preloaded_application_send_whole_traces_and_the_parent_has_no_thread() {
    let Some(rails) = Rails::start("workers", 2) else { return };
    let master = rails.pid().expect("Puma's process id");
    let mut workers: HashMap<String, u32> = HashMap::new();
    let both = wait_until(Duration::from_secs(20), || {
        let asked: Vec<_> = (0..4)
            .map(|_| {
                let port = rails.port;
                std::thread::spawn(move || http::get(port, "/worker", &[]).map(|answer| answer.text()))
            })
            .collect();
        for worker in asked {
            if let Ok(Ok(worker)) = worker.join() {
                *workers.entry(worker).or_default() += 1;
            }
        }
        workers.len() == 2
    });
    assert!(both, "one worker answers all: {workers:?}");
    let pages = 20;
    for _ in 0..pages {
        assert_eq!(rails.get("/page").0, 200);
    }
    let threads = std::fs::read_dir(format!("/proc/{master}/task")).expect("the parent's threads").flatten();
    let names = threads.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    assert_eq!(names.filter(|name| name.starts_with("spanwire")).count(), 0, "the parent has made no span");
    let (printed, spans) = rails.stop();

    // Puma names the threads that it sees before the fork with the files that started them. Rails has one of its own.
    let seen: Vec<&str> = printed.lines().filter(|line| line.contains("#<Thread")).collect();
    assert!(!seen.iter().any(|line| line.contains("lib/spanwire")), "{seen:#?}");
    let requests: Vec<&Span> = spans.iter().filter(|span| span.name == "rack.request").collect();
    assert_eq!(requests.len(), pages);
    for request in requests {
        // The request with what is below it.
        let mut alone = vec![request.clone()];
        let mut from = 0;
        while from < alone.len() {
            let parent = alone[from].span_id;
            alone.extend(spans.iter().filter(|span| span.parent_id == parent).cloned());
            from += 1;
        }
        assert_eq!(page(&alone), PAGE);
    }
}

/// Runs a file of the gem's tests that needs Rails.
fn runs_well(test: &str) {
    if !require("ruby") || !require("ruby-ffi") || !require("rails") {
        return;
    }
    let ruby = command("ruby").env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so").display());
    let outcome = ruby.arg("-w").arg(root().join("bindings/ruby/test/rails").join(test).display()).run().ok();
    assert!(outcome.stdout.contains(" 0 failures, 0 errors, 0 skips"), "{}", outcome.stdout);
}

#[test]
fn the_subscriber_keeps_events_of_fibers_and_threads_apart() {
    runs_well("notifications_test.rb");
}

#[test]
fn the_middleware_keeps_racks_rules() {
    runs_well("rack_lint_test.rb");
}
