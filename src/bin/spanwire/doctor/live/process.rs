//! Looks at a running process from outside: its environment, its program, the settings that its tracer has, its limits and
//! its flight recorder. Reads /proc and the process's memory; does not stop the process.

mod place;

use super::found::{good, note, with_evidence};
use super::given::{Values, ENVIRONMENT};
use super::limits::Limits;
use super::user;
use crate::doctor::report::Finding;
use crate::memory;
use crate::recorder::{find, Found};
use serde_json::{json, Value as Json};
use spanwire::companion::redact;
use spanwire::companion::report::image::{Image, Tracer};
use spanwire::companion::settings::{table, AgentAddress, Origin, Settings, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// A running process.
pub struct Process {
    /// Its number, as seen from here.
    pub pid: u32,
    /// The file name of its program.
    pub name: String,
    /// Its command line. php-fpm replaces it by a title.
    pub command: Vec<String>,
    /// The environment with which it was started.
    pub environment: Vec<(String, String)>,
    /// Whether it has overwritten that, as php-fpm does with its title.
    overwritten: bool,
    /// Paths of the libraries that it has loaded.
    pub libraries: Vec<String>,
    /// Its limits.
    pub limits: Limits,
    /// Its flight recorder, if it has one that can be read.
    pub recorder: Result<Option<Found>, String>,
    /// What its memory says, if it has called the library.
    pub image: Option<Image>,
    /// Whether it runs in a container.
    pub contained: bool,
    /// Where it is: its user, its file system, its network.
    place: place::Place,
    parent_title: String,
}

impl Process {
    /// Reads everything that is needed of a process, or returns a sentence that says why that is not possible.
    pub fn of(pid: u32) -> Result<Process, String> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let status = find::status(pid)?;
        let read = |name: &str| fs::read(folder.join(name));
        let bytes = read("environ").map_err(|error| find::refused(pid, &status, &error))?;
        let program = fs::read_link(folder.join("exe")).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("{pid} is a thread of the kernel, not a program"),
            _ => find::refused(pid, &status, &error),
        })?;
        let words = |bytes: &[u8]| -> Vec<String> {
            let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
            parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
        };
        let overwritten = bytes.first().is_some_and(|byte| *byte == 0);
        let pairs = words(&bytes).into_iter().filter_map(|word| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let parent = find::field(&status, "PPid:").unwrap_or("0");
        let title_of = |pid: &str| fs::read(format!("/proc/{pid}/cmdline")).map(|bytes| words(&bytes).join(" "));
        let recorder = find::look(pid);
        let maps = fs::read_to_string(folder.join("maps")).unwrap_or_default();
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Process {
            pid,
            name: name.trim_end_matches(" (deleted)").to_owned(),
            command: words(&read("cmdline").unwrap_or_default()),
            environment: pairs.collect(),
            overwritten,
            libraries: memory::libraries(&maps),
            limits: Limits::of(pid),
            image: memory::image(pid, &maps),
            recorder,
            contained: place::is_contained(pid),
            place: place::Place::of(pid, &status),
            parent_title: title_of(parent).unwrap_or_default(),
        })
    }

    /// Returns the path of its program, also where the file was replaced.
    pub fn program(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/exe", self.pid))
    }

    /// Returns the path here of a path in its file system.
    pub fn inside(&self, path: &Path) -> PathBuf {
        self.place.inside(path)
    }

    /// Returns its command line as one text.
    pub fn title(&self) -> String {
        self.command.join(" ")
    }

    /// Returns the command line of its parent.
    pub fn parent_title(&self) -> &str {
        &self.parent_title
    }

    /// Whether it has the library, by its recorder or its memory.
    pub fn has_spanwire(&self) -> bool {
        self.image.is_some() || !matches!(self.recorder, Ok(None))
    }

    /// Returns its tracer in use: the first that is not shut down.
    pub fn tracer(&self) -> Option<&Tracer> {
        let tracers = &self.image.as_ref()?.tracers;
        let used = || tracers.iter().filter(|tracer| tracer.live && tracer.settings().next().is_some());
        used().find(|tracer| !tracer.closed).or_else(|| used().next())
    }

    /// Describes the process, and says what of it cannot be known.
    pub fn introduction(&self) -> Vec<Finding> {
        let user = user::user_name(self.place.uid);
        // The program and its script. Options and further arguments may hold secrets that nothing marks as such.
        let words = self.command.iter().take(2).enumerate().take_while(|(n, word)| *n == 0 || !word.starts_with('-'));
        let command = words.map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(" ");
        let whom = format!("process {} is {} of user {user}", self.pid, self.name);
        let where_from = if self.contained { ", in a container" } else { "" };
        let mut findings = vec![with_evidence(
            good("process.found", format!("{whom}{where_from}")),
            (!command.is_empty()).then(|| super::found::quote(command.as_bytes())),
        )];
        if self.overwritten {
            findings.push(note(
                "process.environment_overwritten",
                "the process has overwritten its environment with its title, so it cannot be read from outside",
                "",
            ));
        }
        if !self.has_spanwire() {
            let says = "the process has no flight recorder: its tracer is not spanwire, or has not been called. Its \
                        settings are taken from its environment and files; what its code sets is not known";
            findings.push(note("process.no_recorder", says, ""));
        }
        if let Err(why) = &self.recorder {
            findings.push(note("process.no_recorder", why, ""));
        }
        findings
    }

    /// Adds what the language of the program sets before the user does: Java's system properties, and .NET's
    /// configuration file.
    pub fn add_language(&self, given: &mut Values) {
        let loaded = |name: &str| self.libraries.iter().any(|path| path.ends_with(name));
        if loaded("/libjvm.so") || self.name == "java" {
            given.give("SPANWIRE_LANGUAGE", "java", Origin::Code, "Java");
            let options = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"].map(|name| given.variable(name));
            let options: Vec<String> = options.into_iter().flatten().collect();
            let words =
                options.iter().flat_map(|text| text.split_whitespace()).chain(self.command.iter().map(String::as_str));
            for (name, value) in words.filter_map(|word| word.strip_prefix("-Ddd.")?.split_once('=')) {
                let name = format!("DD_{}", name.to_ascii_uppercase().replace(['.', '-'], "_"));
                given.give(&name, value, Origin::Code, "system property");
            }
        }
        if loaded("/libcoreclr.so") && given.variable("DD_TRACE_CONFIG_FILE").is_none() {
            given.give("SPANWIRE_LANGUAGE", "dotnet", Origin::Code, ".NET");
            if let Ok(folder) = fs::read_link(format!("/proc/{}/cwd", self.pid)) {
                let file = folder.join("datadog.json").display().to_string();
                given.give("DD_TRACE_CONFIG_FILE", &file, Origin::CodeDefault, ".NET's default");
            }
        }
    }

    /// Adds the settings that its tracer has, and moves to its place: its network, and its user's permissions. Returns
    /// notes on what was not possible.
    pub fn settle(&mut self, given: &mut Values) -> Vec<Finding> {
        if let Some(tracer) = self.tracer() {
            for [name, value, origin] in tracer.settings() {
                let origin = match origin {
                    "code" => Origin::Code,
                    "code_default" => Origin::CodeDefault,
                    "env" => Origin::Env,
                    // Files are read again, and remote configuration goes over all that is given (`put_remote`).
                    _ => continue,
                };
                let known = table::all().any(|setting| setting.name == name);
                // A value that the redactor changed is not the one that the process uses.
                if known && !value.contains(redact::REDACTED) && !is_given(given, name, value, origin) {
                    let place = if origin == Origin::Env { ENVIRONMENT } else { origin_in_code(origin) };
                    given.give(name, value, origin, place);
                }
            }
        }
        let notes = self.place.enter();
        // Paths of the settings are in the file system of the process.
        if let Some(file) = given.0.iter_mut().rfind(|given| given.name == "DD_TRACE_CONFIG_FILE") {
            file.value = self.place.inside(Path::new(&file.value)).display().to_string();
        }
        notes
    }

    /// Puts the values in force that remote configuration has set in its tracer, and returns the former ones.
    pub fn put_remote(&self, settings: &mut Settings) -> Vec<Value> {
        let mut former = Vec::new();
        let all = self.tracer().into_iter().flat_map(Tracer::settings);
        for [name, value, _] in all.filter(|[.., origin]| *origin == Origin::Remote.name()) {
            let Some(shown) = settings.values.iter_mut().find(|shown| shown.name == name) else { continue };
            former.push(shown.clone());
            (shown.value, shown.origin) = (value.to_owned(), Origin::Remote);
            // The only one of them that a check decides by.
            if name == "DD_TRACE_ENABLED" {
                settings.enabled = value == "true";
            }
        }
        former
    }

    /// Corrects what the settings alone do not tell: the address that the tracer has chosen, and where its socket is
    /// from here.
    pub fn correct(&self, settings: &mut Settings) {
        let in_force =
            self.tracer().and_then(|tracer| tracer.settings().find(|[name, ..]| *name == "DD_TRACE_AGENT_URL"));
        if let Some([name, value, _]) = in_force {
            if let Ok(agent) = AgentAddress::from_url(value) {
                settings.agent = agent;
            }
            if let Some(shown) = settings.values.iter_mut().find(|shown| shown.name == name) {
                shown.value = value.to_owned();
            }
        }
    }

    /// Returns the Agent's address as it is to be used from here.
    pub fn reachable(&self, agent: &AgentAddress) -> AgentAddress {
        match agent {
            AgentAddress::Unix { path } => AgentAddress::Unix { path: self.place.inside(path) },
            AgentAddress::File { path } => AgentAddress::File { path: self.place.inside(path) },
            other => other.clone(),
        }
    }

    /// Whether the process has a network that could not be entered, so that addresses mean something else here.
    pub fn is_elsewhere(&self) -> bool {
        self.place.other_network
    }

    /// Says what the settings of the process may have beside those that were read.
    pub fn unchecked(&self) -> Option<Finding> {
        (self.has_spanwire() && self.tracer().is_none()).then(|| {
            let says =
                "the settings are those of the environment and of files: what the program's code sets is not known";
            note("settings.code_unknown", says, "")
        })
    }

    /// Replaces paths that are valid only here by those of the process.
    pub fn plain(&self, text: &str) -> String {
        self.place.plain(text)
    }

    /// Returns what is known of the process, for JSON.
    pub fn facts(&self) -> Json {
        let library = match (&self.image, &self.recorder) {
            (Some(image), _) => Some(image.library.clone()),
            (None, Ok(Some(found))) => {
                let (major, minor, patch) = found.snapshot.library;
                Some(format!("{major}.{minor}.{patch}"))
            }
            _ => None,
        };
        json!({
            "pid": self.pid,
            "program": redact::text(&self.name),
            "user": user::user_name(self.place.uid),
            "uid": self.place.uid,
            "container": self.contained,
            "environment_read": !self.overwritten,
            "spanwire": library,
            "settings_in_force": self.tracer().is_some(),
        })
    }
}

fn is_given(given: &Values, name: &str, value: &str, origin: Origin) -> bool {
    given.last(name, origin).is_some_and(|given| given.value == value)
}

fn origin_in_code(origin: Origin) -> &'static str {
    if origin == Origin::Code {
        "code"
    } else {
        "code, as a default"
    }
}
