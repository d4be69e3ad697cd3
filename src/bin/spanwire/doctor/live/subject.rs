//! Whose settings are examined: those of a program started here, of one started with the variables in a file, of PHP, or
//! of a running process.

use super::given::{Given, Values, ENVIRONMENT};
use super::process::Process;
use super::{env_file, php};
use crate::cli::DoctorOptions;
use crate::doctor::report::Finding;
use crate::out::Failure;
use spanwire::companion::settings::Origin;

/// The setting that `--url` stands for.
pub const URL: &str = "DD_TRACE_AGENT_URL";
/// The sources of the settings that are examined.
pub struct Subject {
    /// Heading of the section on settings.
    pub title: String,
    /// The values that are given outside of a configuration file.
    pub given: Values,
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
                Subject { given: Values(given), read: vec![read], ..Subject::named(&title) }
            }
            (None, None) => Subject { given: Values(own_environment()), ..Subject::named(STARTED_HERE) },
        };
        if let (None, Some(path)) = (options.pid, &options.php_ini) {
            let found = php::Found::of_path(path.as_deref(), &|name| subject.given.variable(name))?;
            subject.add_php(found);
            if options.env.is_none() {
                subject.title = "Settings that PHP started here would have".into();
            }
        }
        if let Some(url) = &options.url {
            subject.given.give(URL, url, Origin::Code, "--url");
            subject.url = Some(url.clone());
        }
        Ok(subject)
    }

    fn named(title: &str) -> Subject {
        let title = title.to_owned();
        Subject { title, given: Values::default(), read: Vec::new(), program: None, process: None, url: None }
    }

    fn of_process(pid: u32, options: &DoctorOptions) -> Result<Subject, Failure> {
        let mut process = Process::of(pid).map_err(Failure::Said)?;
        let mut subject = Subject::named(&format!("Settings of process {pid}"));
        subject.program = Some(process.name.clone());
        for (name, value) in std::mem::take(&mut process.environment) {
            subject.given.give(&name, &value, Origin::Env, ENVIRONMENT);
        }
        let found = match &options.php_ini {
            Some(Some(path)) => Some(php::Found::of_path(Some(path), &|name| subject.given.variable(name))?),
            _ => php::Found::of_process(&process, &|name| subject.given.variable(name)),
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
        process.add_language(&mut subject.given);
        subject.read.splice(0..0, process.introduction());
        subject.read.extend(process.settle(&mut subject.given));
        subject.process = Some(process);
        Ok(subject)
    }

    fn add_php(&mut self, found: php::Found) {
        if found.clears_environment {
            self.given.0.retain(|given| given.origin != Origin::Env);
        }
        self.given.give("SPANWIRE_LANGUAGE", "php", Origin::Code, "PHP");
        self.given.0.extend(found.given);
        self.read.extend(found.read);
    }
}

const STARTED_HERE: &str = "Settings that a process started here would have";

fn own_environment() -> Vec<Given> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let given =
        |(name, value)| Given { name: text(name), value: text(value), origin: Origin::Env, place: ENVIRONMENT.into() };
    std::env::vars_os().map(given).collect()
}
