//! Flares: what is in the archive, as a reader sees it that is not ours; how they reach an independent agent; and what
//! happens when the agent, the disk or the process itself gets in the way.

#[path = "flares/agent.rs"]
mod agent;
#[path = "flares/companion.rs"]
mod companion;
#[path = "flares/foreign.rs"]
mod foreign;
mod support;

use agent::{FlareAgent, Reply};
use std::fs;
use std::os::unix::fs::{symlink, MetadataExt};
use std::path::Path;
use std::time::Duration;
use support::agent::{Flare, TestAgent};
use support::flares::{manifest, read, unpacked, Files};
use support::folder::Folder;
use support::hosts::{compile_c, host, root, Host, Outcome};
use support::wait_until;

const OK: i64 = 0;
const CLOSED: i64 = -4;
const TIMEOUT: i64 = -20;
const IO: i64 = -22;

fn flare(what: &str) -> Option<Host> {
    let host = host("flare.c")?.arg(what).env("DD_SERVICE", "shop").env("DD_ENV", "test");
    Some(host.env("DD_TAGS", "team:blue,api_key:hunter2hunter2").env("DD_TRACE_STARTUP_LOGS", "false"))
}

/// The statuses and messages of the flares that a host made, in order.
fn results(outcome: &Outcome) -> Vec<(i64, String)> {
    let of = |it: &serde_json::Value| {
        (it["status"].as_i64().expect("a status"), it["message"].as_str().expect("a message").to_owned())
    };
    outcome.objects("flare").iter().map(of).collect()
}

/// Writes a flare of a host with these settings.
fn written(name: &str, settings: &[(&str, &str)]) -> Option<Files> {
    let folder = Folder::new(name);
    let path = folder.file("flare.zip");
    let host = flare("write")?.agent("file:///dev/null").arg(path.display());
    settings.iter().fold(host, |host, (name, value)| host.env(name, value)).run().ok();
    assert_eq!(fs::metadata(&path).expect("a flare").mode() & 0o7777, 0o600);
    Some(read(&path))
}

