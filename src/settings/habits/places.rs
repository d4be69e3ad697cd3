//! Where records go: the sinks and the log file that the settings come to together, in the way of the host's language.
//! Nothing is opened or made here.

use super::{dotnet, go, python};
use crate::languages::Language;
use crate::log::{Dialect, FileConfig, Retention};
use crate::settings::draft::Draft;
use crate::settings::parse::Sinks;
use crate::settings::{Origin, Rejected, Rejection, Settings, Surroundings, Value};
use std::path::{Path, PathBuf};

const SINKS: &str = "SPANWIRE_LOG_SINKS";
const FILE: &str = "DD_TRACE_LOG_FILE";
const FOLDER: &str = "DD_TRACE_LOG_DIRECTORY";

/// What is looked up outside of the settings.
pub(in crate::settings) struct Outside<'a> {
    /// What the machine says.
    pub around: &'a Surroundings,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// Settles the sinks and the files.
pub(in crate::settings) fn settle(draft: &mut Draft, outside: &Outside<'_>, rejected: &mut Vec<Rejected>) {
    let named = draft.frozen.log_file.clone();
    let old_python = draft.language == Language::Python && draft.version.is_some_and(|v| v.is_before(1, 3, 2));
    if let (Some(_), true, Some(value)) = (&named, old_python, draft.frozen.value(FILE)) {
        let why = Rejection::OfLanguage(
            "ddtrace has a log file from version 1.3.2 on, and SPANWIRE_TRACER_VERSION is older; it is not used",
        );
        rejected.push(refused(value, why));
    }
    let place = if let Some(path) = draft.java_file.take() {
        Some(FileConfig { make_folders: true, truncate: true, else_stderr: true, ..of_size(draft, path, 0, 0) })
    } else if let Some(path) = named.clone().filter(|_| !old_python) {
        Some(named_file(draft, path))
    } else {
        folder(draft, outside).map(|folder| file_in(draft, &folder, outside))
    };
    let (usual, shown) = usual_sinks(draft, place.is_some());
    let settings = &mut draft.frozen;
    let value = settings.values.iter_mut().find(|value| value.name == SINKS);
    let sinks = match value {
        Some(value) if value.origin != Origin::Default => {
            if draft.sinks.file && place.is_none() {
                rejected.push(refused(value, Rejection::SinkWithoutFile));
            }
            Sinks { file: draft.sinks.file && place.is_some(), ..draft.sinks }
        }
        value => {
            if let Some(value) = value {
                value.value = shown;
            }
            usual
        }
    };
    (settings.log_stderr, settings.log_ring, settings.log_to_file) = (sinks.stderr, sinks.ring, sinks.file);
    settings.log_file = match &place {
        Some(place) if sinks.file => Some(place.path.clone()),
        _ => named,
    };
    if let Some(place) = &place {
        (settings.log_file_size, settings.log_file_backups) = (place.max_bytes, place.backups);
    }
    settings.log_place = place.filter(|_| sinks.file);
    settings.log_native_place = settings.log_native_place.take().filter(|_| sinks.file);
}

/// The sinks where `SPANWIRE_LOG_SINKS` names none, and their names. The host can always pull.
fn usual_sinks(draft: &Draft, file: bool) -> (Sinks, String) {
    let (stderr, file) = match (draft.log_sinks, draft.language) {
        (Some(named), _) => (named.stderr, named.file && file),
        (None, Language::Python) => {
            let python2 = draft.frozen.language_version.starts_with('2');
            let (version, basic_config, stream) = (draft.version, draft.basic_config, draft.stream_handler);
            python::Outputs { version, python2, file, basic_config, stream }.choose()
        }
        (None, _) => (!file, file),
    };
    let names = [(stderr, "stderr"), (file, "file"), (true, "ring")];
    let names: Vec<&str> = names.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
    (Sinks { stderr, file, ring: true }, names.join(","))
}

/// The folder of log files: the one that is named, that of the old setting's file, or the language's own.
fn folder(draft: &mut Draft, outside: &Outside<'_>) -> Option<PathBuf> {
    let old = draft.log_path.take();
    if let Some(folder) = draft.folder.take() {
        return Some(folder);
    }
    if let Some(folder) = old.as_deref().and_then(Path::parent) {
        return Some(folder.to_path_buf());
    }
    if draft.language != Language::Dotnet {
        return None;
    }
    let folder = dotnet::default_folder(outside.around.folder_exists, outside.env);
    if let Some(value) = draft.frozen.values.iter_mut().find(|value| value.name == FOLDER) {
        value.value = folder.display().to_string();
    }
    Some(folder)
}

