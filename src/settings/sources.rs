//! The sources of values: the host's code, with the names of its language; the environment; a configuration file.
//! Chooses the value of each setting.

use super::draft::Draft;
use super::language::{LanguageSettings, Loggers};
use super::levels::Levels;
use super::rejection::{ConfigFileFault, Rejection};
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

/// All given values.
pub(super) struct Sources<'a> {
    code: Vec<Given<'a>>,
    env: &'a dyn Fn(&str) -> Option<String>,
    file: Vec<(String, String)>,
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

    /// Returns all values given for a setting, strongest first: origin, name and non-empty text.
    fn given(&self, setting: &str) -> Vec<(Origin, String, String)> {
        self.given_or_empty(setting).into_iter().filter(|(_, _, text)| !text.is_empty()).collect()
    }

    /// As `given`, with empty texts.
    fn given_or_empty(&self, setting: &str) -> Vec<(Origin, String, String)> {
        let in_code = |preset| {
            let mut given = self.code.iter().rev().filter(|given| given.preset == preset && given.setting == setting);
            given.next().map(|given| (given.origin(), given.name.to_string(), given.value.to_string()))
        };
        let env = (self.env)(setting).map(|text| (Origin::Env, setting.to_string(), text));
        let file = self.file.iter().find(|(name, _)| name == setting);
        let file = file.map(|(name, text)| (Origin::File, name.clone(), text.clone()));
        let all = [in_code(false), env, in_code(true), file].into_iter().flatten();
        all.map(|(origin, name, text)| (origin, name, text.trim().to_string())).collect()
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
        for (origin, name, text) in given {
            let applied = match text.len() {
                0..=parse::TEXT_MAX => setting.kind.apply(&text, draft),
                _ => Err(Rejection::TooLong { max_bytes: parse::TEXT_MAX }),
            };
            match applied {
                Ok(()) => {
                    let left_out = draft.left_out.drain(..);
                    rejected.extend(left_out.map(|(part, why)| refused(&name, part, origin, why)));
                    return Value { name: setting.name, value: shown(setting, &text), origin };
                }
                Err(why) => {
                    rejected.push(refused(&name, shown(setting, &text), origin, why));
                }
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
            for (origin, name, text) in self.given(&name) {
                let full = draft.frozen.log_rules.len() >= LOGGER_LEVELS_MAX;
                let read = match draft.language.read_levels(&text) {
                    Ok(_) if full => Err(Rejection::TooManyLoggers { max: LOGGER_LEVELS_MAX }),
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
            strongest.is_some_and(|(_, _, text)| !setting.switch || parse::switch(&text) != Ok(false))
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

/// Reads a file that a setting names.
#[allow(clippy::disallowed_methods)] // Opens the file.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, ConfigFileFault> {
    let opened = Descriptor::open_to_read(path);
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ConfigFileFault::Missing,
        _ => ConfigFileFault::Unreadable(error.into()),
    };
    let file = opened.map_err(unreadable)?;
    let is_file = |open: &std::fs::File| Ok(open.metadata()?.is_file());
    if !file.file().map_err(std::io::Error::from).and_then(is_file).map_err(unreadable)? {
        return Err(ConfigFileFault::NotAFile);
    }
    let text = sys::read_all(&file, FILE_MAX + 1).map_err(unreadable)?;
    if text.len() as u64 > FILE_MAX {
        return Err(ConfigFileFault::TooLarge { max_bytes: FILE_MAX });
    }
    Ok(text.strip_prefix(b"\xef\xbb\xbf".as_slice()).map_or_else(|| text.clone(), <[u8]>::to_vec))
}

/// Returns the fields of a configuration file that are settings of tracers.
fn fields_of(path: &Path) -> Result<Vec<(String, Json)>, ConfigFileFault> {
    match serde_json::from_slice(&read_file(path)?) {
        Ok(Json::Object(fields)) => {
            let ours = |name: &String| name.starts_with("DD_") || name.starts_with("OTEL_");
            Ok(fields.into_iter().filter(|(name, _)| ours(name)).collect())
        }
        Ok(_) => Err(ConfigFileFault::NotJsonObject),
        Err(error) => Err(ConfigFileFault::NotJson { error: error.to_string() }),
    }
}