#[test]
fn a_flare_is_a_sound_archive_that_says_what_each_file_is() {
    let Some(files) = written("whole", &[("DD_TRACE_DEBUG", "true")]) else { return };
    let manifest = manifest(&files);
    assert_eq!((&manifest["service"], &manifest["made_by"]), (&"shop".into(), &"spanwire_flare_write".into()));
    let all: String = files.values().cloned().collect();
    assert!(!all.contains("hunter2"), "a secret is in it");
    let config: serde_json::Value = serde_json::from_str(&files["spanwire-config.json"]).expect("JSON");
    assert_eq!(config["settings"]["DD_ENV"], serde_json::json!({ "value": "test", "origin": "env" }));
    assert_eq!(config["settings"]["DD_TRACE_ENABLED"]["origin"], "default");
    assert!(files["spanwire-startup.txt"].contains(" DATADOG TRACER CONFIGURATION - {"));
    let fates: Vec<serde_json::Value> =
        files["spanwire-fates.jsonl"].lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((fates.len(), &fates[0]["state"], &fates[0]["spans"]), (1, &"sent".into(), &4.into()), "{fates:?}");
    let health = &files["spanwire-health.txt"];
    assert!(health.contains("Spans: started 6 = finished 4 + open 2 + abandoned 0 + discarded 0: holds\n"), "{health}");
    assert!(health.contains("+ sent 4 + dropped 0: holds\n"), "{health}");
    assert!(files["spanwire-counters.txt"].contains("payloads_sent           1\n"));
    let log = &files["spanwire-log.txt"];
    assert!(log.contains("DEBUG span finished: name=mysql.query"), "{log}");
    assert!(log.contains("the till is stuck, password=<redacted>"), "{log}");
    assert!(files["spanwire-events.txt"].contains(" payload.sent the Agent accepted "));
    let open: Vec<&str> = files["spanwire-open-spans.txt"].lines().collect();
    assert!(open[0].contains(" s  endless  resource GET /orders?<redacted>  trace "), "{open:?}");
    assert!(open[1].contains("  endless.child  ") && open.len() == 2, "{open:?}");
    assert!(files["spanwire-threads.txt"].contains("spanwire-worker"));
    assert!(files["spanwire-memory.txt"].contains("spans, limit") && files["spanwire-memory.txt"].contains("VmRSS:"));
    assert!(files["spanwire-memory-map.txt"].contains("libspanwire.so"));
    assert!(files["spanwire-versions.txt"].contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(files["spanwire-agent-info.json"], "not known\n");
    let redaction = &files["spanwire-redaction.txt"];
    let all = redaction.lines().find_map(|line| line.strip_prefix("all ")).expect("a sum");
    let counts: Vec<u64> = all.split_whitespace().map(|count| count.parse().expect("a count")).collect();
    assert!(counts[2] == 1 && counts[3] >= 4, "one URL, and what the log had replaced before: {redaction}");
}

#[test]
fn files_have_the_names_that_the_languages_tracer_gives_them() {
    for (language, names) in [
        ("java", &["initial_config.txt", "tracer.log", "tracer_health.txt", "pending_traces.txt", "threads.txt"][..]),
        ("python", &["tracer_config_PID.json", "tracer_python_PID.log"]),
        ("nodejs", &["tracer_info.txt", "tracer_logs.txt"]),
        ("dotnet", &["dotnet-tracer-managed-tests-hosts-flare-c-PID.log", "spanwire-config.json"]),
        ("php", &["spanwire-config.json", "spanwire-log.txt"]),
    ] {
        let Some(files) = written(language, &[("SPANWIRE_LANGUAGE", language)]) else { return };
        let pid = manifest(&files)["pid"].to_string();
        for name in names {
            assert!(files.contains_key(&name.replace("PID", &pid)), "{language}: {name} in {:?}", files.keys());
        }
        if language == "python" {
            let config: serde_json::Value =
                serde_json::from_str(&files[&format!("tracer_config_{pid}.json")]).expect("JSON");
            assert_eq!(config["configs"]["settings"]["DD_ENV"]["value"], "test");
        }
    }
}

#[test]
fn what_cannot_be_a_flare_is_refused_with_a_status() {
    let Some(host) = flare("arguments") else { return };
    host.agent("file:///dev/null").run().ok();
}

#[test]
fn a_flare_needs_no_worker_no_agent_and_no_span() {
    let folder = Folder::new("first");
    let Some(host) = flare("first") else { return };
    let outcome = host.agent("http://127.0.0.1:9").arg(folder.file("flare.zip").display()).run().ok();
    assert_eq!(results(&outcome), [(OK, String::new())]);
    let files = read(&folder.file("flare.zip"));
    assert!(files["spanwire-threads.txt"].starts_with("1 threads."), "{}", files["spanwire-threads.txt"]);
    assert!(files["spanwire-health.txt"].contains("not asked yet"));
}

#[test]
fn after_a_shutdown_a_flare_can_be_written_and_not_sent() {
    let folder = Folder::new("closed");
    let Some(host) = flare("closed") else { return };
    let outcome = host.agent("http://127.0.0.1:9").arg(folder.file("flare.zip").display()).run().ok();
    let statuses: Vec<i64> = results(&outcome).iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [OK, CLOSED]);
    let files = read(&folder.file("flare.zip"));
    assert!(files["spanwire-health.txt"].contains("; shut down, enabled"), "{}", files["spanwire-health.txt"]);
    assert!(files["spanwire-log.txt"].contains("spans abandoned") || files["spanwire-log.txt"].contains("still open"));
}

/// A flare that cannot be written, with the path as the host gets it.
#[track_caller]
fn refused(what: &str, path: &Path, words: &str) {
    let Some(host) = flare(what) else { return };
    let outcome = host.agent("file:///dev/null").arg(path.display()).run().ok();
    let (status, message) = results(&outcome).pop().expect("a result");
    assert_eq!(status, IO, "{message}");
    assert!(message.contains(words), "{message}");
}

#[test]
fn no_file_is_replaced_and_no_link_followed() {
    let folder = Folder::new("links");
    let (victim, link) = (folder.file("victim"), folder.file("link"));
    fs::write(&victim, "precious").expect("written");
    symlink(&victim, &link).expect("a link");
    symlink(folder.file("nothing"), folder.file("dangling")).expect("a link");
    refused("refused", &victim, "file exists");
    refused("refused", &link, "file exists");
    refused("refused", &folder.file("dangling"), "file exists");
    assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious");
    assert!(!folder.file("nothing").exists());
    refused("write_twice", &folder.file("twice.zip"), "file exists");
    read(&folder.file("twice.zip"));
}

#[test]
fn what_does_not_fit_on_the_disk_is_removed() {
    let folder = Folder::new("full");
    refused("small", &folder.file("flare.zip"), "file too large");
    assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 0, "a part of the flare was left behind");
    refused("refused", Path::new("/sys/flare.zip"), "");
    refused("refused", Path::new("/no/such/folder/flare.zip"), "no such file or directory");
}

