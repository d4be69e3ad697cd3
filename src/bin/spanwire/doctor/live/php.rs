//! The settings of PHP: php.ini, the folder of additional files, the pools of php-fpm, and `-d` on the command line. Settings
//! of a directory (`.user.ini`, `.htaccess`) and those that a script makes are not read.

mod build;
mod ini;
mod pools;

use super::env_file::text_of;
use super::found::{good, note, with_evidence};
use super::given::Given;
use super::process::Process;
use crate::doctor::report::Finding;
use crate::out::{counted, Failure};
use build::Build;
use ini::Line;
use pools::is_pool_value;
use spanwire::companion::settings::table::{self, Kind};
use spanwire::companion::settings::Origin;
use std::path::{Path, PathBuf};

/// The largest number of files that are read.
const FILES_MAX: usize = 500;

/// What PHP's configuration sets.
#[derive(Default)]
pub struct Found {
    /// The settings of tracers.
    pub given: Vec<Given>,
    /// What was read.
    pub read: Vec<Finding>,
    /// Whether PHP sees no variables but those in `given`, as workers of php-fpm with `clear_env`.
    pub clears_environment: bool,
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Found {
    /// Reads the configuration of a running PHP; `None` if the process is not PHP.
    pub fn of_process(process: &Process, env: Env<'_>) -> Option<Found> {
        let (program, sapi) = program_of(process)?;
        let build = Build::of(&program);
        let options = Options::of(&process.command);
        let mut reading = Reading { env, root: Some(process), ..Reading::default() };
        if !options.none {
            let named = options.file.clone().or_else(|| env("PHPRC").filter(|path| !path.is_empty()));
            reading.main(named.map(PathBuf::from), &build, sapi);
            reading.additional(&build);
        }
        for (name, value) in &options.values {
            reading.set(name, value, "the command line (-d)");
        }
        if sapi == Sapi::Fpm {
            reading.pools_of(process, &build);
        } else {
            reading.service(&process.command, sapi);
        }
        Some(reading.done())
    }

    /// Reads this file, or php.ini and additional files in this folder. Without a path, reads those of the `php` that is in
    /// PATH.
    pub fn of_path(path: Option<&Path>, env: Env<'_>) -> Result<Found, Failure> {
        let mut reading = Reading { env, ..Reading::default() };
        let Some(path) = path else {
            let php = in_path("php").ok_or_else(|| {
                Failure::said("there is no `php` in PATH, so its php.ini is not known. Name the file: --php-ini FILE")
            })?;
            let build = Build::of(&php);
            reading.main(env("PHPRC").filter(|path| !path.is_empty()).map(PathBuf::from), &build, Sapi::Cli);
            reading.additional(&build);
            if reading.files.is_empty() {
                let why = "no php.ini was found. Name it (`php --ini` shows it): --php-ini FILE";
                return Err(Failure::said(format!("{}: {why}", php.display())));
            }
            return Ok(reading.done());
        };
        let unreadable = |why: String| Failure::said(format!("cannot read {}: {why}", path.display()));
        if path.is_dir() {
            reading.file(&path.join("php.ini"));
            reading.folder(path, "php.ini");
            reading.folder(&path.join("conf.d"), "");
            if reading.files.is_empty() {
                return Err(unreadable("the folder has no php.ini and no conf.d with *.ini files".into()));
            }
            return Ok(reading.done());
        }
        let text = text_of(path).map_err(unreadable)?;
        let lines = ini::parse(&text, env);
        let is_fpm = lines.iter().any(|line| line.section == "global" || matches!(line.name.as_str(), "listen" | "pm"))
            || lines.iter().any(|line| line.key.is_some() && (line.name == "env" || is_pool_value(&line.name)));
        if is_fpm {
            reading.service(&[], Sapi::Fpm);
            reading.fpm(path, None, &Build::default());
        } else {
            reading.take(path, lines);
            if let Some(folder) = path.parent() {
                reading.folder(&folder.join("conf.d"), "");
            }
        }
        Ok(reading.done())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sapi {
    Cli,
    Fpm,
    Server,
}

impl Sapi {
    /// The name in `php-NAME.ini`.
    fn name(self) -> &'static str {
        match self {
            Sapi::Cli => "cli",
            Sapi::Fpm => "fpm-fcgi",
            Sapi::Server => "apache2handler",
        }
    }
}

/// Returns the file that contains PHP: the program, or a module of a web server.
fn program_of(process: &Process) -> Option<(PathBuf, Sapi)> {
    match process.name.as_str() {
        name if name.starts_with("php-fpm") => Some((process.program(), Sapi::Fpm)),
        name if name.starts_with("php") => Some((process.program(), Sapi::Cli)),
        _ => {
            let module = process.libraries.iter().find(|path| {
                path.rsplit('/').next().is_some_and(|name| name.starts_with("libphp") || name.starts_with("mod_php"))
            })?;
            Some((process.inside(Path::new(module)), Sapi::Server))
        }
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Options of PHP's command line.
#[derive(Default)]
struct Options {
    /// `-n`: no php.ini.
    none: bool,
    /// `-c`: the file, or its folder.
    file: Option<String>,
    /// `-d`.
    values: Vec<(String, String)>,
    /// `--fpm-config`, `-y`.
    pools: Option<String>,
}

impl Options {
    fn of(command: &[String]) -> Options {
        let mut options = Options::default();
        let mut words = command.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            if !word.starts_with('-') || word == "--" {
                // The script; what follows are its own arguments.
                break;
            }
            let mut argument = |short: &str, long: &str| {
                if word == short || word == long {
                    return words.next().map(str::to_owned);
                }
                let rest = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
                let short = word.strip_prefix(short).filter(|_| !word.starts_with("--"));
                rest.or(short).map(str::to_owned)
            };
            if let Some(file) = argument("-c", "--php-ini") {
                options.file = Some(file);
            } else if let Some(file) = argument("-y", "--fpm-config") {
                options.pools = Some(file);
            } else if let Some(setting) = argument("-d", "--define") {
                let (name, value) = setting.split_once('=').unwrap_or((&setting, "1"));
                options.values.push((name.trim().to_owned(), value.trim().to_owned()));
            } else if word == "-n" || word == "--no-php-ini" {
                options.none = true;
            } else if matches!(word, "-f" | "-r" | "-S" | "-t" | "-B" | "-R" | "-F" | "-E" | "-z") {
                words.next();
            }
        }
        options
    }
}

fn nothing(_: &str) -> Option<String> {
    None
}

/// Files that are being read.
struct Reading<'a> {
    env: Env<'a>,
    /// The process in whose file system the paths are.
    root: Option<&'a Process>,
    given: Vec<Given>,
    files: Vec<String>,
    notes: Vec<Finding>,
    clears_environment: bool,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Reading {
            env: &nothing,
            root: None,
            given: Vec::new(),
            files: Vec::new(),
            notes: Vec::new(),
            clears_environment: false,
        }
    }
}

impl Reading<'_> {
    fn real(&self, path: &Path) -> PathBuf {
        self.root.map_or_else(|| path.to_owned(), |process| process.inside(path))
    }

