//! Static probes: the system's tools find them in the library, stripped or not, and stop there with the arguments.

mod support;

use std::process::Command;
use support::faults::{always, Reply};
use support::hosts::{host, require, root, stage};

const PROBES: [&str; 5] = ["span__start", "span__finish", "chunk__enqueue", "payload__send", "spans__drop"];

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn readelf_lists_the_probes_of_a_library_with_and_without_symbols() {
    if !require("readelf") || !require("strip") {
        return;
    }
    let library = stage().join("lib/libspanwire.so.0");
    let stripped = root().join(format!("target/probes-{}.so", std::process::id()));
    said(Command::new("strip").arg("-o").arg(&stripped).arg(&library));
    for file in [&library, &stripped] {
        let notes = said(Command::new("readelf").args(["--notes", "--wide"]).arg(file));
        assert!(notes.contains("Provider: spanwire"), "{}: {notes}", file.display());
        for probe in PROBES {
            assert!(notes.lines().any(|line| line.trim() == format!("Name: {probe}")), "{}: {probe}", file.display());
        }
    }
    let _ = std::fs::remove_file(stripped);
}

#[test]
fn gdb_lists_the_probes_and_stops_at_one_with_its_arguments() {
    if !require("gdb") {
        return;
    }
    let agent = always(Reply::Ok).start();
    let Some(_) = host("script.c").map(|host| host.agent(&agent.url()).input("new\nshutdown\t10\n").run().ok()) else {
        return;
    };
    let folder = root().join("target/test-hosts");
    let script = folder.join(format!("probes-{}.txt", std::process::id()));
    std::fs::write(&script, "new\nstart\tprobed\t\t\t\t0\t77\t7\t0\nfinish\t0\nflush\t2000\nshutdown\t2000\n")
        .expect("a script");
    let commands = [
        "set confirm off",
        "set debuginfod enabled off",
        "set breakpoint pending on",
        "break main",
        &format!("run < {}", script.display()),
        "info probes stap spanwire",
        "break -probe-stap spanwire:span__start",
        "continue",
        "print $_probe_argc",
        "print $_probe_arg1",
        "delete",
        "break -probe-stap spanwire:payload__send",
        "continue",
        "print $_probe_arg1",
        "kill",
    ];
    let mut gdb = Command::new("timeout");
    gdb.args(["-s", "KILL", "60", "gdb", "-q", "-nx", "-batch"]);
    for command in commands {
        gdb.args(["-ex", command]);
    }
    let shown = said(gdb.env("DD_TRACE_AGENT_URL", agent.url()).arg(folder.join("tests-hosts-script-c")));
    let _ = std::fs::remove_file(script);
    for probe in PROBES {
        assert!(shown.contains(&format!("spanwire {probe}")), "{probe} is not listed:\n{shown}");
    }
    let values: Vec<&str> = shown.lines().filter(|line| line.starts_with('$')).collect();
    // Two arguments; the low half of the trace id; the agent's status.
    assert_eq!(values, ["$1 = 2", "$2 = 77", "$3 = 200"], "{shown}");
}
