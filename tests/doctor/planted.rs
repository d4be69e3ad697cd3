//! A planted fault: where programs meet it, the servers that it needs, and the logs of a program that met it, in each
//! dialect. The expectations are in other files.

use super::plant::{mode, Folder};
use super::support::hosts::{host, Host};
use super::{doctor, Visit};
use spanwire::companion::languages::dialects;
use std::any::Any;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Number of programs that run at once: they wait most of the time.
const AT_ONCE: usize = 12;

/// What a program meets, and how it behaves.
pub struct Planted {
    program: Vec<String>,
    env: Vec<(&'static str, String)>,
    by_nobody: bool,
    /// A command line that runs the program and writes its log to `$READ_LATE`.
    under: &'static [&'static str],
    /// Agents and sockets that live as long as the fault.
    _keep: Option<Box<dyn Any + Send + Sync>>,
}

/// Returns a program of three traces that sends to this URL. It gives up soon after a failure, so that no test waits.
pub fn at(url: impl Into<String>) -> Planted {
    let program = vec!["spans".to_owned()];
    let env = vec![("DD_TRACE_AGENT_URL", url.into()), ("SPANWIRE_RETRY_FOR_MS", "400".to_owned())];
    Planted { program, env, by_nobody: false, under: &[], _keep: None }
}

impl Planted {
    /// Adds a setting.
    pub fn env(mut self, name: &'static str, value: impl ToString) -> Planted {
        self.env.push((name, value.to_string()));
        self
    }

    /// Sets the arguments for `tests/hosts/doctor.c`.
    pub fn program(mut self, words: &str) -> Planted {
        self.program = words.split(' ').map(str::to_owned).collect();
        self
    }

    /// Runs it as a user without rights.
    pub fn by_nobody(mut self) -> Planted {
        self.by_nobody = true;
        self
    }

    /// Runs it by this command line, which writes its standard error to the file `$READ_LATE`.
    pub fn under(mut self, words: &'static [&'static str]) -> Planted {
        self.under = words;
        self
    }

    /// Keeps an Agent or a socket alive.
    pub fn keeping(mut self, what: impl Any + Send + Sync) -> Planted {
        self._keep = Some(Box::new(what));
        self
    }

    /// Runs the doctor on this machine with the same settings.
    pub fn live(&self, folder: &Folder) -> Visit {
        let doctor = if self.by_nobody { folder.doctor_as_nobody() } else { super::plant::doctor() };
        let doctor = self.env.iter().fold(doctor, |doctor, (name, value)| doctor.env(name, value));
        let ran = doctor.arg("--json").run();
        Visit {
            report: serde_json::from_str(&ran.stdout).unwrap_or_default(),
            status: ran.status.code().unwrap_or(-1),
            stderr: ran.stderr,
        }
    }

    /// Returns the log of a program in debug mode in this dialect, or its standard error if the fault is that the log
    /// file cannot be written. `None` without a compiler.
    pub fn log(&self, folder: &Folder, dialect: &str) -> Option<PathBuf> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let log = folder.path(&format!("{}.log", NUMBER.fetch_add(1, Relaxed)));
        // Root may open every file; another user has lost its permissions where the fault was planted.
        let as_nobody = self.by_nobody && fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let mut host: Host = host("doctor.c")?.env("DD_SERVICE", "shop").env("DD_TRACE_DEBUG", "true");
        if as_nobody {
            let aside = log.with_extension("d");
            fs::create_dir_all(&aside).expect("a folder for the copies");
            host = host.copied_to(&aside);
        }
        host = self.program.iter().fold(host, |host, word| host.arg(word)).env("SPANWIRE_LOG_DIALECT", dialect);
        let own = self.env.iter().find(|(name, _)| *name == "DD_TRACE_LOG_FILE");
        let name = if self.under.is_empty() { "DD_TRACE_LOG_FILE" } else { "READ_LATE" };
        if own.is_none() {
            host = host.under(self.under).env(name, log.display());
        }
        host = self.env.iter().fold(host, |host, (name, value)| host.env(name, value));
        if as_nobody {
            host = host.under(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        let ran = host.run().ok();
        assert_eq!(ran.stdout, "", "the host has nothing to say");
        if own.is_some() {
            fs::write(&log, ran.stderr).expect("its log");
        }
        Some(log)
    }

    /// Returns the doctor's report about the program's log in this dialect.
    pub fn visit(&self, folder: &Folder, dialect: &str) -> Option<Visit> {
        self.log(folder, dialect).map(|log| doctor(&[&log]))
    }
}

/// Makes a folder for logs, open to every user.
pub fn open_folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    mode(&folder.path("."), 0o777);
    folder
}

/// Returns what is wrong with the visit: `cause` is missing, or, if `cause` is empty, a cause was reported. Empty if
/// all is well.
pub fn objections(visit: &Visit, cause: &str) -> Vec<String> {
    let mut found = Vec::new();
    let causes = visit.causes();
    if cause.is_empty() {
        found.extend((visit.status != 0).then(|| format!("something is named: {causes:?}")));
        return found;
    }
    if !causes.contains(&cause) {
        found.push(format!("{cause} is not named, but {causes:?}"));
    }
    // Only one fault was planted that keeps payloads from the Agent.
    let apart = |other: &str| cause.starts_with("agent.") && other.starts_with("agent.") && other != cause;
    // With a bad URL the default Agent is used, which may not exist.
    let other = causes.iter().find(|other| apart(other) && (cause, **other) != ("agent.bad_url", "agent.down"));
    found.extend(other.map(|other| format!("{other} is named too")));
    if visit.status != 1 {
        found.push(format!("the status is {}: {}", visit.status, visit.stderr));
    }
    if visit.report.to_string().contains("hunter2") {
        found.push("a secret is shown".to_owned());
    }
    for finding in visit.findings() {
        if finding["standing"] == "bad" && finding["remedy"] == "" {
            found.push(format!("a fault without a remedy: {finding}"));
        }
    }
    found
}

/// Runs `work` for every item, several at a time, and returns all objections.
pub fn each<T: Sync>(items: &[T], work: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Relaxed)) {
                    let found = work(item);
                    all.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Exceptions: the place (a dialect, [`LOGS`], or [`LIVE`]), the cause reported there or nothing, and the reason.
pub type But = &'static [(&'static str, &'static str, &'static str)];
/// The logs of every dialect.
pub const LOGS: &str = "logs";
/// The doctor that checks this machine.
pub const LIVE: &str = "live";

/// Returns the cause reported there instead of `cause`, if there is an exception.
pub fn named<'a>(cause: &'a str, place: &str, but: &[(&str, &'a str, &str)]) -> &'a str {
    let other = but.iter().find(|(name, _, why)| {
        assert!(!why.is_empty(), "an exception has a reason");
        *name == place || *name == LOGS && place != LIVE
    });
    other.map_or(cause, |(_, instead, _)| instead)
}

/// Asserts that the doctor names this cause in the log of every dialect, with some exceptions.
#[track_caller]
pub fn ill(name: &str, cause: &str, planted: Planted, but: But) {
    let folder = open_folder(&name.replace(' ', "-"));
    let found = each(&dialects(), |dialect| {
        let Some(visit) = planted.visit(&folder, dialect) else { return Vec::new() };
        objections(&visit, named(cause, dialect, but))
            .into_iter()
            .map(|why| format!("{dialect}: {why}\n{:#}", visit.report))
            .collect()
    });
    assert!(found.is_empty(), "{name}: {}", found.join("\n"));
}