    /// Reads php.ini: the file or folder that is named, or the one in the folder that was compiled in.
    fn main(&mut self, named: Option<PathBuf>, build: &Build, sapi: Sapi) {
        let mut folders = Vec::new();
        match named {
            Some(path) if self.real(&path).is_dir() => folders.push(path),
            Some(path) => {
                self.file(&path);
                return;
            }
            None => {}
        }
        folders.extend(build.folder.as_deref().map(PathBuf::from));
        for folder in folders {
            for name in [format!("php-{}.ini", sapi.name()), "php.ini".into()] {
                if self.file(&folder.join(name)) {
                    return;
                }
            }
        }
    }

    /// Reads the folders of additional files. An empty part of the variable means the folder that was compiled in.
    fn additional(&mut self, build: &Build) {
        let compiled = build.scan.clone().unwrap_or_default();
        let folders = (self.env)("PHP_INI_SCAN_DIR").unwrap_or_else(|| compiled.clone());
        for folder in folders.split(':') {
            let folder = if folder.is_empty() { compiled.as_str() } else { folder };
            if !folder.is_empty() {
                self.folder(Path::new(folder), "");
            }
        }
    }

    /// Reads `*.ini` in a folder in the order of their names, except one of them.
    fn folder(&mut self, folder: &Path, except: &str) {
        for name in names_in(&self.real(folder), "", ".ini").into_iter().filter(|name| name != except) {
            self.file(&folder.join(name));
        }
    }

    /// Reads a file, if it is there.
    fn file(&mut self, path: &Path) -> bool {
        let real = self.real(path);
        if !real.is_file() || self.files.len() >= FILES_MAX {
            return false;
        }
        match text_of(&real) {
            Ok(text) => {
                let lines = ini::parse(&text, self.env);
                self.take(path, lines);
            }
            Err(why) => {
                let says = format!("{} cannot be read: {why}", path.display());
                self.notes.push(note("settings.not_read", says, "Run this as a user that may read it, such as root."));
            }
        }
        true
    }

    /// Takes the settings of tracers from the lines of php.ini. Sections such as `[PATH=/www]` hold only for some
    /// requests.
    fn take(&mut self, path: &Path, lines: Vec<Line>) {
        let shown = path.display().to_string();
        for line in lines.iter().filter(|line| !line.section.contains('=')) {
            self.set(&line.name, &line.value, &format!("{shown}:{}", line.number));
        }
        self.files.push(shown);
    }

