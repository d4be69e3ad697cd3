//! Where values come from: the host's code, in the names of its language; the environment; a configuration file. Which of
//! them wins for one setting. What several settings decide together is elsewhere.

use super::draft::Draft;
use super::language::{LanguageSettings, Loggers};
use super::levels::Levels;
use super::table::later::{self, Later, TOPICS};
use super::table::{self, Kind, Setting};
use super::version::Version;
use super::{parse, refused, shown, Origin, Rejected, Value, DEFAULT_PREFIX, LOGGER_LEVELS_MAX, REJECTED_MAX};
use crate::redact;
use crate::sys::{self, Descriptor};
use serde_json::Value as Json;
use std::path::Path;

/// The largest configuration file, in bytes.
const FILE_MAX: u64 = 1_000_000;

/// Everything that was given.
pub(super) struct Sources<'a> {
    code: Vec<Given<'a>>,
    env: &'a dyn Fn(&str) -> Option<String>,
    file: Vec<(String, String)>,
}

/// A name and a text from the host's code.
struct Given<'a> {
    /// The setting that the name means, or the name itself.
    setting: String,
    /// The name as it was given, without prefix.
    name: &'a str,
    value: &'a str,
    /// Whether it gives way to the environment.
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
    /// What `code` and the environment say, every name being a setting's own.
    pub fn new(code: &'a [(String, String)], env: &'a dyn Fn(&str) -> Option<String>) -> Sources<'a> {
        let given = |(given, value): &'a (String, String)| {
            let bare = given.strip_prefix(DEFAULT_PREFIX);
            let name = bare.unwrap_or(given);
            Given { setting: name.into(), name, value, preset: bare.is_some() }
        };
        Sources { code: code.iter().map(given).collect(), env, file: Vec::new() }
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
        // In front: who names such a setting as well means what he says.
        self.code.splice(0..0, turned_on);
    }

    /// Takes over a configuration file's values. A missing file is an error only where a user named it.
    pub fn read_file(&mut self, path: &Path, named: &Value, rejected: &mut Vec<Rejected>) {
        let mut refuse = |name: &str, value: String, origin, why| {
            rejected.push(refused(name, value, origin, why));
        };
        let fields = match fields_of(path) {
            Ok(fields) => fields,
            Err(None) if named.origin == Origin::CodeDefault => return,
            Err(why) => {
                let why = why.unwrap_or_else(|| "there is no such file".into());
                return refuse(named.name, redact::text(&path.to_string_lossy()).into_owned(), named.origin, why);
            }
        };
        for (name, value) in fields {
            match value {
                Json::String(text) => self.file.push((name, text)),
                Json::Bool(_) | Json::Number(_) => self.file.push((name, value.to_string())),
                Json::Null => {}
                Json::Array(_) | Json::Object(_) => {
                    let text = redact::value_of(&name, &value.to_string()).into_owned();
                    refuse(&name, text, Origin::File, "accepted are text, numbers, true and false".into());
                }
            }
        }
    }

    /// What was given for a setting, the strongest first: where, by which name, and the text, which is not empty.
    fn given(&self, setting: &str) -> Vec<(Origin, String, String)> {
        let in_code = |preset| {
            let mut given = self.code.iter().rev().filter(|given| given.preset == preset && given.setting == setting);
            given.next().map(|given| (given.origin(), given.name.to_string(), given.value.to_string()))
        };
        let env = (self.env)(setting).map(|text| (Origin::Env, setting.to_string(), text));
        let file = self.file.iter().find(|(name, _)| name == setting);
        let file = file.map(|(name, text)| (Origin::File, name.clone(), text.clone()));
        let all = [in_code(false), env, in_code(true), file].into_iter().flatten();
        let trimmed = all.map(|(origin, name, text)| (origin, name, text.trim().to_string()));
        trimmed.filter(|(_, _, text)| !text.is_empty()).collect()
    }

    /// The strongest usable value of a setting, put in its place.
    pub fn choose(&self, setting: &'static Setting, draft: &mut Draft, rejected: &mut Vec<Rejected>) -> Value {
        if let Kind::LoggerLevels = setting.kind {
            return self.choose_loggers(setting, draft, rejected);
        }
        for (origin, name, text) in self.given(setting.name) {
            let applied = match text.len() {
                0..=parse::TEXT_MAX => setting.kind.apply(&text, draft),
                _ => Err(format!("longer than the {} bytes that are accepted", parse::TEXT_MAX)),
            };
            match applied {
                Ok(()) => return Value { name: setting.name, value: shown(setting, &text), origin },
                Err(why) => {
                    rejected.push(refused(&name, shown(setting, &text), origin, why));
                }
            }
        }
        if !setting.default.is_empty() {
            // A test holds every default of the table to be accepted.
            let _ = setting.kind.apply(setting.default, draft);
        }
        Value { name: setting.name, value: setting.default.into(), origin: Origin::Default }
    }

    /// The levels of loggers that were given, by whatever names of the family.
    fn choose_loggers(&self, setting: &'static Setting, draft: &mut Draft, rejected: &mut Vec<Rejected>) -> Value {
        let (mut said, mut strongest) = (Vec::new(), Origin::Default);
        for (logger, name) in self.loggers(draft.language) {
            for (origin, name, text) in self.given(&name) {
                let full = draft.frozen.log_rules.len() >= LOGGER_LEVELS_MAX;
                let read = match draft.language.read_levels(&text) {
                    Ok(_) if full => {
                        Err(format!("there are {LOGGER_LEVELS_MAX} levels of loggers already; no more are accepted"))
                    }
                    read => read,
                };
                match read {
                    Ok(Levels { level, .. }) => {
                        if let Some(level) = level {
                            said.push(format!("{}={}", redact::text(&logger), level.name()));
                            strongest = strongest.max(origin);
                            draft.frozen.log_rules.push((logger, level));
                        }
                        break;
                    }
                    Err(why) => {
                        rejected.push(refused(&name, redact::text(&text).into_owned(), origin, why));
                    }
                }
            }
        }
        Value { name: setting.name, value: parse::shorten(said.join(","), REJECTED_MAX), origin: strongest }
    }

    /// The loggers that may have a level of their own, and the names by which it is given.
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

    /// The names of settings that are known, not supported, and set from anywhere.
    pub fn unsupported(&self) -> Vec<&'static str> {
        let asks = |setting: &&Later| {
            let strongest = self.given(setting.name).into_iter().next();
            strongest.is_some_and(|(_, _, text)| !setting.switch || parse::switch(&text) != Ok(false))
        };
        TOPICS.iter().flat_map(|topic| topic.settings).filter(asks).map(|setting| setting.name).collect()
    }

    /// Names in code that mean nothing to a host in this language.
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
            let why = match parse::nearest(&given.setting, known.clone()) {
                Some(meant) => format!("no such setting; {prefix}{meant} was probably meant"),
                None => "no such setting".to_string(),
            };
            let value = redact::value_of(given.name, given.value).into_owned();
            refused(&format!("{prefix}{}", given.name), value, given.origin(), why)
        });
        rejected.collect()
    }
}