/// Checks a flare as it arrived.
#[track_caller]
fn assert_whole(flare: &Flare, language: &str) -> Files {
    assert_eq!((flare.source.as_str(), flare.hostname.as_str()), (format!("tracer_{language}").as_str(), "web-1"));
    assert_eq!((flare.case_id.as_str(), flare.email.as_str()), ("12345", "user@example.com"));
    let files = unpacked(&flare.archive);
    manifest(&files);
    files
}

#[test]
fn a_flare_reaches_the_agent() {
    let Some(agent) = TestAgent::start() else { return };
    for (url, language) in [(agent.tcp(), "cpp"), (agent.unix(), "python")] {
        let Some(host) = flare("send") else { return };
        let host = host.agent(&url).env("SPANWIRE_LANGUAGE", language);
        let outcome = host.arg("12345").arg("user@example.com").run().ok();
        assert_eq!(results(&outcome), [(OK, String::new())]);
        let flares = agent.flares();
        let files = assert_whole(flares.last().expect("a flare"), language);
        let info: serde_json::Value = serde_json::from_str(&files["spanwire-agent-info.json"]).expect("JSON");
        assert_eq!(info["version"], "test");
        assert_eq!(outcome.stat("spans_sent"), 104);
    }
    assert_eq!(agent.flares().len(), 2);
}

#[test]
fn two_threads_and_forked_children_send_theirs_one_after_another() {
    let Some(agent) = TestAgent::start() else { return };
    let send = |what: &str| flare(what).map(|host| host.agent(&agent.tcp()).arg("12345").arg("user@example.com"));
    let Some(host) = send("two") else { return };
    host.run().ok();
    assert_eq!(agent.flares().len(), 2);
    if let Some(host) = send("family") {
        host.arg(3).run().ok();
    }
    let flares = agent.flares();
    assert_eq!(flares.len(), 5);
    let pids: Vec<String> =
        flares.iter().map(|flare| manifest(&assert_whole(flare, "native"))["pid"].to_string()).collect();
    assert_eq!(pids.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{pids:?}");
}

#[test]
fn a_fork_while_a_flare_is_sent_disturbs_neither_process() {
    let Some(agent) = TestAgent::start() else { return };
    let Some(host) = flare("fork") else { return };
    host.agent(&agent.tcp()).arg("12345").arg("user@example.com").run().ok();
    let flares = agent.flares();
    assert_eq!(flares.len(), 3, "two of the parent, one of the child");
    flares.iter().for_each(|flare| drop(assert_whole(flare, "native")));
}

#[test]
fn a_process_that_ends_meanwhile_leaves_nothing_behind() {
    let Some(agent) = TestAgent::start() else { return };
    let folder = Folder::new("leave");
    let Some(host) = flare("leave") else { return };
    let host = host.agent(&agent.tcp()).folder(&folder.0).env("TMPDIR", folder.0.display());
    let outcome = host.arg("12345").arg("user@example.com").run().ok();
    assert_eq!(results(&outcome)[0].0, TIMEOUT);
    assert_eq!(outcome.stat("spans_sent"), 4);
    assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 0);
}

/// Sends a flare to an agent that does not accept it. Returns status and message, after checking that the log has told
/// it once, and that all spans were sent.
fn send_to(agent: &FlareAgent) -> Option<(i64, String)> {
    let host =
        flare("send")?.agent(&agent.url()).env("SPANWIRE_REQUEST_TIMEOUT_MS", 300).env("SPANWIRE_LOG_SINKS", "stderr");
    let outcome = host.arg("12345").arg("user@example.com").run().ok();
    assert_eq!((outcome.stat("spans_sent"), outcome.dropped()), (104, 0));
    let told = outcome.stderr.matches("flare not sent: case=12345 ").count();
    assert_eq!(told, 1, "{}", outcome.stderr);
    assert!(agent.counts().1 > 0);
    results(&outcome).pop()
}

