//! Reads the stored excerpts of `tests/doctor/captured` behind the frames that loggers, log drivers and tools put before
//! or around a line. The answers stay the same.

use super::*;
use std::fs;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctor/captured");

/// A frame: its name, and the line with it.
type Frame = (&'static str, fn(usize, &str) -> String);

const FRAMES: [Frame; 36] = [
    ("none", |_, line| line.to_owned()),
    ("docker compose", |_, line| format!("web-1      | {line}")),
    ("docker compose in colours", |_, line| format!("\x1b[36mweb-1      |\x1b[0m {line}")),
    ("docker logs -t", |_, line| format!("2026-11-28T17:08:26.123456789Z {line}")),
    ("docker's file", |_, line| object("log", &format!("{line}\n"), ",\"stream\":\"stderr\"")),
    ("containerd", |_, line| format!("2026-11-28T17:08:26.123456789Z stderr F {line}")),
    ("journald", |_, line| format!("Nov 28 17:08:26 host1 shop[1234]: {line}")),
    ("journald as JSON", |_, line| object("MESSAGE", line, ",\"_PID\":\"7\"")),
    ("RFC 3164", |_, line| format!("<30>Nov 28 17:08:26 host1 shop[1234]: {line}")),
    ("RFC 5424", |_, line| format!("<30>1 2026-11-28T17:08:26.123Z host1 shop 1234 - - {line}")),
    ("rsyslog", |_, line| format!("2026-11-28T17:08:26.123456+00:00 ip-10-0-0-5 shop: {line}")),
    ("stern", |_, line| format!("shop-7d9f8b6c5d-x2x4z shop {line}")),
    ("stern of several", |_, line| format!("shop-7d9f8b6c5d-x2x4z \u{203a} shop {line}")),
    ("kubectl --prefix", |_, line| format!("[pod/shop-7d9f8b6c5d-x2x4z/shop] {line}")),
    ("Heroku", |_, line| format!("2026-11-28T17:08:26.123456+00:00 app[web.1]: {line}")),
    ("aws logs tail", |_, line| format!("2026-11-28T17:08:26.123000+00:00 ecs/shop/0123456789abcdef {line}")),
    ("CloudWatch", |_, line| object("message", line, ",\"ingestionTime\":1764349706200")),
    ("fluentd", |_, line| format!("2026-11-28 17:08:26 +0000 docker.shop: {}", object("log", line, ""))),
    ("GitLab", |_, line| format!("2026-11-28T17:08:26.123456Z 01O {line}")),
    ("line numbers", |n, line| format!("{n:6}\t{line}")),
    ("grep -n", |n, line| format!("{n}:{line}")),
    ("grep of several", |n, line| format!("/var/log/shop/app.log:{n}:{line}")),
    ("colours", |_, line| format!("\x1b[31m{line}\x1b[0m")),
    ("CR LF", |_, line| format!("{line}\r")),
    ("supervisord", |_, line| format!("2026-11-28 17:08:26,123 DEBG 'shop' stderr output: {line}")),
    ("pm2", |_, line| format!("0|shop  | {line}")),
    ("structlog", |_, line| format!("2026-11-28 17:08:26 [info     ] {line}")),
    ("pino", |_, line| object("msg", line, ",\"level\":30,\"pid\":7")),
    ("zerolog", |_, line| object("message", line, ",\"level\":\"info\"")),
    ("logback", |_, line| format!("17:08:26.123 [main] INFO c.e.s.Stderr - {line}")),
    ("Spring Boot", |_, line| format!("2026-11-28 17:08:26.123  INFO 1 --- [main] c.e.s.Stderr      : {line}")),
    ("WildFly", |_, line| format!("17:08:26,123 INFO [stderr] (main) {line}")),
    ("NLog", |_, line| format!("2026-11-28 17:08:26.1234|INFO|Shop.Tracing|{line}")),
    ("Rails tags", |_, line| format!("[0b1c2d3e-aaaa-bbbb-cccc-0123456789ab] [10.0.0.5] {line}")),
    ("php-fpm", |_, line| format!("[28-Nov-2026 17:08:26] WARNING: [pool www] child 42 said into stderr: \"{line}\"")),
    ("Apache", |_, line| format!("[Sat Nov 28 17:08:26 2026] [php:notice] [pid 42] [client 10.0.0.5:5000] {line}")),
];

/// Returns a record with the line as a member.
fn object(name: &str, line: &str, others: &str) -> String {
    format!("{{\"{name}\":{}{others}}}", Value::from(line))
}

/// A log, and the right answers: one cause of each list, no others, and one of the words for delivered.
struct Known {
    name: String,
    log: String,
    causes: Vec<Vec<String>>,
    delivered: Vec<String>,
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect(),
        value => value.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn known() -> Vec<Known> {
    let rows = |file: &str| -> Vec<Value> {
        let text = fs::read_to_string(format!("{FOLDER}/{file}")).expect(file);
        text.lines().map(|row| serde_json::from_str(row).expect("a row")).collect()
    };
    let causes = |row: &Value| row["causes"].as_array().into_iter().flatten().map(words).collect();
    let of = |row: &Value, log: String| Known {
        name: row["file"].as_str().or(row["name"].as_str()).unwrap_or_default().to_owned(),
        log,
        causes: causes(row),
        delivered: words(&row["delivered"]),
    };
    let mut all: Vec<Known> = rows("expected.jsonl")
        .iter()
        .map(|row| {
            of(row, fs::read_to_string(format!("{FOLDER}/{}", row["file"].as_str().expect("a file"))).expect("a log"))
        })
        .collect();
    // Some rows depend on the frame: it tells another logger's record from the tracer's.
    let rows = rows("wordings.jsonl").into_iter().filter(|row| row["framed"] != false);
    all.extend(rows.map(|row| of(&row, row["log"].as_str().expect("a log").to_owned())));
    all
}

/// Returns the report on a text.
fn examine(reader: &Rc<Reader>, text: &str) -> Value {
    let mut logs = Logs::new(reader.clone());
    for line in text.lines() {
        logs.line(line.as_bytes());
    }
    let extent = Extent { lines: text.lines().count() as u64, bytes: text.len() as u64, ..Extent::default() };
    logs.report(&[Read { name: "x".into(), extent, spoken: logs.spoken }], &[]).json()
}

/// What is wrong with the answers to a log; empty if they are right.
fn objections(known: &Known, report: &Value) -> Vec<String> {
    let got = words(&report["causes"]);
    let mut wrong: Vec<String> = known
        .causes
        .iter()
        .filter(|any| !any.iter().any(|cause| got.contains(cause)))
        .map(|any| format!("misses {}", any.join(" or ")))
        .collect();
    let foreign = got.iter().filter(|cause| !known.causes.iter().flatten().any(|known| known == *cause));
    wrong.extend(foreign.map(|cause| format!("names {cause}")));
    let delivered = report["facts"]["answers"]["delivered"].as_str().unwrap_or_default();
    if !known.delivered.is_empty() && !known.delivered.iter().any(|known| known == delivered) {
        wrong.push(format!("delivered {delivered}"));
    }
    wrong
}

#[test]
fn the_answers_stay_the_same_behind_every_frame() {
    let reader = Rc::new(Reader::new().expect("the words"));
    let known = known();
    assert!(known.len() > 100, "{}", known.len());
    let mut wrong = Vec::new();
    for known in &known {
        for (name, frame) in FRAMES {
            let framed: Vec<String> = known.log.lines().enumerate().map(|(n, line)| frame(n + 1, line)).collect();
            let objections = objections(known, &examine(&reader, &framed.join("\n")));
            if !objections.is_empty() {
                wrong.push(format!("{} in the frame {name}: {}", known.name, objections.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
