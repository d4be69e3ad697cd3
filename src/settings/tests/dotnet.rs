//! What a .NET user relies on: the two files' places and names, what is deleted, and sinks.

use super::*;
use std::path::Path;

/// The files for managed and for native code.
fn paths(settings: &Settings) -> [String; 2] {
    let path = |place: &Option<FileConfig>| place.as_ref().map(|place| place.path.display().to_string());
    [&settings.log_place, &settings.log_native_place].map(|place| path(place).unwrap_or_default())
}

#[test]
fn logs_go_to_the_default_folder_with_the_names_of_the_page() {
    let settings = accepted_as("dotnet", &[], &[]);
    let managed = "/var/log/datadog/dotnet/dotnet-tracer-managed-shopd-20261124.log";
    let native = "/var/log/datadog/dotnet/dotnet-tracer-native-shopd-476.log";
    assert_eq!(paths(&settings), [managed, native]);
    assert_eq!((settings.log_stderr, settings.log_to_file, settings.log_ring), (false, true, true));
    assert_eq!(value(&settings, "DD_TRACE_LOG_DIRECTORY"), ("/var/log/datadog/dotnet", Origin::Default));
    assert_eq!(value(&settings, "SPANWIRE_LOG_SINKS"), ("file,ring", Origin::Default));
    let (managed, native) = (settings.log_place.unwrap(), settings.log_native_place.unwrap());
    assert_eq!((managed.max_bytes, managed.backups), (10 << 20, 30));
    assert_eq!((native.max_bytes, native.backups), (5 << 20, 10));
    assert!(managed.make_folders && managed.else_stderr && native.make_folders);
    let elsewhere = Path::new("/tmp/dotnet-tracer-managed-shopd-20261124.log");
    assert_eq!(managed.or_else.as_deref(), Some(elsewhere));
    let retention = managed.retention.unwrap();
    assert_eq!((retention.days, retention.prefixes.len(), native.retention), (32, 3, None));
}

#[test]
fn the_folder_can_be_named_and_is_another_in_a_container_or_app_service() {
    let env =
        [("DD_TRACE_LOG_DIRECTORY", "/srv/logs/"), ("DD_TRACE_LOG_PATH", "/old/file.log"), ("TMPDIR", "/var/tmp")];
    let settings = accepted_as("dotnet", &[("SPANWIRE_LOG_DIALECT", "dotnet@source")], &env);
    let managed = "/srv/logs/dotnet-tracer-managed-shopd-476.log";
    assert_eq!(paths(&settings), [managed, "/srv/logs/dotnet-tracer-native-shopd-476.log"]);
    let elsewhere = Path::new("/var/tmp/dotnet-tracer-managed-shopd-476.log");
    assert_eq!(settings.log_place.unwrap().or_else.as_deref(), Some(elsewhere));
    let settings = accepted_as("dotnet", &[], &env[1..]);
    assert_eq!(paths(&settings)[0], "/old/dotnet-tracer-managed-shopd-20261124.log");
    let injected = Surroundings { folder_exists: |path| path == "/datadog-lib/logs", ..around() };
    let (settings, _) = resolve_with(&[("SPANWIRE_LANGUAGE", ".NET")], &[], injected);
    assert_eq!(paths(&settings)[0], "/datadog-lib/logs/dotnet-tracer-managed-shopd-20261124.log");
    let settings = accepted_as("dotnet", &[], &[("WEBSITE_SITE_NAME", "shop")]);
    assert_eq!(paths(&settings)[0], "/home/LogFiles/datadog/dotnet-tracer-managed-shopd-20261124.log");
}

#[test]
fn sizes_days_and_sinks_are_settings() {
    let env = [("DD_MAX_LOGFILE_SIZE", "4096"), ("DD_TRACE_LOGFILE_RETENTION_DAYS", "0")];
    let managed = accepted_as("dotnet", &[], &env).log_place.unwrap();
    assert_eq!((managed.max_bytes, managed.retention), (4096, None));
    let sinks = |text| {
        let settings = accepted_as("dotnet", &[], &[("DD_TRACE_LOG_SINKS", text)]);
        (settings.log_stderr, settings.log_place.is_some(), settings.log_native_place.is_some(), settings.log_ring)
    };
    assert_eq!(sinks("file"), (false, true, true, true));
    assert_eq!(sinks("console"), (true, false, false, true));
    assert_eq!(sinks("Console, file"), (true, true, true, true));
    assert_eq!(resolve_as("dotnet", &[], &[("DD_TRACE_LOG_SINKS", "syslog")]).1.len(), 1);
    let settings = accepted_as("dotnet", &[], &[("SPANWIRE_LOG_SINKS", "ring"), ("DD_TRACE_LOG_SINKS", "file")]);
    assert_eq!((settings.log_place, settings.log_native_place, settings.log_file), (None, None, None));
}
