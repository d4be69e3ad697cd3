//! The sources of values: the host's code, with the names of its language; the environment; stable configuration; a
//! configuration file.
//! Chooses the value of each setting.

use super::draft::Draft;
use super::language::{LanguageSettings, Loggers};
use super::levels::Levels;
use super::rejection::{ConfigFileFault, Rejection};
use super::stable::{self, File, Program};
use super::table::later::{self, Later, TOPICS};
use super::table::{self, Kind, Setting};
use super::version::Version;
use super::{file, parse, refused, shown, Origin, Rejected, Value, DEFAULT_PREFIX, LOGGER_LEVELS_MAX, REJECTED_MAX};
use crate::redact;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// All given values.
pub(super) struct Sources<'a> {
    code: Vec<Given<'a>>,
    env: &'a dyn Fn(&str) -> Option<String>,
    file: Vec<(String, String)>,
    local: File,
    fleet: File,
}

/// A value that one source gives for a setting.
struct Choice {
    origin: Origin,
    /// The name as given.
    name: String,
    text: String,
    /// The line in a file of stable configuration, from 1.
    line: Option<usize>,
}

/// A name and a text from the host's code.
struct Given<'a> {
    /// The setting that `name` means, or `name` itself.
    setting: String,
    /// The name as given, without a prefix.
    name: &'a str,
    value: &'a str,
    /// Whether the environment overrides it (`default:`).
    preset: bool,
}

impl Given<'_> {
    fn origin(&self) -> Origin {
        match self.preset {
            true => Origin::CodeDefault,
            false => Origin::Code,
        }
    }
}

