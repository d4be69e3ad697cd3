//! Whose settings are examined: those of a program started here, of one started with the variables in a file, of PHP, or
//! of a running process.

use super::process::Process;
use super::{env_file, php};
use crate::cli::DoctorOptions;
use crate::doctor::report::Finding;
use crate::out::Failure;
use spanwire::companion::settings::Origin;

/// The setting that `--url` stands for.
pub const URL: &str = "DD_TRACE_AGENT_URL";
/// Prefix of a value that the environment overrides.
pub const PRESET: &str = "default:";

/// A value of a setting, and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The setting's name, without a prefix.
    pub name: String,
    /// The text.
    pub value: String,
    /// `CodeDefault`, `Env` or `Code`.
    pub origin: Origin,
    /// A file and line, an option, or what the values of this origin are called.
    pub place: String,
}

/// The sources of the settings that are examined.
pub struct Subject {
    /// Heading of the section on settings.
    pub title: String,
    /// All values that are given outside of a configuration file. Of two of one name and origin the later one counts.
    pub given: Vec<Given>,
    /// What was read to get them.
    pub read: Vec<Finding>,
    /// The program's file name, if one program is examined.
    pub program: Option<String>,
    /// The process that is examined.
    pub process: Option<Process>,
    /// The Agent's URL in the option `--url`.
    pub url: Option<String>,
}

impl Subject {
    /// Gathers what the options name.
    pub fn of(options: &DoctorOptions) -> Result<Subject, Failure> {
        let mut subject = match (options.pid, &options.env) {
            (Some(pid), _) => Subject::of_process(pid, options)?,
            (None, Some(path)) => {
                let (given, read) = env_file::read(path)?;
                let title = format!("Settings with the variables in {}", path.display());
                Subject { given, read: vec![read], ..Subject::named(&title) }
            }
            (None, None) => Subject { given: own_environment(), ..Subject::named(STARTED_HERE) },
        };
        if let (None, Some(path)) = (options.pid, &options.php_ini) {
            let found = php::Found::of_path(path.as_deref(), &|name| subject.variable(name))?;
            subject.add_php(found);
            if options.env.is_none() {
                subject.title = "Settings that PHP started here would have".into();
            }
        }
        if let Some(url) = &options.url {
            subject.give(URL, url, Origin::Code, "--url");
            subject.url = Some(url.clone());
        }
        Ok(subject)
    }

    fn named(title: &str) -> Subject {
        let title = title.to_owned();
        Subject { title, given: Vec::new(), read: Vec::new(), program: None, process: None, url: None }
    }

    fn of_process(pid: u32, options: &DoctorOptions) -> Result<Subject, Failure> {
        let mut process = Process::of(pid).map_err(Failure::Said)?;
        let mut subject = Subject::named(&format!("Settings of process {pid}"));
        subject.program = Some(process.name.clone());
        for (name, value) in std::mem::take(&mut process.environment) {
            subject.give(&name, &value, Origin::Env, ENVIRONMENT);
        }
        let found = match &options.php_ini {
            Some(Some(path)) => Some(php::Found::of_path(Some(path), &|name| subject.variable(name))?),
            _ => php::Found::of_process(&process, &|name| subject.variable(name)),
        };
        match found {
            Some(found) => subject.add_php(found),
            None if options.php_ini.is_some() => {
                let why = format!(
                    "process {pid} ({}) is not PHP, so it reads no php.ini. Name the file if it does: --php-ini FILE",
                    process.name
                );
                return Err(Failure::Said(why));
            }
            None => {}
        }
        process.add_language(&mut subject);
        subject.read.splice(0..0, process.introduction());
        process.settle(&mut subject);
        subject.process = Some(process);
        Ok(subject)
    }

    fn add_php(&mut self, found: php::Found) {
        if found.clears_environment {
            self.given.retain(|given| given.origin != Origin::Env);
        }
        self.give("SPANWIRE_LANGUAGE", "php", Origin::Code, "PHP");
        self.given.extend(found.given);
        self.read.extend(found.read);
    }

    /// Adds a value.
    pub fn give(&mut self, name: &str, value: &str, origin: Origin, place: &str) {
        self.given.push(Given { name: name.into(), value: value.into(), origin, place: place.into() });
    }

    /// Returns an environment variable.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.last(name, Origin::Env).map(|given| given.value.clone())
    }

    fn last(&self, name: &str, origin: Origin) -> Option<&Given> {
        self.given.iter().rfind(|given| given.name == name && given.origin == origin)
    }

    /// Returns the names and values that count as the host's code, as the library takes them.
    pub fn code(&self) -> Vec<(String, String)> {
        let of = |given: &Given| match given.origin {
            Origin::Code => Some((given.name.clone(), given.value.clone())),
            Origin::CodeDefault => Some((format!("{PRESET}{}", given.name), given.value.clone())),
            _ => None,
        };
        self.given.iter().filter_map(of).collect()
    }

    /// Returns where the value of a setting was given, as in `from the environment`.
    pub fn place(&self, name: &str, origin: Origin) -> &str {
        match (self.last(name, origin), origin) {
            (Some(given), _) => &given.place,
            (None, Origin::Default) => "default",
            (None, Origin::File) => "configuration file",
            (None, Origin::CodeDefault) => "code, as a default",
            (None, Origin::Env) => ENVIRONMENT,
            (None, Origin::Code) => "code",
        }
    }
}

const STARTED_HERE: &str = "Settings that a process started here would have";
/// What the environment of a process is called.
pub const ENVIRONMENT: &str = "environment";

fn own_environment() -> Vec<Given> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let given =
        |(name, value)| Given { name: text(name), value: text(value), origin: Origin::Env, place: ENVIRONMENT.into() };
    std::env::vars_os().map(given).collect()
}