    /// Takes a value if its name is that of a tracer's setting.
    fn set(&mut self, ini: &str, value: &str, place: &str) {
        let Some(name) = setting_of(ini) else { return };
        let value = match value {
            "" => meaning_of_empty(&name),
            value => value,
        };
        let (value, place) = (value.to_owned(), place.to_owned());
        self.given.push(Given { name, value, origin: Origin::CodeDefault, place });
    }

    /// Adds the default service, as PHP's bindings set it.
    fn service(&mut self, command: &[String], sapi: Sapi) {
        let script = command.iter().skip(1).find(|word| word.ends_with(".php"));
        let service = match (sapi, script) {
            (Sapi::Cli, Some(script)) => script.rsplit('/').next().unwrap_or(script),
            (Sapi::Cli, None) => return,
            _ => "web.request",
        };
        let place = "PHP's default".to_owned();
        let (name, value, origin) = ("DD_SERVICE".to_owned(), service.to_owned(), Origin::CodeDefault);
        self.given.insert(0, Given { name, value, origin, place });
    }

    fn done(self) -> Found {
        let mut read = self.notes;
        if !self.files.is_empty() {
            let values = self.given.iter().filter(|given| given.place.contains(':')).count();
            let says = format!(
                "PHP's configuration, {}, sets {} of a tracer",
                counted(self.files.len(), "file"),
                counted(values, "value")
            );
            let with_values = self.files.iter().filter(|file| {
                self.given.iter().any(|given| given.place.rsplit_once(':').is_some_and(|(place, _)| place == *file))
            });
            let mut shown: Vec<&String> = with_values.collect();
            if shown.is_empty() {
                shown.extend(self.files.first());
            }
            read.insert(0, with_evidence(good("settings.read", says), shown));
        }
        Found { given: self.given, read, clears_environment: self.clears_environment }
    }
}

/// Returns the names in a folder that begin and end so, sorted.
fn names_in(folder: &Path, begins: &str, ends: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| name.len() >= begins.len() + ends.len() && name.starts_with(begins) && name.ends_with(ends))
        .take(FILES_MAX)
        .collect();
    names.sort();
    names
}

/// Returns the setting that an INI name means: `datadog.trace.debug` is `DD_TRACE_DEBUG`.
fn setting_of(ini: &str) -> Option<String> {
    let (prefix, rest) = match ini.split_once('.')? {
        ("datadog", rest) => ("DD_", rest),
        ("spanwire", "library") => return None,
        ("spanwire", rest) => ("SPANWIRE_", rest),
        _ => return None,
    };
    Some(format!("{prefix}{}", rest.to_ascii_uppercase().replace(['.', '-'], "_")))
}

/// What an empty text means: php.ini turns an unquoted `off`, `no`, `false` or `none` into one.
fn meaning_of_empty(name: &str) -> &'static str {
    match name {
        "DD_TRACE_LOG_LEVEL" => "off",
        "SPANWIRE_LOG_SINKS" => "none",
        _ => match table::all().find(|setting| setting.name == name).map(|setting| &setting.kind) {
            Some(Kind::Switch(_)) => "false",
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_of_php_is_understood() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let options =
            Options::of(&words("php -c /etc/a.ini -ddatadog.env=x -d datadog.service=shop run.php -n -d a=b"));
        assert_eq!((options.file.as_deref(), options.none), (Some("/etc/a.ini"), false));
        let values: Vec<(&str, &str)> = options.values.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(values, [("datadog.env", "x"), ("datadog.service", "shop")]);
        let options = Options::of(&words("php-fpm8.2 -n --nodaemonize --fpm-config /etc/f.conf"));
        assert_eq!((options.pools.as_deref(), options.none), (Some("/etc/f.conf"), true));
        assert_eq!(Options::of(&words("php-fpm --fpm-config=/etc/f.conf")).pools.as_deref(), Some("/etc/f.conf"));
    }

    #[test]
    fn ini_names_are_settings_and_off_is_a_value() {
        assert_eq!(setting_of("datadog.trace.agent_url").as_deref(), Some("DD_TRACE_AGENT_URL"));
        assert_eq!(setting_of("spanwire.log_sinks").as_deref(), Some("SPANWIRE_LOG_SINKS"));
        assert_eq!(
            (setting_of("spanwire.library"), setting_of("opcache.enable"), setting_of("precision")),
            (None, None, None)
        );
        assert_eq!((meaning_of_empty("DD_TRACE_ENABLED"), meaning_of_empty("DD_ENV")), ("false", ""));
    }
}
