//! .NET: where its two log files are, what they are called in which version, and which old ones are deleted. Keys of
//! app.config and web.config are passed as `default:NAME`; `datadog.json` is read if `DD_TRACE_CONFIG_FILE` names it.
//! `GlobalSettings.SetDebugEnabled` is `spanwire_debug_set`.

use super::{levels, Habits, Version};
use crate::languages::Form;
use crate::settings::parse::Sinks;
use crate::settings::Rejection;
use std::path::PathBuf;

/// What a binding for .NET may pass: the settings' own names, which are those of its configuration files.
pub static HABITS: Habits = Habits {
    title: ".NET",
    names: &[],
    family: None,
    level_words: "`off`, `error`, `warn`, `info`, `debug`, `trace`",
    levels: levels::plain,
};

/// The largest file of native code, and how many older ones are kept.
pub const NATIVE_MAX_BYTES: u64 = 5 << 20;
/// See [`NATIVE_MAX_BYTES`].
pub const NATIVE_BACKUPS: u32 = 10;
/// How many older files of managed code are kept.
pub const MANAGED_BACKUPS: u32 = 30;
/// What the names of files begin with that are deleted when they are old.
pub const OLD_FILES: [&str; 3] = ["dotnet-tracer-", "dotnet-native-loader-", "DD-DotNet-Profiler-Native-"];

/// The folder where nobody names one. `exists` asks for a folder, `env` for a variable.
pub fn default_folder(exists: fn(&str) -> bool, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    const INJECTED: &str = "/datadog-lib/logs";
    if env("WEBSITE_SITE_NAME").is_some_and(|site| !site.is_empty()) {
        "/home/LogFiles/datadog".into()
    } else if exists(INJECTED) {
        INJECTED.into()
    } else {
        "/var/log/datadog/dotnet".into()
    }
}

/// The names of the files for managed and for native code. `date` is `yyyyMMdd`.
pub fn file_names(version: Option<Version>, form: Form, process: &str, pid: u32, date: &str) -> (String, String) {
    let before = |minor| version.is_some_and(|version| version.is_before(1, minor, 0));
    let managed = match form {
        _ if before(21) => format!("dotnet-tracer-{process}-{date}.log"),
        Form::Page => format!("dotnet-tracer-managed-{process}-{date}.log"),
        Form::Source => format!("dotnet-tracer-managed-{process}-{pid}.log"),
    };
    let native = if before(21) {
        "dotnet-profiler.log".into()
    } else if before(26) {
        "dotnet-tracer-native.log".into()
    } else {
        format!("dotnet-tracer-native-{}-{pid}.log", native_process(process))
    };
    (managed, native)
}

/// A program's name as native code writes it.
fn native_process(process: &str) -> String {
    let bare = process.rsplit_once('.').map_or(process, |(bare, _)| bare);
    let bare = if bare.is_empty() { process } else { bare };
    bare.replace(['-', ' '], "_")
}

/// Reads `DD_TRACE_LOG_SINKS`. The console is standard error here: standard output is the application's.
pub fn sinks(text: &str) -> Result<Sinks, Rejection> {
    let mut sinks = Sinks { stderr: false, file: false, ring: true };
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "file" => sinks.file = true,
            "console" => sinks.stderr = true,
            _ => return Err(Rejection::OfLanguage("accepted are file and console, separated by commas")),
        }
    }
    match sinks.file || sinks.stderr {
        true => Ok(sinks),
        false => Err(Rejection::OfLanguage("names no sink; accepted are file and console")),
    }
}
