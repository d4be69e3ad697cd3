//! How users of each language turn on debug mode and logs, through the C API: names, precedence, levels, and the
//! resulting files. The unit tests of the settings check every name; these tests follow a setting to a line in the log.

mod support;

use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use support::faults::{always, Reply};
use support::hosts::{host, Host, Outcome};
use support::log::{records, Record};

/// A folder for a test; removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("spanwire-turning-on-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    /// Returns the names of its files, sorted.
    fn names(&self) -> Vec<String> {
        names_in(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn mode_of(path: &str) -> u32 {
    fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

/// Runs a host in this language with these settings in code against a good Agent.
fn run(language: &str, code: &[(&str, &str)], more: impl FnOnce(Host) -> Host) -> Option<Outcome> {
    let agent = always(Reply::Ok).start();
    let mut host = host("turning_on.c")?.agent(&agent.url()).arg(format!("SPANWIRE_LANGUAGE={language}"));
    for (name, value) in code {
        host = host.arg(format!("{name}={value}"));
    }
    Some(more(host).run().ok())
}

fn debug(host: Host) -> Host {
    host.env("DD_TRACE_DEBUG", "true")
}

#[test]
fn debug_mode_shows_what_the_http_client_does() {
    let sinks = [("SPANWIRE_LOG_SINKS", "stderr")];
    // PHP's lines do not name loggers.
    for (language, logger) in [("native", "ureq: "), ("php", "[debug] "), ("python", "ureq"), ("jvm", " ureq - ")] {
        let Some(ran) = run(language, &sinks, debug) else { return };
        let of_client = |line: &str| line.contains(logger) && line.contains("POST http://127.0.0.1:");
        assert!(ran.stderr.lines().any(of_client), "{language}: {}", ran.stderr);
    }
    let Some(ran) = run("native", &sinks, |host| host) else { return };
    assert!(!ran.stderr.contains("ureq"), "without debug mode: {}", ran.stderr);
    // At trace the client would write the head of a request in hexadecimal. It begins with "POST".
    let Some(ran) = run("native", &sinks, |host| debug(host).env("DD_TRACE_LOG_LEVEL", "trace")) else { return };
    assert!(ran.stderr.contains("ureq") && !ran.stderr.contains("504f 5354"), "{}", ran.stderr);
}

#[test]
fn javas_property_turns_debug_mode_on_whatever_the_environment_says() {
    let code = [("dd.trace.debug", "true"), ("SPANWIRE_LOG_SINKS", "stderr")];
    let Some(ran) = run("jvm", &code, |host| host.env("DD_TRACE_DEBUG", "false")) else { return };
    let config = ran.object("config");
    assert_eq!(config["settings"]["DD_TRACE_DEBUG"], json!({ "value": "true", "origin": "code" }));
    assert!(ran.stderr.contains("] DEBUG datadog.trace.agent."), "{}", ran.stderr);
}

#[test]
fn javas_log_file_is_made_with_its_folders_and_begins_anew() {
    let folder = Folder::new("java");
    let name = folder.path("a/b/dd.log");
    let code = [("datadog.slf4j.simpleLogger.logFile", name.as_str()), ("DD_LOG_FORMAT_JSON", "true")];
    let Some(ran) = run("java", &code, debug) else { return };
    assert!(!ran.stderr.contains("DEBUG"), "{}", ran.stderr);
    let first = folder.read("a/b/dd.log");
    assert!(first.starts_with("{\"origin\":\"dd.trace\""), "{first}");
    run("java", &code[..1], debug);
    let second = folder.read("a/b/dd.log");
    assert!(second.contains(" DEBUG datadog.") && !second.contains("\"origin\":\"dd.trace\""), "{second}");
    let out = [("datadog.slf4j.simpleLogger.logFile", "System.out")];
    let Some(ran) = run("java", &out, debug) else { return };
    assert!(ran.stdout.contains(" DEBUG datadog.") && !ran.stderr.contains("DEBUG"), "{}", ran.stdout);
}

#[test]
fn phps_ini_names_turn_debug_mode_on_and_no_other_user_reads_its_file_unless_it_is_opened_to_them() {
    let folder = Folder::new("php");
    let file = folder.path("dd.log");
    let ini = [("default:datadog.trace.debug", "1"), ("default:datadog.trace.log_file", file.as_str())];
    let Some(ran) = run("php", &ini, |host| host.under(&["sh", "-c", "umask 0; exec \"$0\" \"$@\""])) else { return };
    let config = ran.object("config");
    assert_eq!(config["settings"]["DD_TRACE_DEBUG"]["origin"], "code_default");
    assert!(folder.read("dd.log").contains("[ddtrace]"), "{}", folder.read("dd.log"));
    assert_eq!(mode_of(&file), 0o600);
    fs::remove_file(&file).expect("the log file");
    let opened = [ini[0], ini[1], ("default:SPANWIRE_LOG_FILE_MODE", "0666")];
    run("php", &opened, |host| host.under(&["sh", "-c", "umask 077; exec \"$0\" \"$@\""]));
    assert_eq!(mode_of(&file), 0o666);
}

#[test]
fn a_name_of_another_language_is_a_warning_that_says_what_was_meant() {
    let Some(ran) = run("native", &[("dd.trace.debug", "true")], |host| host) else { return };
    assert_eq!(ran.object("config")["debug"], false);
    assert!(ran.stderr.contains("DD_TRACE_DEBUG was probably meant"), "{}", ran.stderr);
}

#[test]
fn dotnets_files_are_in_the_folder_and_old_ones_are_deleted() {
    let folder = Folder::new("dotnet");
    for (name, days) in [("dotnet-tracer-managed-old-1.log", 33), ("dotnet-tracer-managed-new-1.log", 31)] {
        let file = fs::File::create(folder.0.join(name)).expect("a file");
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 86_400)).expect("its time");
    }
    let json = folder.path("datadog.json");
    fs::write(&json, "{\"DD_TRACE_DEBUG\": true, \"DD_SERVICE\": \"shop\"}").expect("a file");
    let logs = folder.0.display().to_string();
    let code = [
        ("default:DD_TRACE_CONFIG_FILE", json.as_str()),
        ("default:DD_TRACE_LOG_DIRECTORY", logs.as_str()),
        ("SPANWIRE_LOG_DIALECT", "dotnet@source"),
    ];
    let Some(ran) = run("dotnet", &code, |host| host) else { return };
    assert_eq!(ran.object("config")["settings"]["DD_SERVICE"], json!({ "value": "shop", "origin": "file" }));
    let names = folder.names();
    assert!(names.contains(&"dotnet-tracer-managed-new-1.log".into()), "{names:?}");
    assert!(!names.contains(&"dotnet-tracer-managed-old-1.log".into()), "{names:?}");
    let ours = names.iter().find(|name| name.starts_with("dotnet-tracer-managed-") && !name.contains("-new-"));
    let text = folder.read(ours.expect("a file of managed code"));
    assert!(text.contains("[DBG]"), "{text}");
    assert_eq!(ran.stderr, "", "nothing goes elsewhere");
}

#[test]
fn a_folder_that_cannot_be_used_is_replaced_by_the_temporary_one_with_one_warning() {
    let folder = Folder::new("fallback");
    let elsewhere = folder.0.display().to_string();
    let bad = [("DD_TRACE_LOG_DIRECTORY", "/proc/no/such")];
    let Some(ran) = run("dotnet", &bad, |host| debug(host).env("TMPDIR", &elsewhere)) else { return };
    let names: Vec<String> =
        folder.names().into_iter().filter(|name| name.starts_with("dotnet-tracer-managed-")).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(folder.read(&names[0]).contains("[DBG]"));
    assert_eq!(ran.stderr.matches("/proc/no/such").count(), 1, "{}", ran.stderr);
}

#[test]
fn gos_folder_must_exist_else_records_stay_on_standard_error() {
    let folder = Folder::new("go");
    let logs = folder.0.display().to_string();
    let Some(ran) = run("go", &[("WithDebugMode", "true"), ("DD_TRACE_LOG_DIRECTORY", &logs)], |host| host) else {
        return;
    };
    assert_eq!(folder.names(), ["ddtrace.log"]);
    assert!(folder.read("ddtrace.log").contains(" DEBUG: ") && !ran.stderr.contains(" DEBUG: "));
    assert_eq!(mode_of(&folder.path("ddtrace.log")), 0o600);
    let missing = folder.path("missing");
    let Some(ran) = run("go", &[("DD_TRACE_LOG_DIRECTORY", &missing)], debug) else { return };
    assert!(ran.stderr.contains(" DEBUG: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("/missing/ddtrace.log cannot be written").count(), 1, "{}", ran.stderr);
    assert_eq!(folder.names(), ["ddtrace.log"]);
}

#[test]
fn pythons_file_is_rotated_at_its_size_and_one_older_one_is_kept() {
    let folder = Folder::new("python");
    let sized = |host: Host| {
        let host = host.env("DD_TRACE_LOG_FILE", "ddtrace_logs.log").env("DD_TRACE_LOG_FILE_SIZE_BYTES", "1000");
        host.env("DD_TRACE_LOG_STREAM_HANDLER", "false").env("LINES", 100).folder(&folder.0)
    };
    let Some(ran) = run("python", &[], sized) else { return };
    let files: Vec<String> = folder.names().into_iter().filter(|name| !name.ends_with(".lock")).collect();
    assert_eq!(files, ["ddtrace_logs.log", "ddtrace_logs.log.1"]);
    for file in files {
        let size = folder.read(&file).len();
        assert!(size > 0 && size <= 1000, "{file}: {size}");
    }
    assert!(!ran.stderr.contains("a line of the host's"), "{}", ran.stderr);
}

#[test]
fn the_file_can_take_less_than_the_console() {
    let folder = Folder::new("level");
    let file = folder.path("ddtrace.log");
    let settings = [("DD_TRACE_LOG_FILE", file.as_str()), ("DD_TRACE_LOG_FILE_LEVEL", "WARNING")];
    let Some(ran) = run("python", &settings, |host| debug(host).env("LINES", 1)) else { return };
    let text = folder.read("ddtrace.log");
    assert!(text.contains("a line of the host's") && !text.contains(" DEBUG "), "{text}");
    assert!(ran.stderr.contains(" DEBUG ") && ran.stderr.contains("a line of the host's"), "{}", ran.stderr);
}

#[test]
fn a_wrong_level_is_told_in_ddtraces_words() {
    let Some(ran) = run("python", &[], |host| host.env("DD_TRACE_LOG_LEVEL", "loud")) else { return };
    let sentence = "DD_TRACE_LOG_LEVEL is invalid (LOUD). Default log level will be used. \
                    Must be NOTSET/DEBUG/INFO/WARNING/ERROR/CRITICAL.";
    assert!(ran.stderr.contains(sentence), "{}", ran.stderr);
}

#[test]
fn nodes_level_bounds_debug_mode() {
    let said = |level: &str| {
        let sinks = [("SPANWIRE_LOG_SINKS", "stderr")];
        let ran = run("nodejs", &sinks, |host| debug(host).env("DD_TRACE_LOG_LEVEL", level).env("LINES", 1))?;
        Some((ran.stderr.contains("checkout"), ran.stderr.contains("a line of the host's")))
    };
    let Some(everything) = said("20") else { return };
    assert_eq!(everything, (true, true));
    assert_eq!((said("40"), said("error")), (Some((false, true)), Some((false, false))));
}

/// Returns the loggers of the lines that a Python host's spans cause after these commands.
fn loggers(name: &str, commands: &str, variables: &[(&str, &str)]) -> Option<Vec<String>> {
    let agent = always(Reply::Ok).start();
    let spans = "start\tcheckout\tshop\tGET\tweb\t0\t0\t0\t0\nchild\tpayment\nfinish\t0\nfinish\t0\n";
    let script = format!("set\tSPANWIRE_LANGUAGE\tpython\nnew\n{commands}{spans}poll\nshutdown\t2000\n");
    // Without the start-up line, whose time depends on the Agent.
    let host = host("script.c")?.agent(&agent.url()).input(&script).env("DD_TRACE_STARTUP_LOGS", "false");
    let mut host = host.env("SPANWIRE_LOG_SINKS", "ring");
    for (name, value) in variables {
        host = host.env(name, value);
    }
    let mut seen: Vec<String> = records(&host.run().ok()).into_iter().map(|Record { logger, .. }| logger).collect();
    seen.sort();
    seen.dedup();
    println!("{name}: {seen:?}");
    Some(seen)
}

#[test]
fn pythons_logging_library_turns_debug_lines_on_and_off_by_logger() {
    const DEBUG: &str = "4";
    const WARNING: &str = "2";
    let rule = |logger: &str, level: &str| format!("logger\t{logger}\t{level}\n");
    let (tracer, processor) = ("ddtrace.tracer", "ddtrace.internal.processor.trace");
    let Some(nothing) = loggers("nothing set", "", &[]) else { return };
    assert_eq!(nothing, [""; 0]);
    let scenario_5 = loggers("scenario 5", &rule(tracer, DEBUG), &[]);
    assert_eq!(scenario_5, Some(vec![tracer.to_string()]));
    let root = loggers("root logger", &rule("root", DEBUG), &[]).unwrap_or_default();
    assert!(root.contains(&tracer.to_string()) && root.contains(&processor.to_string()), "{root:?}");
    let overridden = rule("root", DEBUG) + &rule("ddtrace", WARNING);
    assert_eq!(loggers("root overridden", &overridden, &[]), Some(Vec::new()));
    let chosen = loggers("a level of its own", &rule("root", DEBUG), &[("DD_TRACE_LOG_LEVEL", "WARNING")]);
    assert_eq!(chosen, Some(Vec::new()), "the root logger's level holds only where none was chosen");
    let variable = loggers("its variable", "", &[("_DD_INTERNAL_PROCESSOR_LOG_LEVEL", "DEBUG")]);
    assert_eq!(variable, Some(vec![processor.to_string()]));
}

#[test]
fn a_setting_that_has_no_effect_yet_is_named_once() {
    let said = "settings not supported yet: DD_TRACE_AGENT_TIMEOUT, DD_SERVICE_MAPPING";
    for language in ["native", "java", "python", "ruby", "go", "nodejs", "php"] {
        let code = [("DD_SERVICE_MAPPING", "a:b")];
        let Some(ran) = run(language, &code, |host| host.env("DD_TRACE_AGENT_TIMEOUT", "5")) else { return };
        assert_eq!(ran.stderr.matches(said).count(), 1, "{language}: {}", ran.stderr);
        assert!(!ran.stderr.contains("no such setting"), "{language}: {}", ran.stderr);
    }
}
