//! Debug mode under load: it blocks no span call, and counts every record that it loses.

mod support;

use support::faults::{always, Reply};
use support::hosts::{host, root, Outcome};

const TRACES: u64 = 20_000;
const SPANS: u64 = 10;
const WORDS: [&str; 4] = ["span started: ", "span finished: ", "chunk enqueued: ", "spans dropped: reason=queue_full"];

/// Makes traces of ten spans without a pause: well over 100,000 spans a second.
fn load(name: &str, env: &[(&str, String)]) -> Option<Outcome> {
    let agent = always(Reply::Ok).counting_only().start();
    let mut host = host("steady.c")?.arg(TRACES).arg(SPANS).arg(0).arg(0).arg(0).arg(10_000).agent(&agent.url());
    for (name, value) in env {
        host = host.env(name, value);
    }
    let ran = host.limit(120).run().ok();
    let steady = ran.object("steady");
    let (loop_ms, cpu_ms) = (steady["loop_ms"].as_u64().unwrap_or(0), steady["cpu_ms"].as_u64().unwrap_or(0));
    let spans = TRACES * SPANS;
    println!(
        "{name}: {} spans a second, {} ns of its thread's time a span, longest wait {} us",
        spans * 1_000 / loop_ms.max(1),
        cpu_ms * 1_000_000 / spans,
        steady["worst_wait_us"]
    );
    Some(ran)
}

#[test]
fn debug_mode_to_a_file_blocks_nobody_and_counts_what_it_loses() {
    let folder = root().join(format!("target/debug-mode-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("debug.log");
    let Some(_) = load("debug mode off", &[("SPANWIRE_LOG_SINKS", "none".into())]) else { return };
    for dialect in ["native", "java"] {
        let env = [
            ("DD_TRACE_DEBUG", "true".to_string()),
            ("DD_TRACE_LOG_FILE", file.display().to_string()),
            ("DD_TRACE_LOG_FILE_SIZE_BYTES", "0".into()),
            ("SPANWIRE_LOG_SINKS", "file".into()),
            ("SPANWIRE_LOG_DIALECT", dialect.into()),
        ];
        let Some(ran) = load(&format!("debug mode on, {dialect}"), &env) else { return };
        // The promise is 100 ms; ten times that is asserted, because the scheduler may suspend the thread.
        let waited = ran.object("steady")["worst_wait_us"].as_u64().unwrap_or(u64::MAX);
        assert!(waited < 1_000_000, "{dialect}: a call waited for {waited} us");
        if dialect == "native" {
            accounted(&std::fs::read_to_string(&file).expect("the log"));
        }
        std::fs::remove_file(&file).expect("removed");
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// Asserts that two lines for each span and one for each trace (queued, or dropped because the queue was full) are in
/// the file, or are among the lines that the log reports as lost.
fn accounted(log: &str) {
    let (mut there, mut lost, mut others) = (0, 0, 0);
    for line in log.lines() {
        if let Some((_, records)) = line.split_once("log records lost: ") {
            let number = records.split("records=").nth(1).and_then(|rest| rest.split(';').next());
            lost += number.and_then(|number| number.parse::<u64>().ok()).expect("a count of lost records");
        } else if WORDS.iter().any(|word| line.contains(word)) {
            there += 1;
        } else {
            others += 1;
        }
    }
    let made = TRACES * SPANS * 2 + TRACES;
    println!("native: {there} of {made} lines in the file, {lost} lost and counted, {others} of other kinds");
    // The lost lines may include a few others.
    assert!(there + lost >= made, "{} lines are missing without a count", made - there - lost);
    assert!(there + lost <= made + made / 20, "more was counted as lost than was ever said");
}