/// The fields of a configuration file that are settings of tracers. `Err(None)`: there is no such file.
fn fields_of(path: &Path) -> Result<Vec<(String, Json)>, Option<String>> {
    let opened = Descriptor::open_to_read(path);
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => None,
        _ => Some(format!("it cannot be read: {error}")),
    };
    let file = opened.map_err(unreadable)?;
    let is_file = |open: &std::fs::File| Ok(open.metadata()?.is_file());
    if !file.file().map_err(std::io::Error::from).and_then(is_file).map_err(unreadable)? {
        return Err(Some("accepted is a file; this is none".into()));
    }
    let text = sys::read_all(&file, FILE_MAX + 1).map_err(unreadable)?;
    if text.len() as u64 > FILE_MAX {
        return Err(Some(format!("it is larger than the {FILE_MAX} bytes that are accepted")));
    }
    let bare = text.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(&text);
    match serde_json::from_slice(bare) {
        Ok(Json::Object(fields)) => {
            let ours = |name: &String| name.starts_with("DD_") || name.starts_with("OTEL_");
            Ok(fields.into_iter().filter(|(name, _)| ours(name)).collect())
        }
        Ok(_) => Err(Some("it is JSON but no object; accepted is an object such as {\"DD_SERVICE\":\"shop\"}".into())),
        Err(error) => Err(Some(format!("it is no JSON: {error}; it is not used"))),
    }
}
