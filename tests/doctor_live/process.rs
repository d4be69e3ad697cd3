//! `spanwire doctor --pid` on real processes: hosts of the library, a program without it, php and php-fpm. Agents are the
//! fault agent and none at all; networks of their own have Agents at ports that the machine may use.

use super::plant::{doctor, mode, Folder};
use super::support::agent::TestAgent;
use super::support::faults::{always, FaultAgent, Reply};
use super::support::hosts::{compile_c, require, root, Host};
use super::support::{free_ports, remote, wait_until};
use super::{examine, Seen};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that runs until this is dropped.
struct Running(Child);

impl Running {
    /// Starts a program with nothing but these variables in its environment.
    fn start(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Running(command.spawn().expect("the program starts"))
    }

    /// Starts a host of the library, and waits until it has tried to send its spans.
    fn host(arguments: &[&str], environment: &[(&str, &str)]) -> Option<Running> {
        if !require("gcc") {
            return None;
        }
        let program = compile_c(&root().join("tests/hosts/examined.c"));
        let quiet = [("DD_TRACE_STARTUP_LOGS", "false"), ("SPANWIRE_LOG_SINKS", "ring")];
        let environment: Vec<_> = quiet.into_iter().chain(environment.iter().copied()).collect();
        let mut host = Running::start(&program.display().to_string(), arguments, &environment);
        host.line("ready");
        Some(host)
    }