impl<'a> Sources<'a> {
    /// Collects what `code` and the environment set. Names in code are not translated yet.
    pub fn new(code: &'a [(String, String)], env: &'a dyn Fn(&str) -> Option<String>) -> Sources<'a> {
        let given = |(given, value): &'a (String, String)| {
            let bare = given.strip_prefix(DEFAULT_PREFIX);
            let name = bare.unwrap_or(given);
            Given { setting: name.into(), name, value, preset: bare.is_some() }
        };
        Sources {
            code: code.iter().map(given).collect(),
            env,
            file: Vec::new(),
            local: File::default(),
            fleet: File::default(),
        }
    }

    /// Translates the names in code from those of a language.
    pub fn translate(&mut self, language: &LanguageSettings, version: Option<Version>) {
        let mut turned_on = Vec::new();
        for given in &mut self.code {
            let (setting, turns_on) = language.setting_of(given.name, version);
            given.setting = setting;
            turned_on.extend(turns_on.map(|setting| Given {
                setting: setting.into(),
                name: given.name,
                value: "true",
                preset: given.preset,
            }));
        }
        // Insert in front, so that a value that the user sets explicitly overrides it.
        self.code.splice(0..0, turned_on);
    }

    /// Reads the values of a configuration file. A missing file is an error only if the user, and not the host's
    /// default, named it.
    pub fn read_file(&mut self, path: &Path, named: &Value, rejected: &mut Vec<Rejected>) {
        let mut refuse = |name: &str, value: String, origin, why| {
            rejected.push(refused(name, value, origin, why));
        };
        let fields = match fields_of(path) {
            Ok(fields) => fields,
            Err(ConfigFileFault::Missing) if named.origin == Origin::CodeDefault => return,
            Err(why) => {
                let value = redact::text(&path.to_string_lossy()).into_owned();
                return refuse(named.name, value, named.origin, Rejection::File(why));
            }
        };
        for (name, value) in fields {
            match value {
                Json::String(text) => self.file.push((name, text)),
                Json::Bool(_) | Json::Number(_) => self.file.push((name, value.to_string())),
                Json::Null => {}
                Json::Array(_) | Json::Object(_) => {
                    let text = redact::value_of(&name, &value.to_string()).into_owned();
                    refuse(&name, text, Origin::File, Rejection::NotScalar);
                }
            }
        }
    }

    /// Reads the files of stable configuration. `first` has the values of the settings with their paths.
    pub fn read_stable(&mut self, draft: &mut Draft, first: &[Value], program: &Program, rejected: &mut Vec<Rejected>) {
        let language = draft.frozen.language.as_str();
        let mut read = |path: Option<PathBuf>, setting, origin| {
            let named = first.iter().find(|value| value.name == setting);
            match path.zip(named) {
                Some((path, named)) => stable::read(named, &path, origin, language, program, rejected),
                None => File::default(),
            }
        };
        self.local = read(draft.stable_local.take(), table::STABLE_LOCAL, Origin::Local);
        self.fleet = read(draft.stable_fleet.take(), table::STABLE_FLEET, Origin::Fleet);
    }

    /// Returns the identities of the local file and of Fleet Automation's.
    pub fn config_ids(&self) -> [Option<String>; 2] {
        [self.local.config_id.clone(), self.fleet.config_id.clone()]
    }

    /// Returns all values given for a setting, strongest first, without empty ones.
    fn given(&self, setting: &str) -> Vec<Choice> {
        self.given_or_empty(setting).into_iter().filter(|choice| !choice.text.is_empty()).collect()
    }

    /// As `given`, with empty texts.
    fn given_or_empty(&self, setting: &str) -> Vec<Choice> {
        let choice = |origin, name: &str, text: &str, line| {
            let (name, text) = (name.to_string(), text.trim().to_string());
            Choice { origin, name, text, line }
        };
        let in_code = |preset| {
            let mut given = self.code.iter().rev().filter(|given| given.preset == preset && given.setting == setting);
            given.next().map(|given| choice(given.origin(), given.name, given.value, None))
        };
        let in_stable = |file: &File, origin| {
            file.find(setting).map(|entry| choice(origin, &entry.name, &entry.text, Some(entry.line)))
        };
        let env = (self.env)(setting).map(|text| choice(Origin::Env, setting, &text, None));
        let in_file = self.file.iter().find(|(name, _)| name == setting);
        let in_file = in_file.map(|(name, text)| choice(Origin::File, name, text, None));
        let (local, fleet) = (in_stable(&self.local, Origin::Local), in_stable(&self.fleet, Origin::Fleet));
        [in_code(false), fleet, env, local, in_code(true), in_file].into_iter().flatten().collect()
    }

    /// Makes a rejected value. `shown` must not contain secrets.
    fn refuse(&self, Choice { origin, name, line, .. }: &Choice, shown: String, why: Rejection) -> Rejected {
        let why = match (origin, line) {
            (Origin::Local, Some(line)) => self.local.at(*line, why),
            (Origin::Fleet, Some(line)) => self.fleet.at(*line, why),
            _ => why,
        };
        refused(name, shown, *origin, why)
    }

    /// Stores the strongest valid value of a setting in the draft.
    pub fn choose(&self, setting: &'static Setting, draft: &mut Draft, rejected: &mut Vec<Rejected>) -> Value {
        if let Kind::LoggerLevels = setting.kind {
            return self.choose_loggers(setting, draft, rejected);
        }
        let given = match setting.kind {
            Kind::Names(_) => self.given_or_empty(setting.name),
            _ => self.given(setting.name),
        };
        for choice in given {
            let Choice { origin, text, .. } = &choice;
            let applied = match text.len() {
                0..=parse::TEXT_MAX => setting.kind.apply(text, draft),
                _ => Err(Rejection::TooLong { max_bytes: parse::TEXT_MAX }),
            };
            match applied {
                Ok(()) => {
                    let left_out = draft.left_out.drain(..);
                    rejected.extend(left_out.map(|(part, why)| self.refuse(&choice, part, why)));
                    return Value { name: setting.name, value: shown(setting, text), origin: *origin };
                }
                Err(why) => rejected.push(self.refuse(&choice, shown(setting, text), why)),
            }
        }
        if !setting.default.is_empty() {
            // A test checks that every default in the table is valid.
            let _ = setting.kind.apply(setting.default, draft);
        }
        Value { name: setting.name, value: setting.default.into(), origin: Origin::Default }
    }

    /// Stores the levels of loggers, under all names of the family.
    fn choose_loggers(&self, setting: &'static Setting, draft: &mut Draft, rejected: &mut Vec<Rejected>) -> Value {
        let (mut said, mut strongest) = (Vec::new(), Origin::Default);
        for (logger, name) in self.loggers(draft.language) {
            for choice in self.given(&name) {
                let Choice { origin, text, .. } = &choice;
                let full = draft.frozen.log_rules.len() >= LOGGER_LEVELS_MAX;
                let read = match draft.language.read_levels(text) {
                    Ok(_) if full => Err(Rejection::TooManyLoggers { max: LOGGER_LEVELS_MAX }),
                    read => read,
                };
                match read {
                    Ok(Levels { level, .. }) => {
                        if let Some(level) = level {
                            said.push(format!("{}={}", redact::text(&logger), level.name()));
                            strongest = strongest.max(*origin);
                            draft.frozen.log_rules.push((logger, level));
                        }
                        break;
                    }
                    Err(why) => rejected.push(self.refuse(&choice, redact::text(text).into_owned(), why)),
                }
            }
        }
        Value { name: setting.name, value: parse::shorten(said.join(","), REJECTED_MAX), origin: strongest }
    }

    /// Returns the loggers for which a level was given, and the names that gave it.
    fn loggers(&self, language: &LanguageSettings) -> Vec<(String, String)> {
        match language.loggers {
            Loggers::None => Vec::new(),
            Loggers::Listed(list) => list(),
            Loggers::Prefixed(prefix) => {
                let logger = |given: &Given<'_>| given.name.strip_prefix(prefix).map(str::to_string);
                let mut names: Vec<String> =
                    self.code.iter().filter_map(logger).filter(|name| !name.is_empty()).collect();
                names.sort();
                names.dedup();
                names.into_iter().map(|name| (name.clone(), format!("{prefix}{name}"))).collect()
            }
        }
    }

    /// Returns the names of unsupported settings that are set in any source.
    pub fn unsupported(&self) -> Vec<&'static str> {
        let asks = |setting: &&Later| {
            let strongest = self.given(setting.name).into_iter().next();
            strongest.is_some_and(|choice| !setting.switch || parse::switch(&choice.text) != Ok(false))
        };
        TOPICS.iter().flat_map(|topic| topic.settings).filter(asks).map(|setting| setting.name).collect()
    }

    /// Returns names in code that are no setting for a host in this language.
    pub fn unknown_names(&self, language: &LanguageSettings) -> Vec<Rejected> {
        let known = table::all().filter(|setting| setting.is_for(language)).map(|setting| setting.name);
        let families: Vec<String> = self.loggers(language).into_iter().map(|(_, name)| name).collect();
        let unknown = self.code.iter().filter(|given| {
            let name = given.setting.as_str();
            !known.clone().any(|known| known == name)
                && later::find(name).is_none()
                && !families.iter().any(|family| family == name)
        });
        let rejected = unknown.map(|given| {
            let prefix = if given.preset { DEFAULT_PREFIX } else { "" };
            let meant = parse::nearest(&given.setting, known.clone());
            let why = Rejection::NoSuchSetting { prefix, meant };
            let value = redact::value_of(given.name, given.value).into_owned();
            refused(&format!("{prefix}{}", given.name), value, given.origin(), why)
        });
        rejected.collect()
    }
}

/// Returns the fields of a configuration file that are settings of tracers.
fn fields_of(path: &Path) -> Result<Vec<(String, Json)>, ConfigFileFault> {
    match serde_json::from_slice(&file::read(path)?) {
        Ok(Json::Object(fields)) => {
            let ours = |name: &String| name.starts_with("DD_") || name.starts_with("OTEL_");
            Ok(fields.into_iter().filter(|(name, _)| ours(name)).collect())
        }
        Ok(_) => Err(ConfigFileFault::NotJsonObject),
        Err(error) => Err(ConfigFileFault::NotJson { error: error.to_string() }),
    }
}
