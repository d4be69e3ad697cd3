//! Where records go in Go, and in languages without a default folder for logs.

use super::*;

const FOLDER: (&str, &str) = ("DD_TRACE_LOG_DIRECTORY", "/srv/logs");

#[test]
fn gos_folder_must_be_there_and_its_file_is_never_rotated() {
    let settings = accepted_as("go", &[], &[FOLDER]);
    assert_eq!((settings.log_stderr, settings.log_to_file), (false, true));
    let place = settings.log_place.unwrap();
    let wanted =
        FileConfig { path: "/srv/logs/ddtrace.log".into(), mode: 0o600, else_stderr: true, ..FileConfig::default() };
    assert_eq!(place, wanted);
    assert_eq!(accepted_as("go", &[], &[]).log_place, None);
}

#[test]
fn any_host_may_have_a_folder_of_logs() {
    let place = accepted(&[], &[FOLDER]).log_place.unwrap();
    assert_eq!(place.path.to_str(), Some("/srv/logs/spanwire-shopd-476.log"));
    assert!(place.make_folders && place.else_stderr && place.retention.is_none());
    assert_eq!((place.max_bytes, place.backups, place.mode), (15 << 20, 1, 0o600));
    let place = accepted(&[], &[FOLDER, ("DD_TRACE_LOGFILE_RETENTION_DAYS", "7")]).log_place.unwrap();
    let retention = place.retention.unwrap();
    assert_eq!((retention.days, retention.prefixes), (7, vec!["spanwire-".to_string()]));
}

#[test]
fn a_named_file_wins_over_a_folder() {
    for language in ["native", "go", "dotnet"] {
        let settings = accepted_as(language, &[], &[FOLDER, ("DD_TRACE_LOG_FILE", "/tmp/one.log")]);
        assert_eq!(settings.log_place.unwrap().path.to_str(), Some("/tmp/one.log"), "{language}");
        assert_eq!(settings.log_native_place, None);
    }
}

#[test]
fn a_file_that_no_sink_takes_is_not_opened() {
    let settings = accepted(&[], &[("DD_TRACE_LOG_FILE", "/tmp/one.log"), ("SPANWIRE_LOG_SINKS", "stderr")]);
    assert_eq!((settings.log_place, settings.log_to_file), (None, false));
    assert_eq!(settings.log_file, Some("/tmp/one.log".into()));
}

#[test]
fn tracers_of_one_process_agree_on_their_files_name_over_midnight_and_forks() {
    let kept = AtomicU64::new(0);
    let (evening, morning) = (1_795_564_799_000_000_000, 1_795_564_801_000_000_000);
    assert_eq!((date_of(evening).as_str(), date_of(morning).as_str()), ("20261124", "20261125"));
    assert_eq!((first(&kept, evening), first(&kept, morning)), (evening, evening));
}
