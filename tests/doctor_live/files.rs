//! The doctor with settings from files: variables, php.ini, pools of php-fpm; and PHP that runs with them.

use super::examine;
use super::extension::php;
use super::fastcgi::Client;
use super::plant::{doctor, Folder};
use super::support::faults::{always, FaultAgent, Reply};
use super::support::hosts::{require, Host};
use super::support::wait_until;
use serde_json::Value as Json;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn agent() -> FaultAgent {
    always(Reply::Ok).start()
}

/// Returns value and place of a setting.
fn of<'a>(json: &'a Json, name: &str) -> (&'a str, &'a str) {
    let setting = &json["facts"]["settings"][name];
    (setting["value"].as_str().unwrap_or("none"), setting["place"].as_str().unwrap_or("none"))
}

#[test]
fn a_file_of_variables_is_the_environment() {
    let (agent, folder) = (agent(), Folder::new("env-file"));
    let text = format!(
        "# of the service\nexport DD_TRACE_AGENT_URL=\"{}\"\nDD_SERVICE='the shop' # comment\nDD_ENV=staging\n\
         DD_TAGS=password:hunter2\nnot a variable\n",
        agent.url()
    );
    let file = folder.file("app.env", text);
    let with = |host: Host| host.arg("--env").arg(file.display());
    // The doctor's own environment does not count.
    let seen = examine(with(doctor()).env("DD_VERSION", "7"));
    assert_eq!(seen.status, 0, "{}", seen.text);
    assert_eq!(of(&seen.json, "DD_SERVICE"), ("the shop", format!("{}:3", file.display()).as_str()));
    assert_eq!((of(&seen.json, "DD_ENV").0, of(&seen.json, "DD_VERSION").0), ("staging", ""));
    assert!(!format!("{}{}", seen.text, seen.json).contains("hunter2"), "{}", seen.text);
    seen.says(&["sets 4 variables; line 6 not understood", &agent.url()]);

    let file = folder.file("bad.env", "DD_TRACE_AGENT_URL=agent:8126\nDD_TRACE_ENABLED=false\n");
    let seen = examine(doctor().arg("--env").arg(file.display()));
    assert!(seen.causes.iter().any(|cause| cause == "agent.bad_url"), "{}", seen.text);
    assert!(seen.causes.iter().any(|cause| cause == "tracing.disabled"), "{}", seen.text);
    seen.says(&[&format!("DD_TRACE_AGENT_URL (from {}:1) is not a valid URL", file.display())]);
}

#[test]
fn php_ini_and_its_folder_rank_below_the_environment() {
    let (agent, folder) = (agent(), Folder::new("php-ini"));
    std::fs::create_dir(folder.path("conf.d")).expect("a folder");
    let ini =
        folder.file("php.ini", "[PHP]\ndatadog.service = shop\ndatadog.env = of-ini\ndatadog.trace.enabled = On\n");
    folder.file("conf.d/20-b.ini", format!("datadog.trace.agent_url = {}\ndatadog.version = \"2\"\n", agent.url()));
    folder.file(
        "conf.d/10-a.ini",
        "datadog.version = 1\ndatadog.appsec.enabled = 1\n[PATH=/www]\ndatadog.service = other\n",
    );
    let variables = folder.file("app.env", "DD_ENV=of-file\n");
    for given in [ini.clone(), folder.path("")] {
        let with = || doctor().arg("--php-ini").arg(given.display());
        let seen = examine(with().arg("--env").arg(variables.display()));
        assert_eq!(seen.status, 0, "{}", seen.text);
        assert_eq!(of(&seen.json, "DD_SERVICE").0, "shop");
        assert_eq!(of(&seen.json, "DD_ENV"), ("of-file", format!("{}:1", variables.display()).as_str()));
        let place = folder.path("").join("conf.d/20-b.ini");
        assert_eq!(of(&seen.json, "DD_VERSION"), ("2", format!("{}:2", place.display()).as_str()));
        assert_eq!(of(&seen.json, "DD_TRACE_AGENT_URL").0, agent.url());
        assert_eq!(of(&examine(with().env("DD_ENV", "of-here")).json, "DD_ENV").0, "of-here");
    }
    // Without quotes, PHP makes an empty text of it; it still turns tracing off.
    folder.file("conf.d/30-c.ini", "datadog.trace.enabled = off\n");
    let seen = examine(doctor().arg("--php-ini").arg(ini.display())).only("tracing.disabled");
    seen.says(&["conf.d/30-c.ini:1"]);
}

