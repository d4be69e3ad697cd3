//! `spanwire flare PID`, from outside of the process, and `spanwire flare show`, for flares of this library and of the
//! tracers that have their own.

use crate::support::agent::TestAgent;
use crate::support::flares::{manifest, read};
use crate::support::hosts::{compile_c, require, root};
use crate::Folder;
use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A host with two open spans that waits until this is dropped.
struct Waiting(Child);

impl Waiting {
    fn start(url: &str) -> Option<Waiting> {
        if !require("gcc") {
            return None;
        }
        let mut command = Command::new(compile_c(&root().join("tests/hosts/flare.c")));
        command.arg("wait").env_clear().env("DD_TRACE_AGENT_URL", url).env("DD_SERVICE", "shop");
        command.env("DD_TAGS", "api_key:hunter2hunter2").env("SPANWIRE_LOG_SINKS", "ring");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the host runs");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready {}\n");
        Some(Waiting(process))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.stdin.take();
        let _ = self.0.wait();
    }
}

pub fn spanwire(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
    command.arg("flare").args(arguments).output().expect("the companion runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_process_gets_a_flare_from_outside_while_it_is_stopped() {
    let folder = Folder::new("outside");
    let Some(host) = Waiting::start("file:///dev/null") else { return };
    let (pid, path) = (host.pid().to_string(), folder.file("flare.zip"));
    let file = path.to_str().expect("a name in UTF-8");
    let signal = |name: &str| Command::new("kill").args([name, &pid]).status().expect("kill runs");
    assert!(signal("-STOP").success());
    let made = spanwire(&[&pid, "-o", file]);
    assert!(signal("-CONT").success());
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert_eq!(fs::metadata(&path).expect("a flare").mode() & 0o7777, 0o600);
    let files = read(&path);
    let manifest = manifest(&files);
    assert_eq!((&manifest["made_by"], &manifest["service"]), (&"spanwire flare".into(), &"shop".into()));
    assert_eq!(manifest["pid"].to_string(), pid);
    let all: String = files.values().cloned().collect();
    assert!(!all.contains("hunter2"), "a secret is in it");
    assert!(files["spanwire-open-spans.txt"].contains("endless.child"), "{}", files["spanwire-open-spans.txt"]);
    assert!(files["spanwire-health.txt"].contains("Tracer 0: shop"), "{}", files["spanwire-health.txt"]);
    assert!(files["spanwire-config.json"].contains("DD_SERVICE"));
    let log = &files["spanwire-log.txt"];
    assert!(log.contains("the till is stuck, password=<redacted>") && log.contains(" payload.sent the Agent accepted"));
    assert_eq!(files["spanwire-agent-info.json"], "not known\n");
    assert!(files["spanwire-events.txt"].contains("the Agent accepted"));
    let fate: Json =
        serde_json::from_str(files["spanwire-fates.jsonl"].lines().next().expect("a trace")).expect("JSON");
    assert_eq!(fate["state"], "sent");
    assert!(files["spanwire-threads.txt"].contains("spanwire-worker"));

    let again = spanwire(&[&pid, "-o", file]);
    assert!(!again.status.success() && text(&again.stderr).contains("file exists"), "{}", text(&again.stderr));
    assert_eq!(read(&path), files, "the first one is still there");
}

#[test]
fn a_flare_is_sent_to_the_agent_of_the_process() {
    let Some(agent) = TestAgent::start() else { return };
    let Some(host) = Waiting::start(&agent.tcp()) else { return };
    let pid = host.pid().to_string();
    let sent = spanwire(&[&pid, "--send", "--case-id", "12345", "--email", "user@example.com"]);
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    let flares = agent.flares();
    assert_eq!((flares.len(), flares[0].email.as_str()), (1, "user@example.com"));
    manifest(&crate::support::flares::unpacked(&flares[0].archive));
    let refused = spanwire(&[&pid, "--send", "--case-id", "x", "--email", "user@example.com"]);
    assert!(text(&refused.stderr).contains("--case-id takes the number"), "{}", text(&refused.stderr));
}

#[test]
fn what_has_no_library_gets_no_flare() {
    for (words, said) in [
        (&["4294967295"][..], "there is no process"),
        (&["1"], ""),
        (&["shop"], "is no process id"),
        (&["show"], "name the flare"),
        (&["show", "/no/such/file"], "cannot be opened"),
    ] {
        let output = spanwire(words);
        let stderr = text(&output.stderr);
        assert!(!output.status.success() && stderr.contains(said), "{words:?}: {stderr}");
        // As for the doctor, 1 would say that a cause was found.
        assert_eq!(output.status.code() == Some(2), words[0] == "show", "{words:?}: {stderr}");
    }
}

/// Packs files as other tracers do: with Python's zipfile.
pub fn packed(path: &Path, files: &[(&str, &Path)]) {
    let mut python = Command::new("python3");
    python.args(["-c", "import sys, zipfile\na = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n[a.write(f, n) for n, f in zip(sys.argv[2::2], sys.argv[3::2])]\na.close()"]).arg(path);
    for (name, file) in files {
        python.arg(name).arg(file);
    }
    assert!(python.status().expect("python3 runs").success());
}

pub fn answers(output: &Output) -> (Option<i32>, Json, Json) {
    let object: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    (output.status.code(), object["causes"].clone(), object["facts"]["answers"].clone())
}

#[test]
fn flares_of_other_tracers_get_the_doctors_answers() {
    let folder = Folder::new("others");
    let log = |name: &str| root().join("tests/doctor/captured").join(name);
    let config = folder.file("config");
    fs::write(&config, "{\"configs\": {\"_dd_api_key\": \"****1234\"}}").expect("written");
    for (captured, name, other) in [
        ("java-partly.log", "tracer.log", "initial_config.txt"),
        ("python-name.log", "tracer_flare/tracer_python_17.log", "tracer_flare/tracer_config_17.json"),
        ("dotnet-400.log", "dotnet-tracer-managed-shop-17.log", "dotnet-tracer-telemetry-17.txt"),
    ] {
        let path = folder.file(&format!("{captured}.zip"));
        packed(&path, &[(other, &config), (name, &log(captured))]);
        let shown = spanwire(&["show", "--json", path.to_str().expect("a name")]);
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_spanwire"));
        let asked = doctor.args(["doctor", "--json"]).arg(log(captured)).output().expect("the companion runs");
        assert_eq!(answers(&shown), answers(&asked), "{captured}");
        assert_ne!(answers(&shown).1, serde_json::json!([]), "{captured} has a fault");
    }
    // Node.js sends its log as it is.
    let plain = spanwire(&["show", "--json", log("node-bad-url.log").to_str().expect("a name")]);
    assert_eq!(answers(&plain).1, serde_json::json!(["agent.bad_url"]));
}

#[test]
fn a_tracer_that_is_too_old_for_flares_is_named_with_the_first_version_that_is_not() {
    let folder = Folder::new("old");
    for (version, wanted) in [("5.14.0", "5.15.0 or 4.39.0"), ("5.15.0", "")] {
        let path = folder.file(&format!("{version}.log"));
        let line = format!("DATADOG TRACER CONFIGURATION - {{\"date\":\"2026-11-28T17:08:26Z\",\"lang\":\"nodejs\",\"lang_version\":\"v20.0.0\",\"version\":\"{version}\",\"enabled\":true,\"service\":\"shop\",\"agent_url\":\"http://localhost:8126\",\"debug\":false}}\n");
        fs::write(&path, line).expect("written");
        let shown = text(&spanwire(&["show", path.to_str().expect("a name")]).stdout).replace("\n         ", " ");
        assert_eq!(shown.contains("flare.too_old"), !wanted.is_empty(), "{shown}");
        assert!(shown.contains(wanted), "{shown}");
    }
}

#[test]
fn our_own_flare_is_shown_with_what_it_is_of() {
    let folder = Folder::new("own");
    let path = folder.file("flare.zip");
    let Some(host) = crate::flare("write") else { return };
    host.agent("http://127.0.0.1:9").env("SPANWIRE_RETRY_FOR_MS", 0).arg(path.display()).run().ok();
    let shown = spanwire(&["show", path.to_str().expect("a name")]);
    let said = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(1), "{said}{}", text(&shown.stderr));
    for words in ["made by spanwire_flare_write at ", "service shop", "agent.wrong_port", "Dropped, unreachable: 4"] {
        assert!(said.replace("\n         ", " ").contains(words), "{words}: {said}");
    }
    assert!(!said.contains("hunter2"));
}
