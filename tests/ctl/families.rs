//! php-fpm and Puma are addressed by the process id of their parent.

use super::{ctl, live};
use crate::extension::php;
use crate::fastcgi::Client;
use crate::support::faults::{always, FaultAgent, Reply};
use crate::support::hosts::{require, root, stage};
use crate::support::{free_ports, http, wait_until};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that ends when this is dropped, and its folder.
struct Server(Child, PathBuf);

impl Server {
    fn start(command: &mut Command, folder: &Path) -> Server {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Server(command.spawn().expect("the server starts"), folder.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: a signal to a child that has not been waited for, so the number is still its own.
        unsafe { libc::kill(self.0.id() as libc::pid_t, libc::SIGTERM) };
        if !wait_until(Duration::from_secs(10), || matches!(self.0.try_wait(), Ok(Some(_)))) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
        std::fs::remove_dir_all(&self.1).ok();
    }
}

fn folder(name: &str) -> PathBuf {
    // The path of a socket has at most 107 bytes.
    let folder = std::env::temp_dir().join(format!("spanwire-ctl-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Asks the parent of a family of which two children at least have made traces.
#[track_caller]
fn assert_speaks_for_its_children(parent: u32, agent: &FaultAgent, title: &str) {
    let of_all = |command: &[&str], words: &str| {
        let mut said = String::new();
        let all = wait_until(Duration::from_secs(50), || {
            said = ctl(parent, command).0;
            said.matches("Process ").count() >= 2 && said.matches(words).count() >= 2
        });
        assert!(all, "{command:?}: {said}");
        said
    };
    let said = of_all(&["status"], "Tracer 0: ");
    assert!(said.contains(title), "{said}");
    of_all(&["flush"], "tracer 0 ");
    of_all(&["debug", "on", "--for", "5s"], "debug mode is on for 5 s");
    assert!(wait_until(Duration::from_secs(20), || agent.accepted().distinct() >= 2));
    let id = agent.chunks()[0][0].trace_id.to_string();
    let output = live::companion(&["why", &id, "--pid", &parent.to_string()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("the Agent answered 200"), "{id}: {said}");
}

#[test]
fn the_parent_of_php_fpm_speaks_for_its_workers() {
    let Some(php) = php().filter(|_| require("php-fpm8.2")) else { return };
    let (agent, folder) = (always(Reply::Ok).start(), folder("fpm"));
    let (socket, configuration) = (folder.join("fpm.sock"), folder.join("fpm.conf"));
    // SAFETY: takes no arguments and cannot fail.
    let is_root = unsafe { libc::geteuid() == 0 };
    // As root the workers give up their rights: then the command, which runs as root, is answered all the same.
    let user = if is_root { "user = nobody\ngroup = nogroup" } else { "" };
    let text = format!(
        "[global]\nerror_log = {0}/log\ndaemonize = no\n[www]\nlisten = {0}/fpm.sock\nlisten.mode = 0666\npm = static\n\
         pm.max_children = 2\nenv[DD_TRACE_AGENT_URL] = {1}\nphp_value[datadog.trace.startup_logs] = 0\n{user}\n",
        folder.display(),
        agent.url(),
    );
    std::fs::write(&configuration, text).expect("php-fpm's configuration");
    let library = folder.join("libspanwire.so.0");
    std::fs::copy(&php.library, &library).expect("a copy of the library");
    let extension = folder.join("spanwire.so");
    std::fs::copy(&php.extension, &extension).expect("a copy of the extension");
    let script = folder.join("two.php");
    let code = "<?php $s = Spanwire\\Tracer::get()->startSpan('request'); usleep(300000); $s->finish(); echo 'ok';";
    std::fs::write(&script, code).expect("a script");
    let mut command = Command::new("php-fpm8.2");
    command.args(["-n", "-d", &format!("extension={}", extension.display())]);
    command.args(["-d", &format!("spanwire.library={}", library.display()), "--nodaemonize", "--fpm-config"]);
    command.arg(&configuration);
    let server = Server::start(&mut command, &folder);
    let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert!(wait_until(Duration::from_secs(20), || socket.exists()), "php-fpm did not come up:\n{}", log());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let answer = Client::new(&socket).get(&script, "").expect("an answer");
                assert_eq!(answer.body(), "ok", "{}{}", answer.stderr, log());
            });
        }
    });
    assert_speaks_for_its_children(server.0.id(), &agent, "php-fpm: pool www");
}

#[test]
fn the_parent_of_puma_speaks_for_its_workers() {
    if !require("ruby") || !require("ruby-ffi") || !require("puma") {
        return;
    }
    let (agent, folder, port) = (always(Reply::Ok).start(), folder("puma"), free_ports(1));
    let mut command = Command::new("puma");
    command.current_dir(root().join("bindings/ruby/test/puma")).args(["-C", "puma.rb", "-b"]);
    command.arg(format!("tcp://127.0.0.1:{port}")).arg("config.ru");
    command.env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so")).env("DD_TRACE_AGENT_URL", agent.url());
    command.env("FINISHED", folder.join("finished")).env("PRELOAD", "0");
    let server = Server::start(&mut command, &folder);
    let get = || http::request(port, "GET", "/", b"").ok().map(|answer| answer.text());
    let mut workers = std::collections::HashSet::new();
    let served = wait_until(Duration::from_secs(50), || {
        workers.extend(get().filter(|text| text.parse::<u32>().is_ok()));
        workers.len() >= 2
    });
    assert!(served, "Puma's workers do not answer: {workers:?}");
    assert_speaks_for_its_children(server.0.id(), &agent, "puma");
}