#[test]
fn an_agent_that_does_not_accept_a_flare_is_told_of_once_and_tracing_goes_on() {
    for (reply, words) in [
        (
            Reply::Answer(400, r#"{"error":"no such case: api_key=hunter2hunter2"}"#),
            "the Agent answered 400: no such case: api_key=<redacted>",
        ),
        (Reply::Answer(500, "<html>broken</html>"), "the Agent answered 500: <html>broken</html>"),
        (Reply::Answer(404, "404 page not found"), "the Agent offers no flares; a newer Agent does"),
        (Reply::NotOffered, "the Agent offers no flares; a newer Agent does"),
        (Reply::Stall, "no answer within 1.5s"),
        (Reply::Cut, "connection"),
    ] {
        let agent = FlareAgent::start(reply);
        let Some((status, message)) = send_to(&agent) else { return };
        assert_eq!(status, IO, "{reply:?}: {message}");
        assert!(message.contains(words), "{reply:?}: {message}");
    }
}

#[test]
fn without_an_agent_the_flare_says_so() {
    let Some(host) = flare("send") else { return };
    let refused = host.agent("http://127.0.0.1:9").env("SPANWIRE_RETRY_FOR_MS", 0);
    let outcome = refused.arg("12345").arg("user@example.com").run().ok();
    let (status, message) = results(&outcome).pop().expect("a result");
    assert!(status == IO && message.contains("connection refused (127.0.0.1:9)"), "{status}: {message}");
    let Some(host) = flare("send") else { return };
    let outcome = host.agent("file:///dev/null").arg("12345").arg("user@example.com").run().ok();
    assert_eq!(results(&outcome), [(IO, "this tracer sends to no Agent".to_owned())]);
}

#[test]
fn a_caller_that_does_not_wait_gets_its_time_back() {
    let agent = FlareAgent::start(Reply::Stall);
    let Some(host) = flare("send") else { return };
    let outcome = host.agent(&agent.url()).arg("12345").arg("user@example.com").arg(50).run().ok();
    assert_eq!(results(&outcome)[0].0, TIMEOUT);
    assert_eq!(outcome.stat("spans_sent"), 104);
    assert!(outcome.took < Duration::from_secs(30), "{:?}", outcome.took);
}

/// Whether a process holds the lock by which the processes of a user take turns.
fn holds_the_turn(pid: u32) -> bool {
    let locks = fs::read_to_string("/proc/locks").expect("the locks");
    let file = ["/dev/shm", "/tmp"].iter().find_map(|folder| {
        // SAFETY: takes nothing.
        fs::metadata(format!("{folder}/spanwire-flares-{}", unsafe { libc::geteuid() })).ok()
    });
    let Some(file) = file else { return false };
    let ends = format!(":{}", file.ino());
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(4) == Some(&pid.to_string().as_str()) && words.get(5).is_some_and(|place| place.ends_with(&ends))
    })
}

#[test]
fn a_sender_that_is_killed_leaves_the_turn_to_others() {
    let Some(agent) = TestAgent::start() else { return };
    let stalls = FlareAgent::start(Reply::Stall);
    if flare("send").is_none() {
        return;
    }
    let mut killed = std::process::Command::new(compile_c(&root().join("tests/hosts/flare.c")));
    killed.args(["send", "12345", "user@example.com"]).env("DD_TRACE_AGENT_URL", stalls.url());
    // It waits for the answer as long as this test may need.
    let mut killed = killed.env("SPANWIRE_REQUEST_TIMEOUT_MS", "60000").spawn().expect("the host runs");
    let sends = wait_until(Duration::from_secs(50), || stalls.counts().0 == 1);
    let held = holds_the_turn(killed.id());
    killed.kill().expect("SIGKILL");
    killed.wait().expect("its end");
    assert!(sends && held, "it had the turn when it was killed");
    let Some(host) = flare("send") else { return };
    let outcome = host.agent(&agent.tcp()).arg("12345").arg("user@example.com").run().ok();
    assert_eq!(results(&outcome), [(OK, String::new())]);
    assert_eq!(agent.flares().len(), 1);
}

#[test]
fn a_flare_with_all_fates_takes_no_more_memory_than_it_may() {
    let folder = Folder::new("memory");
    let path = folder.file("flare.zip");
    let Some(host) = host("fates.c") else { return };
    let host = ["many=20000", "flush=20000", "hoard=1500", "flare"].iter().fold(host, |host, action| host.arg(action));
    let host = host.agent("file:///dev/null").env("SPANWIRE_LOG_SINKS", "ring").env("FATES_FLARE", path.display());
    let outcome = host.run().ok();
    let files = read(&path);
    let manifest = manifest(&files);
    let fates =
        manifest["files"].as_array().expect("a list").iter().find(|file| file["name"] == "spanwire-fates.jsonl");
    let fates = fates.expect("the fates of traces");
    let listed = files["spanwire-fates.jsonl"].lines().count() as u64;
    assert_eq!(listed + fates["lines_left_out"].as_u64().unwrap_or(0), 16_384, "{fates}");
    if !support::hosts::sanitized() {
        let kib = outcome.object("flare")["kib"].as_i64().expect("a number");
        // As the header says.
        assert!(kib <= 32 << 10, "{kib} KiB");
    }
}