    /// Waits for a line.
    #[track_caller]
    fn line(&mut self, wanted: &str) {
        let mut line = String::new();
        let read = BufReader::new(self.0.stdout.as_mut().expect("its output")).read_line(&mut line);
        assert_eq!(line.trim_end(), wanted, "{read:?}");
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn doctor(&self) -> Host {
        doctor().arg("--pid").arg(self.pid())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program without the library.
fn sleeper(environment: &[(&str, &str)]) -> Running {
    let process = Running::start("sleep", &["100"], environment);
    // Until then it is a copy of the test.
    let program = format!("/proc/{}/exe", process.pid());
    let runs =
        || std::fs::read_link(&program).is_ok_and(|to| !to.ends_with(std::env::current_exe().unwrap_or_default()));
    assert!(wait_until(Duration::from_secs(10), runs), "sleep does not run");
    process
}

#[track_caller]
fn answers(seen: &Seen) -> [&str; 3] {
    ["started", "spans", "delivered"].map(|name| seen.json["facts"]["answers"][name].as_str().unwrap_or("none"))
}

fn unused_url() -> String {
    format!("http://127.0.0.1:{}", free_ports(1))
}

/// Runs work on a thread that has a network of its own, with nothing but a loopback. Does nothing without the right to
/// make one.
fn in_own_network(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        // SAFETY: calls without pointers, or with a structure that outlives the call.
        let made = unsafe {
            libc::unshare(libc::CLONE_NEWNET) == 0 && {
                let mut up: libc::ifreq = std::mem::zeroed();
                up.ifr_name[0] = b'l' as libc::c_char;
                up.ifr_name[1] = b'o' as libc::c_char;
                up.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
                let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
                let done = libc::ioctl(socket, libc::SIOCSIFFLAGS, &up) == 0;
                libc::close(socket);
                done
            }
        };
        let insists = std::env::var_os("SPANWIRE_REQUIRE_HOSTS").is_some_and(|value| value == "1");
        assert!(made || !insists, "a network of its own needs root");
        if !made {
            eprintln!("skipped: only root may make a network");
            return;
        }
        work();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn agent() -> FaultAgent {
    always(Reply::Ok).start()
}

#[test]
fn a_process_that_sends_is_found_well_and_its_spans_are_counted() {
    let agent = agent();
    let Some(host) = Running::host(&["7"], &[("DD_TRACE_AGENT_URL", &agent.url()), ("DD_SERVICE", "shop")]) else {
        return;
    };
    assert!(wait_until(Duration::from_secs(10), || agent.accepted().distinct() == 7));
    let seen = examine(host.doctor());
    assert_eq!((seen.status, answers(&seen)), (0, ["yes"; 3]), "{}", seen.text);
    let facts = &seen.json["facts"];
    let counters = &facts["tracers"][0]["counters"];
    assert_eq!((&counters["finished"], &counters["sent"], &facts["open_spans"]), (&7.into(), &7.into(), &1.into()));
    assert_eq!((&facts["process"]["pid"], &facts["agent_url"]), (&host.pid().into(), &agent.url().into()));
    assert_eq!(facts["process"]["spanwire"], env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.finding("spans.open")["standing"], "note");
    seen.says(&["8 spans started, 7 finished", "the Agent accepted 7 spans", "service shop", "1 span is open"]);
}

#[test]
fn settings_in_code_are_those_of_the_process_and_not_what_its_environment_says() {
    let (agent, wrong) = (agent(), unused_url());
    let url = format!("DD_TRACE_AGENT_URL={}", agent.url());
    let code = ["3", &url, "default:DD_SERVICE=of-code", "DD_ENV=staging"];
    let Some(host) = Running::host(&code, &[("DD_TRACE_AGENT_URL", &wrong), ("DD_ENV", "prod")]) else { return };
    let seen = examine(host.doctor());
    assert_eq!(seen.status, 0, "{}", seen.text);
    let settings = &seen.json["facts"]["settings"];
    let of = |name: &str| (settings[name]["value"].clone(), settings[name]["origin"].clone());
    assert_eq!(of("DD_TRACE_AGENT_URL"), (agent.url().into(), "code".into()));
    assert_eq!(of("DD_SERVICE"), ("of-code".into(), "code_default".into()));
    assert_eq!(of("DD_ENV"), ("staging".into(), "code".into()));
    // A process that has the same environment, and no code of ours.
    let other = sleeper(&[("DD_TRACE_AGENT_URL", &wrong)]);
    examine(other.doctor()).only("agent.down");
}

#[test]
fn spans_that_wait_and_spans_that_were_dropped_are_told() {
    let Some(host) = Running::host(&["5"], &[("DD_TRACE_AGENT_URL", &unused_url())]) else { return };
    let seen = examine(host.doctor()).only("agent.down");
    assert_eq!(answers(&seen), ["yes", "yes", "no"]);
    assert_eq!(seen.json["facts"]["tracers"][0]["counters"]["finished"], 5);
    seen.says(&["5 spans are waiting: the last attempt to send failed", "connection refused"]);

    let refusing = always(Reply::Status(400, "")).start();
    let Some(host) = Running::host(&["5"], &[("DD_TRACE_AGENT_URL", &refusing.url())]) else { return };
    let dropped = || {
        let seen = examine(host.doctor());
        (seen.json["facts"]["tracers"][0]["counters"]["dropped_refused"] == 5).then_some(seen)
    };
    let mut seen = None;
    assert!(wait_until(Duration::from_secs(20), || {
        seen = dropped();
        seen.is_some()
    }));
    let seen = seen.expect("a report").only("agent.http_other");
    assert_eq!(answers(&seen), ["yes", "yes", "no"]);
    seen.says(&["5 spans dropped: the Agent refused them (status 400)"]);
}

#[test]
fn a_process_without_spans_and_a_fork_that_made_no_call_are_told_apart() {
    let agent = agent();
    let Some(host) = Running::host(&["0"], &[("DD_TRACE_AGENT_URL", &agent.url())]) else { return };
    let seen = examine(host.doctor());
    assert_eq!((seen.status, answers(&seen)), (0, ["yes", "no", "unknown"]), "{}", seen.text);
    assert_eq!(seen.finding("spans.not_made")["standing"], "note");

    let program = compile_c(&root().join("tests/hosts/recorder.c")).display().to_string();
    let mut parent =
        Running::start(&program, &["child"], &[("DD_TRACE_AGENT_URL", &agent.url()), ("SPANWIRE_LOG_SINKS", "ring")]);
    let mut line = String::new();
    let read = BufReader::new(parent.0.stdout.as_mut().expect("its output")).read_line(&mut line);
    let ready: serde_json::Value = serde_json::from_str(line.trim_start_matches("ready ")).unwrap_or_default();
    let child = ready["child"].as_u64().unwrap_or_else(|| panic!("{read:?} {line}"));
    let seen = examine(doctor().arg("--pid").arg(child));
    assert_eq!(answers(&seen), ["unknown"; 3], "{}", seen.text);
    seen.says(&[&format!("was forked from process {}", parent.pid()), "has not called the library since"]);
}

#[test]
fn a_process_without_the_library_is_examined_by_its_environment() {
    let agent = agent();
    let url = agent.url();
    let secret = "0123456789abcdef0123456789abcdef";
    let process =
        sleeper(&[("DD_TRACE_AGENT_URL", &url), ("DD_API_KEY", secret), ("DD_TAGS", "password:hunter2,team:web")]);
    let seen = examine(process.doctor());
    assert_eq!((seen.status, answers(&seen)), (0, ["unknown"; 3]), "{}", seen.text);
    assert_eq!(seen.json["facts"]["process"]["spanwire"], serde_json::Value::Null);
    assert_eq!(seen.json["facts"]["trace"]["status"], 200);
    let all = format!("{}{}", seen.text, seen.json);
    assert!(!all.contains(secret) && !all.contains("hunter2"), "{all}");
    seen.says(&["no flight recorder", &url, "service sleep", "team:web"]);

    let off = sleeper(&[("DD_TRACE_AGENT_URL", &url), ("DD_TRACE_ENABLED", "0"), ("DD_SERVCIE", "shop")]);
    let seen = examine(off.doctor());
    assert_eq!(seen.causes, ["setting.misspelt", "tracing.disabled"], "{}", seen.text);
    let bad = sleeper(&[("DD_TRACE_AGENT_URL", "http://u:hunter2@agent.invalid:8126")]);
    let seen = examine(bad.doctor()).only("agent.name_not_resolved");
    assert!(!format!("{}{}", seen.text, seen.json).contains("hunter2"), "{}", seen.text);
    // The option asks another Agent, and says so.
    let seen = examine(bad.doctor().arg("--url").arg(&url));
    assert_eq!(seen.status, 0, "{}", seen.text);
    seen.says(&["without --url, traces would go to http://agent.invalid:8126"]);
}

#[test]
fn a_wrong_port_is_named_only_if_an_agent_is_found_at_another_one() {
    in_own_network(|| {
        let process = sleeper(&[("DD_TRACE_AGENT_URL", "http://127.0.0.1:8999")]);
        let seen = examine(process.doctor()).only("agent.down");
        assert_eq!(seen.json["facts"]["agent_found"], serde_json::Value::Null);
        seen.says(&[
            "nothing answers at http://127.0.0.1:8126 either",
            "nothing answers at http://127.0.0.1:8136 either",
        ]);
        // A server that is not an Agent does not make the port wrong.
        let _other = std::net::TcpListener::bind(("127.0.0.1", 8126)).expect("a port");
        let agent = always(Reply::Ok).start_on(8136);
        let seen = examine(process.doctor()).only("agent.wrong_port");
        assert_eq!(seen.json["facts"]["agent_found"], "http://127.0.0.1:8136");
        seen.says(&[
            "An Agent answers at http://127.0.0.1:8136: the port is wrong",
            "DD_TRACE_AGENT_URL=http://127.0.0.1:8136",
        ]);
        examine(doctor().agent("http://127.0.0.1:8999")).only("agent.wrong_port");
        // An Agent at another host is told, but this host's port is not wrong.
        let elsewhere = sleeper(&[("DD_TRACE_AGENT_URL", "unix:///no/such/apm.socket")]);
        examine(elsewhere.doctor()).only("agent.socket_missing").says(&["An Agent answers at http://127.0.0.1:8136"]);
        drop(agent);
    });
}

#[test]
fn host_and_port_that_a_url_overrides_are_tried() {
    let agent = agent();
    let port = agent.url().rsplit(':').next().unwrap_or_default().to_owned();
    let environment =
        [("DD_TRACE_AGENT_URL", unused_url()), ("DD_AGENT_HOST", "127.0.0.1".into()), ("DD_TRACE_AGENT_PORT", port)];
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let seen = examine(sleeper(&environment).doctor()).only("agent.wrong_port");
    seen.says(&[&format!("An Agent answers at {}", agent.url())]);
}

#[test]
fn the_agent_is_asked_from_the_network_of_the_process() {
    let (to_tell, told) = std::sync::mpsc::channel();
    let (to_end, ended) = std::sync::mpsc::channel::<()>();
    let network = std::thread::spawn(move || {
        in_own_network(move || {
            let agent = always(Reply::Ok).start_on(8126);
            let process = sleeper(&[("DD_TRACE_AGENT_URL", "http://127.0.0.1:8126")]);
            let _ = to_tell.send(process.pid());
            let _ = ended.recv();
            assert!(!agent.received().is_empty(), "the test trace did not arrive");
        });
    });
    // This thread has the network of the machine.
    if let Ok(pid) = told.recv() {
        let seen = examine(doctor().arg("--pid").arg(pid));
        assert_eq!(seen.status, 0, "{}", seen.text);
        assert_eq!(seen.finding("trace.accepted")["standing"], "good");
    }
    drop(to_end);
    network.join().expect("the network's thread");
}

#[test]
fn permissions_are_those_of_the_user_of_the_process() {
    // SAFETY: takes no arguments and cannot fail.
    if unsafe { libc::geteuid() } != 0 || !require("setpriv") {
        return;
    }
    let folder = Folder::new("process-user");
    let path = folder.path("apm.socket");
    let _agent = UnixListener::bind(&path).expect("a socket");
    mode(&path, 0o700);
    let url = format!("unix://{}", path.display());
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "100"];
    let process = Running::start("setpriv", &user, &[("DD_TRACE_AGENT_URL", &url), ("PATH", "/usr/bin:/bin")]);
    let program = format!("/proc/{}/exe", process.pid());
    let runs = || {
        std::fs::read_link(&program)
            .is_ok_and(|to| to.to_string_lossy().contains("sleep") || to.to_string_lossy().contains("coreutils"))
    };
    assert!(wait_until(Duration::from_secs(10), runs), "sleep does not run");
    let seen = examine(process.doctor()).only("agent.socket_permission");
    assert_eq!(seen.json["facts"]["process"]["uid"], 65_534);
    seen.says(&["requires write permission", "mode 0700"]);
}

#[test]
fn a_process_that_cannot_be_examined_is_an_error_that_says_what_to_do() {
    let process = sleeper(&[]);
    let folder = Folder::new("process-other");
    let refused = |host: Host| {
        let outcome = host.run();
        assert_eq!((outcome.status.code(), outcome.stdout.as_str()), (Some(2), ""), "{}", outcome.stderr);
        outcome.stderr
    };
    // SAFETY: takes no arguments and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        let said = refused(folder.doctor_as_nobody().arg("--pid").arg(process.pid()));
        let wanted = format!("not allowed to look into process {}, which runs as user", process.pid());
        assert!(said.contains(&wanted) && said.contains("run this as that user or as root"), "{said}");
    }
    let said = refused(doctor().arg("--pid").arg(u32::MAX));
    assert!(said.contains("there is no process 4294967295"), "{said}");
    let said = refused(process.doctor().arg("--php-ini"));
    assert!(said.contains("is not PHP") && said.contains("--php-ini FILE"), "{said}");
    let said = refused(doctor().arg("--env").arg("/no/such/file"));
    assert!(said.contains("cannot read /no/such/file"), "{said}");
    let said = refused(doctor().arg("--pid").arg(1).arg("--env").arg("/no/such/file"));
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn a_stopped_process_is_examined_too() {
    let agent = agent();
    let Some(host) = Running::host(&["2"], &[("DD_TRACE_AGENT_URL", &agent.url())]) else { return };
    // SAFETY: a signal to a child that has not been waited for.
    unsafe { libc::kill(host.pid() as libc::pid_t, libc::SIGSTOP) };
    let seen = examine(host.doctor());
    assert_eq!((seen.status, answers(&seen)[1]), (0, "yes"), "{}", seen.text);
}

#[test]
fn sockets_and_files_are_those_in_the_file_system_of_the_process() {
    // SAFETY: takes no arguments and cannot fail.
    if unsafe { libc::geteuid() } != 0 || !require("unshare") {
        return;
    }
    let folder = Folder::new("process-files");
    // A file system that the machine does not see. What runs in it is the companion's receiver, with a socket there.
    let script = "mount -t tmpfs none \"$1\" && mkdir \"$1/real\" && ln -s \"$1/real\" \"$1/link\" && \
                  echo '{\"DD_ENV\":\"of-file\"}' > \"$1/datadog.json\" && exec \"$2\" agent --socket \"$1/link/apm.socket\"";
    let path = folder.path("").display().to_string();
    let path = path.trim_end_matches('/');
    let url = format!("unix://{path}/link/apm.socket");
    let file = format!("{path}/datadog.json");
    let environment = [
        ("DD_TRACE_AGENT_URL", url.as_str()),
        ("DD_TRACE_CONFIG_FILE", &file),
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    ];
    let arguments = ["-m", "sh", "-c", script, "sh", path, env!("CARGO_BIN_EXE_spanwire")];
    let process = Running::start("unshare", &arguments, &environment);
    let socket = format!("/proc/{}/root{path}/real/apm.socket", process.pid());
    assert!(wait_until(Duration::from_secs(10), || std::path::Path::new(&socket).exists()), "no socket");
    let seen = examine(process.doctor());
    assert_eq!(seen.status, 0, "{}", seen.text);
    assert_eq!(seen.json["facts"]["settings"]["DD_ENV"]["value"], "of-file");
    assert_eq!(seen.finding("trace.accepted")["standing"], "good");
    seen.says(&[&format!("{url} accepted a connection")]);
    examine(doctor().agent(&url)).only("agent.socket_missing");
}

#[test]
fn system_properties_of_java_override_the_environment() {
    let (agent, folder) = (agent(), Folder::new("process-java"));
    // What counts is the name of the program.
    let java = folder.path("java");
    super::support::hosts::copy_program(std::path::Path::new("/bin/sh"), &java);
    let url = format!("-Ddd.trace.agent.url={}", agent.url());
    let environment =
        [("JAVA_TOOL_OPTIONS", "-Xmx1g -Ddd.env=qa"), ("DD_ENV", "prod"), ("DD_TRACE_AGENT_URL", "http://no.invalid")];
    let arguments = ["-c", "echo ready; read line", "-jar", "-Ddd.service=shop", &url];
    let mut process = Running::start(&java.display().to_string(), &arguments, &environment);
    process.line("ready");
    let seen = examine(process.doctor());
    assert_eq!(seen.status, 0, "{}", seen.text);
    let of = |name: &str| seen.json["facts"]["settings"][name]["value"].clone();
    assert_eq!(
        (of("DD_SERVICE"), of("DD_ENV"), of("DD_TRACE_AGENT_URL")),
        ("shop".into(), "qa".into(), agent.url().into())
    );
}

#[test]
fn stable_configuration_is_that_in_the_file_system_of_the_process() {
    // SAFETY: takes no arguments and cannot fail.
    if unsafe { libc::geteuid() } != 0 || !require("unshare") {
        return;
    }
    let agent = agent();
    let text = "apm_configuration_default:\n  DD_ENV: stable\n  DD_TRACE_DEBUG: maybe\nrules:\n- selectors:\n  - {origin: \
                process_arguments, operator: equals, matches: [work]}\n  configuration: {DD_VERSION: '{{ language }}'}\nbad: 1\n";
    let script = "mount -t tmpfs none /etc && mkdir /etc/datadog-agent && \
                  echo \"$0\" > /etc/datadog-agent/application_monitoring.yaml && echo ready && read line";
    let url = agent.url();
    let environment = [("DD_TRACE_AGENT_URL", url.as_str()), ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")];
    let mut process = Running::start("unshare", &["-m", "sh", "-c", script, text, "work"], &environment);
    process.line("ready");
    let seen = examine(process.doctor());
    let of = |name: &str| seen.json["facts"]["settings"][name].clone();
    let file = "/etc/datadog-agent/application_monitoring.yaml";
    assert_eq!(of("DD_ENV"), serde_json::json!({ "value": "stable", "origin": "local_stable_config", "place": file }));
    assert_eq!(of("DD_VERSION")["value"], "native", "a rule that matches the command line of the process");
    seen.says(&[
        &format!("DD_TRACE_DEBUG (from {file}) is invalid: \"maybe\" {file}:3: not a yes or no"),
        &format!("the stable configuration file {file}:8: the key bad is not known"),
    ]);
}

#[test]
fn what_remote_configuration_has_set_is_in_force_and_told() {
    let Some(agent) = TestAgent::start() else { return };
    if !require("gcc") {
        return;
    }
    let folder = Folder::new("remote");
    let (program, stop, url) = (compile_c(&root().join("tests/hosts/remote.c")), folder.path("stop"), agent.tcp());
    let environment = [
        ("DD_TRACE_AGENT_URL", url.as_str()),
        ("DD_SERVICE", "shop"),
        ("DD_TRACE_SAMPLE_RATE", "0.5"),
        ("DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS", "0.2"),
        ("SPANWIRE_LOG_SINKS", "ring"),
    ];
    let mut host = Running::start(&program.display().to_string(), &[&stop.display().to_string()], &environment);
    // Takes what it prints, so that it does not wait for a reader.
    let output = host.0.stdout.take().expect("its output");
    std::thread::spawn(move || BufReader::new(output).lines().for_each(drop));
    remote::until_told(&agent, "a first request", |state| state["root_version"] == 1);
    let before = examine(host.doctor());
    assert!(!before.text.contains("remote configuration has set"), "{}", before.text);

    let library = json!({ "tracing_sampling_rate": 0.25, "log_injection_enabled": false });
    let service = json!({ "service": "shop", "env": "*" });
    let offered = json!({ "action": "enable", "service_target": service, "lib_config": library });
    agent.offer_config("datadog/2/APM_TRACING/one/config", &offered);
    remote::until_held(&agent, &[("one", 2, "")]);
    let seen = examine(host.doctor());
    let of = |seen: &Seen, name: &str| seen.json["facts"]["settings"][name].clone();
    let remote = |value: &str| json!({ "value": value, "origin": "remote_config", "place": "remote configuration" });
    assert_eq!(of(&seen, "DD_TRACE_SAMPLE_RATE"), remote("0.25"));
    assert_eq!(of(&seen, "DD_LOGS_INJECTION"), remote("false"));
    seen.says(&[
        "remote configuration has set DD_TRACE_SAMPLE_RATE, DD_LOGS_INJECTION",
        "DD_TRACE_SAMPLE_RATE=0.25; without it 0.5 (environment)",
        "DD_TRACE_SAMPLE_RATE=0.25 (remote configuration)",
        "DD_LOGS_INJECTION=false; without it true (default)",
    ]);

    let off = json!({ "action": "enable", "service_target": service, "lib_config": { "tracing_enabled": false } });
    agent.answer_config(&remote::answer(2, &[("datadog/2/APM_TRACING/two/config", off)]));
    remote::until_held(&agent, &[("two", 2, "")]);
    let seen = examine(host.doctor());
    assert_eq!(of(&seen, "DD_TRACE_SAMPLE_RATE")["origin"], "env");
    assert_eq!(seen.status, 1, "{}", seen.text);
    seen.says(&["tracing is off: DD_TRACE_ENABLED is false (from remote configuration)", "follows with its next poll"]);
}
