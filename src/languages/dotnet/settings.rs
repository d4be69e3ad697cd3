//! Settings of .NET hosts: where the two log files are, how they are named in which version, and which old ones are
//! deleted. A binding passes keys of app.config and web.config as `default:NAME`; it names `datadog.json` in
//! `DD_TRACE_CONFIG_FILE`. `GlobalSettings.SetDebugEnabled` is `spanwire_debug_set`.

use crate::languages::language::Form;
use crate::settings::language::{FolderContext, FolderFile, FolderFiles, LanguageSettings, Size};
use crate::settings::version::Version;
use std::path::PathBuf;

pub(super) const SETTINGS: LanguageSettings = LanguageSettings {
    id: "dotnet",
    title: ".NET",
    debug_caps_level: true,
    default_folder: Some(default_folder),
    folder_files: Some(folder_files),
    ..LanguageSettings::PLAIN
};

/// The largest file of native code.
const NATIVE_MAX_BYTES: u64 = 5 << 20;
/// How many older files of native code are kept.
const NATIVE_BACKUPS: u32 = 10;
/// How many older files of managed code are kept.
const MANAGED_BACKUPS: u32 = 30;
/// Beginnings of the names of files that are deleted when they are old.
const OLD_FILES: &[&str] = &["dotnet-tracer-", "dotnet-native-loader-", "DD-DotNet-Profiler-Native-"];

fn folder_files(context: &FolderContext<'_>) -> FolderFiles {
    let form = Form::of(context.dialect);
    let (managed, native) = file_names(context.version, form, context.process, context.pid, context.date);
    let file = |name, size, old_files| FolderFile { name, size, make_folders: true, or_temporary: true, old_files };
    FolderFiles {
        main: file(managed, Size::Managed(MANAGED_BACKUPS), OLD_FILES),
        native: Some(file(native, Size::Fixed(NATIVE_MAX_BYTES, NATIVE_BACKUPS), &[])),
    }
}

fn default_folder(exists: fn(&str) -> bool, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    const INJECTED: &str = "/datadog-lib/logs";
    if env("WEBSITE_SITE_NAME").is_some_and(|site| !site.is_empty()) {
        "/home/LogFiles/datadog".into()
    } else if exists(INJECTED) {
        INJECTED.into()
    } else {
        "/var/log/datadog/dotnet".into()
    }
}

/// Returns the names of the files for managed and for native code. `date` is `yyyyMMdd`.
pub(super) fn file_names(
    version: Option<Version>,
    form: Form,
    process: &str,
    pid: u32,
    date: &str,
) -> (String, String) {
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

/// Returns a program's name as native code writes it.
fn native_process(process: &str) -> String {
    let bare = process.rsplit_once('.').map_or(process, |(bare, _)| bare);
    let bare = if bare.is_empty() { process } else { bare };
    bare.replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_versions_have_their_names() {
        let names = |version, form| file_names(Version::parse(version), form, "my-shop app.exe", 9, "20200301");
        let native = "dotnet-tracer-native-my_shop_app-9.log";
        let managed = "dotnet-tracer-managed-my-shop app.exe-20200301.log";
        for (version, wanted) in [
            ("", (managed, native)),
            ("2.19.0", (managed, native)),
            ("1.26.0", (managed, native)),
            ("1.25.2", (managed, "dotnet-tracer-native.log")),
            ("1.20.9", ("dotnet-tracer-my-shop app.exe-20200301.log", "dotnet-profiler.log")),
        ] {
            let (managed, native) = names(version, Form::Page);
            assert_eq!((managed.as_str(), native.as_str()), wanted, "{version}");
        }
        assert_eq!(names("", Form::Source).0, "dotnet-tracer-managed-my-shop app.exe-9.log");
    }
}
