//! The PHP service on spanwire: php-fpm with the extension, behind nginx.

use crate::extension::Php;
use crate::hops::{limited, Service};
use crate::support::agent::TestAgent;
use crate::support::free_ports;
use crate::support::hosts::{require, root};
use std::path::{Path, PathBuf};

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
    /// Starts both; `None` if one of them is missing.
    pub fn start(php: &Php, agent: &TestAgent) -> Option<Fpm> {
        if !["php-fpm8.2", "nginx"].iter().all(|tool| require(tool)) {
            return None;
        }
        let (port, fpm_port) = (free_ports(1), free_ports(1));
        let folder = std::env::temp_dir().join(format!("spanwire-fpm-{port}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for php-fpm and nginx");
        let folder = Folder(folder);
        // SAFETY: takes no arguments and cannot fail.
        let is_root = unsafe { libc::geteuid() } == 0;
        let fpm = fpm(php, &folder.0, fpm_port, is_root, agent);
        let service = nginx(&folder.0, port, fpm_port, is_root, agent);
        Some(Fpm { service, _fpm: fpm, _folder: folder })
    }
}

fn fpm(php: &Php, folder: &Path, port: u16, is_root: bool, agent: &TestAgent) -> Service {
    let user = if is_root { "user = root\ngroup = root" } else { "" };
    // A request that comes to this service twice on its way needs two workers at a time.
    let text = format!(
        "[global]\nerror_log = /dev/stderr\ndaemonize = no\n[www]\nlisten = 127.0.0.1:{port}\n{user}\nclear_env = no\n\
         catch_workers_output = yes\npm = static\npm.max_children = 4\npm.max_requests = 3\n"
    );
    let configuration = folder.join("fpm.conf");
    std::fs::write(&configuration, text).expect("php-fpm's configuration");
    let mut command = limited("php-fpm8.2");
    command.args(php.arguments()).args(["--nodaemonize", "--fpm-config"]).arg(configuration);
    if is_root {
        command.arg("-R");
    }
    Service::start_at("php", port, command, agent)
}

fn nginx(folder: &Path, port: u16, fpm_port: u16, is_root: bool, agent: &TestAgent) -> Service {
    let user = if is_root { "user root;" } else { "" };
    let (folder, script) = (folder.display(), root().join("tests/distributed/hop.php"));
    let text = format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/stderr; {user}\nevents {{}}\n\
         http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;\n\
         fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ fastcgi_pass 127.0.0.1:{fpm_port};\n\
         fastcgi_param SCRIPT_FILENAME {}; fastcgi_param REQUEST_METHOD $request_method;\n\
         fastcgi_param REQUEST_URI $request_uri; fastcgi_param QUERY_STRING $query_string; }} }} }}\n",
        script.display(),
    );
    let configuration = PathBuf::from(format!("{folder}/nginx.conf"));
    std::fs::write(&configuration, text).expect("nginx's configuration");
    let mut command = limited("nginx");
    command.arg("-c").arg(configuration);
    Service::start_at("php", port, command, agent)
}