/// `DD_TRACE_LOG_FILE`.
fn named_file(draft: &Draft, path: PathBuf) -> FileConfig {
    match draft.language {
        // Rotated by another program, if at all.
        Language::Php => of_size(draft, path, 0, 0),
        _ => of_size(draft, path, draft.frozen.log_file_size, draft.frozen.log_file_backups),
    }
}

/// A file in `DD_TRACE_LOG_DIRECTORY`.
fn file_in(draft: &mut Draft, folder: &Path, outside: &Outside<'_>) -> FileConfig {
    let Surroundings { process_name: process, pid, date, .. } = outside.around;
    let elsewhere = (outside.env)("TMPDIR").filter(|folder| folder.starts_with('/')).unwrap_or_else(|| "/tmp".into());
    let elsewhere = Path::new(&elsewhere);
    match draft.language {
        Language::Go => {
            let file = of_size(draft, folder.join(go::LOG_FILE), 0, 0);
            FileConfig { else_stderr: true, ..file }
        }
        Language::Dotnet => {
            let form = Dialect::from_name(&draft.frozen.log_dialect).unwrap_or_default().form;
            let (managed, native) = dotnet::file_names(draft.version, form, process, *pid, date);
            let made = |name: &str, max_bytes, backups| FileConfig {
                make_folders: true,
                or_else: Some(elsewhere.join(name)),
                else_stderr: true,
                ..of_size(draft, folder.join(name), max_bytes, backups)
            };
            let native_place = FileConfig {
                max_bytes: dotnet::NATIVE_MAX_BYTES,
                backups: dotnet::NATIVE_BACKUPS,
                ..made(&native, 0, 0)
            };
            let managed = made(&managed, draft.managed_max, dotnet::MANAGED_BACKUPS);
            let managed = FileConfig { retention: retention(draft, &dotnet::OLD_FILES), ..managed };
            draft.frozen.log_native_place = Some(native_place);
            managed
        }
        _ => {
            let (size, backups) = (draft.frozen.log_file_size, draft.frozen.log_file_backups);
            let file = of_size(draft, folder.join(format!("spanwire-{process}-{pid}.log")), size, backups);
            let asked = is_set(&draft.frozen, "DD_TRACE_LOGFILE_RETENTION_DAYS");
            let retention = retention(draft, &["spanwire-"]).filter(|_| asked);
            FileConfig { make_folders: true, else_stderr: true, retention, ..file }
        }
    }
}

/// A file that is rotated at this size, unless the settings say another.
fn of_size(draft: &Draft, path: PathBuf, max_bytes: u64, backups: u32) -> FileConfig {
    let settings = &draft.frozen;
    let said = |name, said, otherwise| if is_set(settings, name) { said } else { otherwise };
    let max_bytes = said("DD_TRACE_LOG_FILE_SIZE_BYTES", settings.log_file_size, max_bytes);
    let backups = if max_bytes > 0 && backups == 0 { settings.log_file_backups } else { backups };
    let backups = if is_set(settings, "SPANWIRE_LOG_FILE_BACKUPS") { settings.log_file_backups } else { backups };
    // A mode that somebody asks for lets other users in, whom the umask would keep out.
    let exact_mode = is_set(settings, "SPANWIRE_LOG_FILE_MODE");
    FileConfig { path, max_bytes, backups, mode: draft.file_mode, exact_mode, ..FileConfig::default() }
}

fn retention(draft: &Draft, prefixes: &[&str]) -> Option<Retention> {
    let prefixes = prefixes.iter().map(ToString::to_string).collect();
    (draft.retention_days > 0).then_some(Retention { days: draft.retention_days, prefixes })
}

fn is_set(settings: &Settings, name: &str) -> bool {
    settings.value(name).is_some_and(|value| value.origin != Origin::Default)
}

fn refused(value: &Value, why: Rejection) -> Rejected {
    Rejected { name: value.name.into(), value: value.value.clone(), origin: value.origin, why }
}
