//! A PHP service on spanwire: php-fpm with the extension, behind nginx.

use crate::extension::Php;
use crate::hops::{limited, Service};
use crate::support::agent::TestAgent;
use crate::support::free_ports;
use crate::support::hosts::{require, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Both servers. They end when this is dropped.
pub struct Fpm {
    /// What takes the requests: nginx.
    pub service: Service,
    _fpm: Service,
    _folder: Folder,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Fpm {
    /// Starts both with the hop of `hops.rs`; `None` if one of them is missing.
    pub fn start(php: &Php, agent: &TestAgent) -> Option<Fpm> {
        Fpm::serve(php, agent, &root().join("tests/distributed/hop.php"), &[], &[])
    }

    /// Starts both with a script that takes all requests, and with more settings for php.ini and variables of the
    /// environment; `None` if one is missing.
    pub fn serve(
        php: &Php,
        agent: &TestAgent,
        script: &Path,
        settings: &[String],
        environment: &[(&str, String)],
    ) -> Option<Fpm> {
        if !["php-fpm8.2", "nginx"].iter().all(|tool| require(tool)) {
            return None;
        }
        let (port, fpm_port) = (free_ports(1), free_ports(1));
        let folder = std::env::temp_dir().join(format!("spanwire-fpm-{port}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for php-fpm and nginx");
        let folder = Folder(folder);
        let mut fpm = fpm(php, &folder.0, fpm_port, settings);
        fpm.envs(environment.iter().map(|(name, value)| (name, value)));
        let fpm = Service::start_at("php", fpm_port, fpm, agent);
        let service = nginx(&folder.0, port, fpm_port, script, agent);
        Some(Fpm { service, _fpm: fpm, _folder: folder })
    }

    /// Returns what PHP has logged.
    pub fn log(&self) -> String {
        self._fpm.log()
    }
}

pub fn is_root() -> bool {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn fpm(php: &Php, folder: &Path, port: u16, settings: &[String]) -> Command {
    let user = if is_root() { "user = root\ngroup = root" } else { "" };
    // A request that comes to this service twice on its way needs two workers at a time.
    let text = format!(
        "[global]\nerror_log = /dev/stderr\ndaemonize = no\n[www]\nlisten = 127.0.0.1:{port}\n{user}\nclear_env = no\n\
         catch_workers_output = yes\npm = static\npm.max_children = 4\npm.max_requests = 3\n"
    );
    let configuration = folder.join("fpm.conf");
    std::fs::write(&configuration, text).expect("php-fpm's configuration");
    let mut command = limited("php-fpm8.2");
    command
        .args(php.arguments())
        .args(settings.iter().flat_map(|setting| ["-d", setting]))
        .args(["--nodaemonize", "--fpm-config"])
        .arg(configuration);
    if is_root() {
        command.arg("-R");
    }
    command
}

fn nginx(folder: &Path, port: u16, fpm_port: u16, script: &Path, agent: &TestAgent) -> Service {
    let user = if is_root() { "user root;" } else { "" };
    let folder = folder.display();
    let text = format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/stderr; {user}\nevents {{}}\n\
         http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;\n\
         fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ fastcgi_pass 127.0.0.1:{fpm_port};\n\
         fastcgi_param SCRIPT_FILENAME {}; fastcgi_param REQUEST_METHOD $request_method;\n\
         fastcgi_param REQUEST_URI $request_uri; fastcgi_param SERVER_NAME $host;\n\
         fastcgi_param SCRIPT_NAME /index.php; fastcgi_param SERVER_PROTOCOL $server_protocol; fastcgi_param QUERY_STRING $query_string; }} }} }}\n",
        script.display(),
    );
    let configuration = PathBuf::from(format!("{folder}/nginx.conf"));
    std::fs::write(&configuration, text).expect("nginx's configuration");
    let mut command = limited("nginx");
    command.arg("-c").arg(configuration);
    Service::start_at("php", port, command, agent)
}
