//! Settles where records go: the sinks and the log files that the settings and the host's language come to together.
//! Opens and makes nothing.

use super::draft::Draft;
use super::language::{FolderContext, FolderFile, FolderFiles, Outputs, Size};
use super::log_file::{FileConfig, Retention};
use super::parse::Sinks;
use crate::settings::{Origin, Rejected, Rejection, Settings, Surroundings, Value};
use std::path::{Path, PathBuf};

const SINKS: &str = "SPANWIRE_LOG_SINKS";
const FILE: &str = "DD_TRACE_LOG_FILE";
const FOLDER: &str = "DD_TRACE_LOG_DIRECTORY";

/// What is looked up outside of the settings.
pub(super) struct Outside<'a> {
    /// What the machine and the process say.
    pub around: &'a Surroundings,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// Settles the sinks and the files.
pub(super) fn settle(draft: &mut Draft, outside: &Outside<'_>, rejected: &mut Vec<Rejected>) {
    let named = draft.frozen.log_file.clone();
    let too_old = draft.language.log_file_since.as_ref().filter(|since| {
        let (major, minor, patch) = since.version;
        draft.version.is_some_and(|version| version.is_before(major, minor, patch))
    });
    if let (Some(_), Some(since), Some(value)) = (&named, too_old, draft.frozen.value(FILE)) {
        rejected.push(refused(value, Rejection::OfLanguage(since.why)));
    }
    let place = if let Some(path) = draft.java_file.take() {
        Some(FileConfig { make_folders: true, truncate: true, else_stderr: true, ..of_size(draft, path, 0, 0) })
    } else if let Some(path) = named.clone().filter(|_| too_old.is_none()) {
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

/// Returns the sinks where `SPANWIRE_LOG_SINKS` names none, and their names. The host can always pull.
fn usual_sinks(draft: &Draft, file: bool) -> (Sinks, String) {
    let (stderr, file) = match draft.log_sinks {
        Some(named) => (named.stderr, named.file && file),
        None => (draft.language.outputs)(&Outputs {
            version: draft.version,
            language_version: &draft.frozen.language_version,
            file,
            basic_config: draft.basic_config,
            stream: draft.stream_handler,
        }),
    };
    let names = [(stderr, "stderr"), (file, "file"), (true, "ring")];
    let names: Vec<&str> = names.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
    (Sinks { stderr, file, ring: true }, names.join(","))
}

/// Returns the folder of log files: the one that is named, that of the old setting's file, or the language's own.
fn folder(draft: &mut Draft, outside: &Outside<'_>) -> Option<PathBuf> {
    let old = draft.log_path.take();
    if let Some(folder) = draft.folder.take() {
        return Some(folder);
    }
    if let Some(folder) = old.as_deref().and_then(Path::parent) {
        return Some(folder.to_path_buf());
    }
    let folder = draft.language.default_folder?(outside.around.folder_exists, outside.env);
    if let Some(value) = draft.frozen.values.iter_mut().find(|value| value.name == FOLDER) {
        value.value = folder.display().to_string();
    }
    Some(folder)
}

/// Returns the file that `DD_TRACE_LOG_FILE` names.
fn named_file(draft: &Draft, path: PathBuf) -> FileConfig {
    match draft.language.rotates_log_file {
        true => of_size(draft, path, draft.frozen.log_file_size, draft.frozen.log_file_backups),
        false => of_size(draft, path, 0, 0),
    }
}

/// Returns the file in `DD_TRACE_LOG_DIRECTORY`. The draft keeps that of native code.
fn file_in(draft: &mut Draft, folder: &Path, outside: &Outside<'_>) -> FileConfig {
    let Surroundings { process_name: process, pid, date, .. } = outside.around;
    let Some(folder_files) = draft.language.folder_files else {
        let (size, backups) = (draft.frozen.log_file_size, draft.frozen.log_file_backups);
        let file = of_size(draft, folder.join(format!("spanwire-{process}-{pid}.log")), size, backups);
        let asked = is_set(&draft.frozen, "DD_TRACE_LOGFILE_RETENTION_DAYS");
        let retention = retention(draft, &["spanwire-"]).filter(|_| asked);
        return FileConfig { make_folders: true, else_stderr: true, retention, ..file };
    };
    let (version, dialect) = (draft.version, draft.frozen.log_dialect.as_str());
    let FolderFiles { main, native } = folder_files(&FolderContext { version, dialect, process, pid: *pid, date });
    let temporary = (outside.env)("TMPDIR").filter(|folder| folder.starts_with('/')).unwrap_or_else(|| "/tmp".into());
    let place = |file: FolderFile| {
        let path = folder.join(&file.name);
        let config = match file.size {
            Size::Never => of_size(draft, path, 0, 0),
            Size::Managed(backups) => of_size(draft, path, draft.managed_max, backups),
            Size::Fixed(max_bytes, backups) => FileConfig { max_bytes, backups, ..of_size(draft, path, 0, 0) },
        };
        FileConfig {
            make_folders: file.make_folders,
            or_else: file.or_temporary.then(|| Path::new(&temporary).join(&file.name)),
            else_stderr: true,
            retention: retention(draft, file.old_files).filter(|_| !file.old_files.is_empty()),
            ..config
        }
    };
    let (main, native) = (place(main), native.map(place));
    if native.is_some() {
        draft.frozen.log_native_place = native;
    }
    main
}

/// Returns a file that is rotated at this size, unless the settings name another.
fn of_size(draft: &Draft, path: PathBuf, max_bytes: u64, backups: u32) -> FileConfig {
    let settings = &draft.frozen;
    let said = |name, said, otherwise| if is_set(settings, name) { said } else { otherwise };
    let max_bytes = said("DD_TRACE_LOG_FILE_SIZE_BYTES", settings.log_file_size, max_bytes);
    let backups = if max_bytes > 0 && backups == 0 { settings.log_file_backups } else { backups };
    let backups = if is_set(settings, "SPANWIRE_LOG_FILE_BACKUPS") { settings.log_file_backups } else { backups };
    // A mode that is set explicitly may allow access for other users that the umask would remove.
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