#[test]
fn workers_of_a_pool_see_no_other_variables() {
    let (agent, folder) = (agent(), Folder::new("php-clear"));
    let variables = folder.file("fpm.env", format!("DD_TRACE_AGENT_URL={}\nDD_SERVICE=shop\n", agent.url()));
    let pool = |more: &str| {
        let file =
            folder.file("www.conf", format!("[www]\nlisten = x\nenv[DD_ENV] = qa\nenv[DD_VERSION] = $UNKNOWN\n{more}"));
        examine(doctor().arg("--php-ini").arg(file.display()).arg("--env").arg(variables.display()))
    };
    let seen = pool("clear_env = no\n");
    assert_eq!((seen.status, of(&seen.json, "DD_SERVICE").0), (0, "shop"), "{}", seen.text);
    let seen = pool("").says(&["do not see DD_TRACE_AGENT_URL, DD_SERVICE", "clear_env", "$UNKNOWN is not known"]);
    assert_eq!((of(&seen.json, "DD_SERVICE").0, of(&seen.json, "DD_ENV").0), ("web.request", "qa"));
    assert_ne!(of(&seen.json, "DD_TRACE_AGENT_URL").0, agent.url());
}

#[test]
fn a_pool_of_php_fpm_sets_variables_and_ini_values() {
    let (agent, folder) = (agent(), Folder::new("php-pool"));
    std::fs::create_dir(folder.path("pool.d")).expect("a folder");
    let pool = format!(
        "[www]\nlisten = /run/x.sock\npm = static\nenv[DD_TRACE_AGENT_URL] = {}\nenv[DD_ENV] = $STAGE\n\
         php_admin_value[datadog.service] = shop\nphp_admin_flag[datadog.trace.enabled] = on\n",
        agent.url()
    );
    let file = folder.file("pool.d/www.conf", pool);
    let all = folder
        .file("php-fpm.conf", format!("[global]\npid = x\ninclude = {}\n", folder.path("pool.d/*.conf").display()));
    for given in [&file, &all] {
        let seen = examine(doctor().arg("--php-ini").arg(given.display()).env("STAGE", "qa"));
        assert_eq!(seen.status, 0, "{}", seen.text);
        assert_eq!(of(&seen.json, "DD_SERVICE"), ("shop", format!("{}:6", file.display()).as_str()));
        assert_eq!((of(&seen.json, "DD_ENV").0, of(&seen.json, "DD_TRACE_AGENT_URL").0), ("qa", agent.url().as_str()));
    }
}

/// A server that is killed when this is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: a signal to a child that has not been waited for. SIGTERM, so that php-fpm ends its workers.
        unsafe { libc::kill(self.0.id() as libc::pid_t, libc::SIGTERM) };
        let _ = self.0.wait();
    }
}

