//! Fields for the application's log (`spanwire_log_correlation()`), and docs/log-correlation.md, whose table says in which
//! form each dialect's debug lines have the same ids.

mod support;

use support::hosts::{host, root, Host};

fn scenario(mode: &str) -> Option<Host> {
    let host = host("log_correlation.c")?.arg(mode).agent("file:///dev/null").env("DD_SERVICE", "the shop");
    Some(host.env("DD_ENV", "prod").env("DD_VERSION", "1.2"))
}

fn run(mode: &str, env: &[(&str, &str)]) {
    let Some(mut host) = scenario(mode) else { return };
    for (name, value) in env {
        host = host.env(name, value);
    }
    host.env("SPANWIRE_LOG_SINKS", "none").run().ok();
}

#[test]
fn a_line_of_the_applications_log_gets_ids_service_environment_and_version() {
    run("api", &[]);
}

#[test]
fn a_user_who_turns_logs_injection_off_gets_no_fields() {
    run("off", &[("DD_LOGS_INJECTION", "false")]);
}

#[test]
fn ids_of_64_bits_are_decimal_and_so_are_those_of_128_bits_if_the_user_wants_it() {
    run("narrow", &[("DD_TRACE_128_BIT_TRACEID_LOGGING_ENABLED", "false")]);
    run("narrow", &[("DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED", "false")]);
}

#[test]
fn a_forked_child_logs_with_the_ids_of_its_parents_span() {
    run("fork", &[]);
}

/// The rows of the table: the dialects, the form of the trace id, the form of the span id.
fn documented() -> Vec<(Vec<String>, String, String)> {
    let text = std::fs::read_to_string(root().join("docs/log-correlation.md")).expect("the table");
    let rows =
        text.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let row = |row: &str| match &cells(row)[..] {
        [_, dialects, trace, span, ..] => {
            let names = dialects.split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
            (names, trace.clone(), span.clone())
        }
        other => panic!("a row of three cells: {other:?}"),
    };
    rows.map(row).collect()
}

fn in_form(form: &str, hex: &str) -> String {
    let low = u64::from_str_radix(&hex[hex.len() - 16..], 16).expect("an id");
    match form {
        "32 hexadecimal digits" => hex.to_owned(),
        "decimal, low 64 bits" => low.to_string(),
        "decimal" => low.to_string(),
        "16 hexadecimal digits" | "last 16 hexadecimal digits" => format!("{low:016x}"),
        "decimal, 128 bits" => u128::from_str_radix(hex, 16).expect("an id").to_string(),
        other => panic!("{other} is no form"),
    }
}

#[test]
fn the_debug_lines_of_each_dialect_have_the_ids_of_the_applications_log_in_the_documented_form() {
    let rows = documented();
    let mut known: Vec<String> = rows.iter().flat_map(|(names, ..)| names.clone()).collect();
    known.sort();
    let mut all = spanwire::companion::languages::dialects();
    all.sort();
    assert_eq!(known, all, "the table has each dialect once");
    for (names, trace_form, span_form) in rows {
        for dialect in names {
            let Some(host) = scenario("lines") else { return };
            let host = host.env("DD_TRACE_DEBUG", "true").env("DD_TRACE_STARTUP_LOGS", "false");
            let ran = host.env("SPANWIRE_LOG_DIALECT", &dialect).env("SPANWIRE_LOG_SINKS", "stderr").run().ok();
            let fields = ran.object("fields");
            let id = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
            let span = format!("{:032x}", id("dd.span_id").parse::<u64>().expect("an id"));
            for id in [in_form(&trace_form, &id("dd.trace_id")), in_form(&span_form, &span)] {
                assert!(ran.stderr.contains(&id), "{dialect}: {id} is not in\n{}", ran.stderr);
            }
        }
    }
}
