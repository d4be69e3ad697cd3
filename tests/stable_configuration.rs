//! Stable configuration files, as a host sees them: which values hold, and what the log says of parts that cannot be used.

mod support;

use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use support::hosts::{host, require};

const LOCAL: &str = "config_id: host-7
apm_configuration_default:
  DD_SERVICE: local
  DD_ENV: local
  DD_TRACE_DEBUG: maybe
  DD_PROFILING_ENABLED: true
apm_config: {}
rules:
- selectors:
  - {origin: process_arguments, operator: suffix_matches, matches: [turning_on-c]}
  - {origin: environment_variables, key: ROLE, operator: prefix_matches, matches: [web]}
  configuration:
    DD_VERSION: \"{{ environment_variables[ROLE] }}\"
";
const FLEET: &str = "config_id: fleet-9\napm_configuration_default: {DD_SERVICE: fleet}\n";

/// A folder that is removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("spanwire-stable-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn both_files_set_what_they_may_and_each_fault_is_one_warning_with_its_line() {
    let folder = Folder::new("both");
    let (local, fleet) = (folder.file("local.yaml", LOCAL), folder.file("fleet.yaml", FLEET));
    let Some(host) = host("turning_on.c") else { return };
    let host = host.env("ROLE", "web-1").env("DD_ENV", "env").env("DD_SERVICE", "env");
    let host = host.env("SPANWIRE_STABLE_CONFIG_LOCAL", &local).env("SPANWIRE_STABLE_CONFIG_FLEET", &fleet);
    let ran = host.agent("http://127.0.0.1:1").env("DD_TRACE_STARTUP_LOGS", "false").run();
    let config = ran.object("config");
    let entry = |value, origin, id| json!({ "value": value, "origin": origin, "config_id": id });
    assert_eq!(config["settings"]["DD_SERVICE"], entry("fleet", "fleet_stable_config", "fleet-9"));
    assert_eq!(config["settings"]["DD_VERSION"], entry("web-1", "local_stable_config", "host-7"));
    assert_eq!(config["settings"]["DD_ENV"], json!({ "value": "env", "origin": "env" }));
    assert_eq!((config["service"].as_str(), config["dd_version"].as_str()), (Some("fleet"), Some("web-1")));
    for part in [
        format!("DD_TRACE_DEBUG=maybe origin=local_stable_config; {local}:5: not a yes or no"),
        format!("SPANWIRE_STABLE_CONFIG_LOCAL={local}:7 origin=local_stable_config; the key apm_config is not known"),
    ] {
        assert_eq!(ran.stderr.matches(&part).count(), 1, "{part}\n{}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("setting rejected").count(), 2, "{}", ran.stderr);
}

/// A FIFO without a writer would block a plain open for ever.
#[test]
fn a_fifo_in_the_place_of_a_file_blocks_no_start() {
    let folder = Folder::new("fifo");
    let fifo = folder.0.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let Some(host) = host("turning_on.c") else { return };
    let host = host.env("SPANWIRE_STABLE_CONFIG_FLEET", fifo.display()).env("DD_TRACE_STARTUP_LOGS", "false");
    let ran = host.agent("http://127.0.0.1:1").run();
    assert_eq!(ran.object("config")["service"], "tests-hosts-turning_on-c");
    assert!(ran.stderr.contains("fifo origin=fleet_stable_config; accepted is a file; this is none"), "{}", ran.stderr);
}

/// The paths that users know, in a file system that the machine does not see.
#[test]
fn the_files_of_the_machine_are_read_without_any_setting() {
    // SAFETY: takes no arguments and cannot fail.
    if unsafe { libc::geteuid() } != 0 || !require("unshare") {
        return;
    }
    let folder = Folder::new("machine");
    folder.file("local.yaml", LOCAL);
    folder.file("fleet.yaml", FLEET);
    let script = "stable=/etc/datadog-agent/managed/datadog-agent/stable && mount -t tmpfs none /etc && mkdir -p \"$stable\" && \
                  cp \"$0/local.yaml\" /etc/datadog-agent/application_monitoring.yaml && \
                  cp \"$0/fleet.yaml\" \"$stable/application_monitoring.yaml\" && exec \"$@\"";
    let path = folder.0.display().to_string();
    let Some(host) = host("turning_on.c") else { return };
    let host = host.under(&["unshare", "-m", "sh", "-c", script, &path]);
    let host = host.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").agent("http://127.0.0.1:1");
    let ran = host.clone().run();
    let config = ran.object("config");
    assert_eq!(config["settings"]["DD_SERVICE"]["origin"], "fleet_stable_config", "{}", ran.stderr);
    assert_eq!(config["settings"]["DD_ENV"]["value"], "local");
    assert!(ran.stderr.contains("/etc/datadog-agent/application_monitoring.yaml:5: not a yes or no"), "{}", ran.stderr);
    let off = host.env("DD_APPLICATION_MONITORING_CONFIG_FILE_ENABLED", "false").run();
    assert_eq!(off.object("config")["service"], "tests-hosts-turning_on-c");
}