fn start(program: &str, arguments: &[String], environment: &[(&str, String)]) -> Server {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    std::env::var_os("PATH").map(|path| command.env("PATH", path));
    Server(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"))
}

/// php-fpm with a pool `www` of one worker.
struct Pool {
    _server: Server,
    folder: Folder,
}

impl Pool {
    fn start(folder: Folder, arguments: Vec<String>, settings: &str) -> Pool {
        let path = |name: &str| folder.path(name).display().to_string();
        // SAFETY: takes no arguments and cannot fail.
        let root = unsafe { libc::geteuid() } == 0;
        let user = if root { "user = root\ngroup = root\n" } else { "" };
        let text = format!(
            "[global]\nerror_log = {}\ndaemonize = no\n[www]\nlisten = {}\n{user}pm = static\npm.max_children = 1\n{settings}",
            path("log"),
            path("fpm.sock"),
        );
        folder.file("fpm.conf", text);
        let mut all = arguments;
        all.extend(["--nodaemonize".to_owned(), "--fpm-config".into(), path("fpm.conf")]);
        all.extend(root.then(|| "-R".to_owned()));
        let server = start("php-fpm8.2", &all, &[]);
        let up = wait_until(Duration::from_secs(10), || folder.path("fpm.sock").exists());
        assert!(up, "php-fpm did not come up:\n{}", std::fs::read_to_string(folder.path("log")).unwrap_or_default());
        Pool { _server: server, folder }
    }

    /// Runs a script, and returns its output.
    fn run(&self, code: &str) -> String {
        let script = self.folder.file("run.php", code);
        let answer = Client::new(&self.folder.path("fpm.sock")).get(&script, "").expect("an answer");
        answer.body().to_owned()
    }
}

#[test]
fn a_traced_worker_of_php_fpm_shows_its_settings_and_its_spans() {
    let (Some(php), true) = (php(), require("php-fpm8.2")) else { return };
    let (agent, folder) = (agent(), Folder::new("php-traced"));
    let settings = format!(
        "env[DD_TRACE_AGENT_URL] = {}\nenv[DD_TRACE_STARTUP_LOGS] = 0\nphp_admin_value[datadog.service] = shop\n",
        agent.url()
    );
    let pool = Pool::start(folder, php.arguments(), &settings);
    let code = "<?php $t = Spanwire\\Tracer::get(); $t->startSpan('a')->finish(); $t->flush(5000); echo getmypid();";
    let worker = pool.run(code);
    let seen = examine(doctor().arg("--pid").arg(&worker));
    assert_eq!(seen.status, 0, "{}", seen.text);
    let facts = &seen.json["facts"];
    assert_eq!(
        (&facts["process"]["settings_in_force"], &facts["process"]["environment_read"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        (of(&seen.json, "DD_SERVICE").0, of(&seen.json, "DD_TRACE_AGENT_URL").0),
        ("shop", agent.url().as_str())
    );
    assert_eq!((&facts["answers"]["delivered"], &facts["tracers"][0]["counters"]["sent"]), (&"yes".into(), &1.into()));
}

/// Whether a process runs this program and not the one that started it.
fn runs(pid: u32, name: &str) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| path.to_string_lossy().contains(name))
}

#[test]
fn a_running_php_is_examined_with_its_ini_files() {
    if !require("php") {
        return;
    }
    let (agent, folder) = (agent(), Folder::new("php-cli"));
    std::fs::create_dir(folder.path("more")).expect("a folder");
    folder.file("php.ini", format!("datadog.trace.agent_url={}\ndatadog.env=of-ini\n", agent.url()));
    folder.file("more/one.ini", "datadog.version=3\n");
    let script = folder.file("work.php", "<?php sleep(100);");
    let path = |path: PathBuf| path.display().to_string();
    let arguments = ["-c".into(), path(folder.path("")), "-d".into(), "datadog.tags=team:web".into(), path(script)];
    let server =
        start("php", &arguments, &[("PHP_INI_SCAN_DIR", path(folder.path("more"))), ("DD_ENV", "of-env".into())]);
    assert!(wait_until(Duration::from_secs(10), || runs(server.0.id(), "php")));
    let seen = examine(doctor().arg("--pid").arg(server.0.id()));
    assert_eq!(seen.status, 0, "{}", seen.text);
    assert_eq!(of(&seen.json, "DD_TRACE_AGENT_URL").0, agent.url());
    assert_eq!((of(&seen.json, "DD_ENV").0, of(&seen.json, "DD_VERSION").0), ("of-env", "3"));
    assert_eq!((of(&seen.json, "DD_TAGS").0, of(&seen.json, "DD_SERVICE").0), ("team:web", "work.php"));
    // Its PHP is the one of this machine, too.
    let here = doctor().arg("--php-ini").env("PHPRC", path(folder.path(""))).env("PHP_INI_SCAN_DIR", "/no/such");
    let seen = examine(here);
    assert_eq!((seen.status, of(&seen.json, "DD_ENV").0), (0, "of-ini"), "{}", seen.text);
}

#[test]
fn a_worker_of_php_fpm_is_examined_with_its_pool() {
    if !require("php-fpm8.2") {
        return;
    }
    let (agent, folder) = (agent(), Folder::new("php-fpm"));
    let path = |name: &str| folder.path(name).display().to_string();
    // SAFETY: takes no arguments and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    let user = if root { "user = root\ngroup = root\n" } else { "" };
    let pool = |name: &str, service: &str| {
        format!(
            "[{name}]\nlisten = {}\n{user}pm = static\npm.max_children = 1\nenv[DD_TRACE_AGENT_URL] = {}\n\
             php_admin_value[datadog.service] = {service}\n",
            path(&format!("{name}.sock")),
            agent.url()
        )
    };
    let text = format!(
        "[global]\nerror_log = {}\ndaemonize = no\n{}{}",
        path("log"),
        pool("www", "shop"),
        pool("admin", "back")
    );
    folder.file("fpm.conf", text);
    let mut arguments = vec!["-n".to_owned(), "--nodaemonize".into(), "--fpm-config".into(), path("fpm.conf")];
    arguments.extend(root.then(|| "-R".to_owned()));
    let server = start("php-fpm8.2", &arguments, &[("DD_SERVICE", "of-master".into())]);
    let worker = || {
        let children = format!("/proc/{0}/task/{0}/children", server.0.id());
        let children = std::fs::read_to_string(children).unwrap_or_default();
        let title = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let of_admin = children.split_whitespace().find(|pid| title(pid).starts_with("php-fpm: pool admin"));
        of_admin.map(str::to_owned)
    };
    assert!(wait_until(Duration::from_secs(10), || worker().is_some()), "php-fpm has no worker");
    let seen = examine(doctor().arg("--pid").arg(worker().expect("a worker")));
    assert_eq!(seen.status, 0, "{}", seen.text);
    assert_eq!(of(&seen.json, "DD_SERVICE").0, "back");
    assert_eq!(of(&seen.json, "DD_TRACE_AGENT_URL").0, agent.url());
    // php-fpm's title takes the place of its environment.
    assert_eq!(seen.json["facts"]["process"]["environment_read"], false);
    assert_eq!(seen.finding("process.environment_overwritten")["standing"], "note");
}
