//! Debug mode as PHP's users know it: the lines in the error log and in the log file, from the command line, over FFI
//! and from php-fpm. The extension's own tests cover loggers of the script.

use crate::extension::{folder, php};
use crate::servers::{counting_agent, fastcgi::Client, Fpm};
use crate::support::hosts::{command, root, Host};
use crate::support::log::matches;
use crate::support::wait_until;
use std::path::PathBuf;
use std::time::Duration;

const TRADE: &str = r"<?php
$tracer = Spanwire\Tracer::get();
$tracer->reportIntegration('web');
$request = $tracer->startSpan('web.request', service: 'shop', resource: 'GET /cart', type: 'web', tags: ['component' => 'web'], activate: true);
$tracer->startSpan('wpdb.query', service: 'wordpress', type: 'sql')->finish();
$request->finish();
$tracer->flush();
echo 'served';
";

/// The tracer's own date, which begins each of its lines.
const DATE: &str = "[‹d›-‹d›-‹d›T‹d›:‹d›:‹d›‹w›] ";
const LOADED: &str = "[ddtrace] [debug] - Loaded integration web";

/// Returns the lines about the trace, without dates.
fn of_the_trace(agent: &str) -> [String; 5] {
    [
        "[ddtrace] [debug] Evaluated agent sampling rules for root span for trace ‹x› and applied a default sample_rate of \
         1.000000"
            .to_owned(),
        "[ddtrace] [span] Encoding span ‹d›: trace_id=‹x›, name='web.request', service='shop', resource: 'GET /cart', type \
         'web' with tags: component='web'; and metrics: _sampling_priority_v1='1'"
            .to_owned(),
        "[ddtrace] [span] Encoding span ‹d›: trace_id=‹x›, name='wpdb.query', service='wordpress', resource: 'wpdb.query', \
         type 'sql' with tags: -; and metrics: -"
            .to_owned(),
        format!("[ddtrace] [info] Flushing trace of size 2 to send-queue for {agent}"),
        "[bgs] uploaded ‹d› bytes".to_owned(),
    ]
}

/// Asserts that the lines, each after `date`, are the whole log.
#[track_caller]
fn assert_lines(log: &str, date: &str, lines: &[&str]) {
    let same = log.lines().count() == lines.len();
    let fits = |(wanted, line): (&&str, &str)| matches(&format!("{date}{DATE}{wanted}"), line);
    assert!(same && lines.iter().zip(log.lines()).all(fits), "not, behind {date}{DATE}:\n{lines:#?}\nbut\n{log}");
}

/// Returns a PHP with the extension and one with the FFI classes.
fn both() -> Option<[(&'static str, Host); 2]> {
    let php = php()?;
    let ffi = command("php").arg("-d").arg(format!("spanwire.library={}", php.library.display()));
    let prepend = root().join("bindings/php/src/Spanwire.php");
    Some([("extension", php.cli()), ("FFI", ffi.arg("-d").arg(format!("auto_prepend_file={}", prepend.display())))])
}

fn fresh(file: PathBuf) -> PathBuf {
    let _ = std::fs::remove_file(&file);
    file
}

fn read(file: &PathBuf) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn the_error_log_has_the_lines_of_phps_tracer() {
    let Some(both) = both() else { return };
    let script = folder("debug-lines").join("trade.php");
    std::fs::write(&script, TRADE).expect("a script");
    let trace = of_the_trace("file:///dev/null");
    let lines: Vec<&str> = std::iter::once(LOADED).chain(trace.iter().map(String::as_str)).collect();
    for (how, host) in both {
        let host = host.agent("file:///dev/null").env("DD_TRACE_DEBUG", "true");
        // On a terminal PHP adds no prefix.
        let outcome = host.clone().arg(script.display()).run().ok();
        assert_eq!(outcome.stdout, "served", "{how}");
        assert_lines(&outcome.stderr, "", &lines);
        let log = fresh(script.with_extension("log"));
        host.arg("-d").arg(format!("error_log={}", log.display())).arg(script.display()).run().ok();
        assert_lines(&read(&log), "[‹d›-‹w›-‹d› ‹d›:‹d›:‹d› UTC] ", &lines);
    }
}

#[test]
fn a_log_file_has_all_but_the_loading_of_integrations() {
    let Some(both) = both() else { return };
    let script = folder("debug-lines").join("trade-to-file.php");
    std::fs::write(&script, TRADE).expect("a script");
    let trace = of_the_trace("file:///dev/null");
    let lines: Vec<&str> = trace.iter().map(String::as_str).collect();
    for (how, host) in both {
        let log = fresh(script.with_extension("log"));
        let host = host.agent("file:///dev/null").env("DD_TRACE_DEBUG", "true").env("DD_TRACE_LOG_FILE", log.display());
        let outcome = host.arg(script.display()).run().ok();
        assert_eq!(outcome.stdout, "served", "{how}");
        assert_lines(&outcome.stderr, "", &[LOADED]);
        assert_lines(&read(&log), "[‹w› ‹w› ‹*›‹d› ‹d›:‹d›:‹d› ‹d›] ", &lines);
    }
}

#[test]
fn php_fpm_writes_the_same_lines_to_its_error_log_and_to_the_log_file() {
    let Some(php) = php() else { return };
    for to_file in [false, true] {
        let file = fresh(folder("debug-lines").join("fpm.log"));
        let named = if to_file { format!("\nenv[DD_TRACE_LOG_FILE] = {}", file.display()) } else { String::new() };
        let pool = format!("pm = static\npm.max_children = 1\nenv[DD_TRACE_DEBUG] = true{named}");
        let agent = counting_agent();
        let Some(fpm) = Fpm::start(php, "debug", &agent.url(), &pool) else { return };
        let script = fpm.script("trade.php", TRADE);
        let mut client = Client::new(&fpm.socket);
        assert_eq!(client.get(&script, "").expect("php-fpm answers").body(), "served");
        drop(client);
        // Debug mode shows what the HTTP client does as well: a request, its answer, and the connection's return.
        let of_the_client = |line: &&str| {
            [" POST http", " Request {", " Response {", " Return to pool"].iter().any(|words| line.contains(words))
        };
        let own = |log: &str| {
            log.lines()
                .filter(|l| l.contains("[ddtrace]") || l.contains("[bgs]"))
                .filter(|l| !of_the_client(l))
                .map(|l| format!("{l}\n"))
                .collect::<String>()
        };
        let trace = of_the_trace(&agent.url());
        let trace: Vec<&str> = trace.iter().map(String::as_str).collect();
        let (in_log, in_file) =
            if to_file { (vec![LOADED], trace) } else { ([&[LOADED], &trace[..]].concat(), vec![]) };
        // The records of a request are written when it ends, possibly after its client has the answer.
        wait_until(Duration::from_secs(5), || {
            own(&fpm.log()).lines().count() >= in_log.len() && own(&read(&file)).lines().count() >= in_file.len()
        });
        let log = fpm.log();
        fpm.end();
        assert_lines(&own(&log), "[‹d›-‹w›-‹d› ‹d›:‹d›:‹d› UTC] ", &in_log);
        assert_lines(&own(&read(&file)), "[‹w› ‹w› ‹*›‹d› ‹d›:‹d›:‹d› ‹d›] ", &in_file);
    }
}
