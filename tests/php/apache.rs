//! PHP in Apache (mod_php), with its own configuration, port and error log.

use crate::extension::{folder, php, Php, FIVE_SPANS};
use crate::servers::{assert_each_once, counting_agent, Server};
use crate::support;
use crate::support::faults::FaultAgent;
use crate::support::hosts::{require, root};
use crate::support::wait_until;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

const MODULES: &str = "/usr/lib/apache2/modules";

struct Apache {
    server: Server,
    port: u16,
    folder: PathBuf,
}

impl Apache {
    /// Starts Apache; `None` if Apache or its PHP is missing.
    fn start(php: &Php, name: &str, agent: &FaultAgent, ini: &str) -> Option<Apache> {
        if !require("apache2") || !require("mod_php") {
            return None;
        }
        // The workers run as another user, who may have no access to the repository.
        let folder = std::env::temp_dir().join(format!("spanwire-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("htdocs")).expect("a folder for Apache");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("a readable folder");
        let port = support::free_ports(1);
        let settings = format!(
            "extension={}\nspanwire.library={}\ndatadog.trace.agent_url={}\ndatadog.trace.startup_logs=0\n{ini}\n",
            php.extension.display(),
            php.library.display(),
            agent.url()
        );
        std::fs::write(folder.join("php.ini"), settings).expect("PHP's configuration");
        std::fs::write(folder.join("htdocs/five.php"), FIVE_SPANS).expect("a script");
        let configuration = format!(
            "ServerRoot {0}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {0}/pid\nDefaultRuntimeDir {0}\n\
             ErrorLog {0}/error.log\nLoadModule mpm_prefork_module {MODULES}/mod_mpm_prefork.so\n\
             LoadModule authz_core_module {MODULES}/mod_authz_core.so\nLoadModule php_module {MODULES}/libphp8.2.so\n\
             User www-data\nGroup www-data\nStartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 2\n\
             MaxConnectionsPerChild 7\nPHPINIDir {0}\nDocumentRoot {0}/htdocs\n\
             <FilesMatch \\.php$>\nSetHandler application/x-httpd-php\n</FilesMatch>\n",
            folder.display()
        );
        std::fs::write(folder.join("apache.conf"), configuration).expect("Apache's configuration");
        let file = folder.join("apache.conf").display().to_string();
        // In its own session, because it ends its workers by a signal to its whole process group.
        let arguments = ["apache2", "-DFOREGROUND", "-f", &file].map(str::to_owned);
        let server = Server::start("setsid", &arguments, &[("PHP_INI_SCAN_DIR", "")]);
        let apache = Apache { server, port, folder };
        let up = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(wait_until(Duration::from_secs(10), up), "Apache did not come up:\n{}", apache.log());
        Some(apache)
    }

    fn get(&self, path: &str) -> String {
        support::http::request(self.port, "GET", path, b"").expect("Apache answers").text()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("error.log")).unwrap_or_default()
    }

    /// Lets the workers finish and returns the error log. Panics if a worker has crashed.
    fn end(self) -> String {
        let ended = self.server.end(libc::SIGWINCH);
        let log = std::fs::read_to_string(self.folder.join("error.log")).unwrap_or_default();
        let _ = std::fs::remove_dir_all(&self.folder);
        assert!(ended, "Apache did not end:\n{log}");
        assert!(!log.contains("exit signal"), "a worker crashed:\n{log}");
        log
    }
}

#[test]
fn apache_delivers_every_span_once_while_its_workers_are_replaced() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let Some(apache) = Apache::start(php, "apache", &agent, "") else { return };
    for number in 0..20 {
        assert_eq!(apache.get(&format!("/five.php?{number}")), format!("ok {number}"));
    }
    let log = apache.end();
    assert_each_once(&agent, 100);
    assert_eq!(log.lines().filter(|line| line.contains("[php:")).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn apaches_error_log_tells_that_the_log_file_cannot_be_written() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let missing = folder("apache").join("not-there/x.log");
    let ini = format!("datadog.trace.debug=1\ndatadog.trace.log_file={}", missing.display());
    let Some(apache) = Apache::start(php, "apache-log", &agent, &ini) else { return };
    // PHP's own line, not the one that the library wrote to standard error.
    let told = format!("{} cannot be written: its folder does not exist", missing.display());
    let told = |log: &str| log.lines().any(|line| line.contains("[php:") && line.contains(&told));
    // The worker finds out during a request, and logs at the end of a request what was found until then.
    wait_until(Duration::from_secs(5), || {
        assert_eq!(apache.get("/five.php?1"), "ok 1");
        told(&apache.log())
    });
    let log = apache.end();
    assert!(told(&log), "{log}");
}

#[test]
fn requests_of_apache_have_a_root_span_with_the_copied_integration() {
    let Some(php) = php() else { return };
    let agent = counting_agent();
    let copy = std::env::temp_dir().join(format!("spanwire-apache-files-{}", std::process::id()));
    // Its workers run as another user, who may have no access to the repository.
    for part in ["integrations", "src"] {
        std::fs::create_dir_all(copy.join(part)).expect("a folder for the integrations");
        for file in std::fs::read_dir(root().join("bindings/php").join(part)).expect("the integrations").flatten() {
            if file.path().is_file() {
                std::fs::copy(file.path(), copy.join(part).join(file.file_name())).expect("a copy");
            }
        }
    }
    let ini = format!("auto_prepend_file={}/integrations/request.php\ndisplay_errors=0", copy.display());
    let Some(apache) = Apache::start(php, "apache-root", &agent, &ini) else { return };
    let end = root().join("tests/php_integrations/end.php");
    std::fs::copy(end, apache.folder.join("htdocs/end.php")).expect("a script");
    for (number, (end, status)) in [("exit", 200), ("fatal", 500), ("missing", 404)].into_iter().enumerate() {
        let trace = (5 + number).to_string();
        let headers = [("x-datadog-trace-id", trace.as_str()), ("x-datadog-parent-id", "9")];
        let path = format!("/end.php/users/42?end={end}");
        let answer = support::http::get(apache.port, &path, &headers).expect("Apache answers");
        assert_eq!(answer.status, status, "{end}: {}", answer.text());
    }
    apache.end();
    let _ = std::fs::remove_dir_all(copy);
    let mut chunks = agent.chunks();
    chunks.sort_by_key(|chunk| chunk[0].trace_id);
    let told = |spans: &Vec<support::payload::Span>| {
        let root = spans.iter().find(|span| span.name == "web.request").expect("a root span");
        assert!(
            spans.len() == 3 && spans.iter().all(|span| span.parent_id == root.span_id || span == root),
            "{spans:?}"
        );
        assert_eq!(
            (root.trace_id, root.parent_id, root.resource.as_str()),
            (spans[0].trace_id, 9, "GET /end.php/users/?")
        );
        [root.tag("http.status_code"), root.tag("error.type")].map(str::to_owned)
    };
    let expected = [["200", ""], ["500", "Error"], ["404", ""]].map(|pair| pair.map(str::to_owned));
    assert_eq!(chunks.iter().map(told).collect::<Vec<_>>(), expected);
}
