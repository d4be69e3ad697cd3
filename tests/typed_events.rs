//! Causes, reasons and limits stay values until a language words them. Two rules over the sources of the library keep it so:
//! no event has a field for a sentence, and no code looks for words in a text. Only the companion reads log lines, which may
//! be those of another version: its readers (`src/languages/reading`, `src/languages/<language>/reader.rs`) are left out.

#[path = "typed_events/prose.rs"]
mod prose;
#[path = "typed_events/types.rs"]
mod types;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The files with the types that events are made of.
const TYPES: &[&str] = &[
    "event.rs",
    "event/dropped.rs",
    "event/flare.rs",
    "event/names.rs",
    "event/remote.rs",
    "event/send_error.rs",
    "event/tls.rs",
    "event/views.rs",
    "os_error.rs",
    "settings/origin.rs",
    "settings/rejection.rs",
    "settings/rejection/stable.rs",
];

/// Fields with text. Each holds a name, an address, or words from outside of the library; `OfLanguage` and what is accepted
/// are constants.
const TEXTS: &[&str] = &[
    "Bounds.unit",
    "ConfigFileFault::NotJson.error",
    "DecidedBy::Rule.text",
    "Event::AgentFormat.asked",
    "Event::AgentFormat.url",
    "Event::AgentInfo.url",
    "Event::AgentInfo.version",
    "Event::AgentReachable.url",
    "Event::AgentRefused.answer",
    "Event::AgentRefused.url",
    "Event::AgentUnreachable.url",
    "Event::ChunkEnqueued.agent_url",
    "Event::FlareFailed.case_id",
    "Event::FlareFailed.url",
    "Event::FlareSent.case_id",
    "Event::FlareSent.url",
    "Event::HostEvent.fields",
    "Event::HostEvent.kind",
    "Event::HostText.target",
    "Event::HostText.text",
    "Event::IntegrationLoaded.name",
    "Event::IntegrationLoaded.status",
    "Event::IntegrationLoaded.version",
    "Event::LogFileOpened.path",
    "Event::LookupHangs.host",
    "Event::PanicCaught.message",
    "Event::ParentUnknown.name",
    "Event::PayloadSending.url",
    "Event::PayloadSent.answer",
    "Event::PayloadSent.url",
    "Event::RemoteConfigFailed.path",
    "Event::RemoteConfigReceived.paths",
    "Event::RemoteConfigReceived.url",
    "Event::SettingChanged.name",
    "Event::SettingChanged.value",
    "Event::SettingRejected.name",
    "Event::SettingRejected.value",
    "Event::SettingsUnsupported.names",
    "Event::TracerConfigured.agent_url",
    "Event::TracerConfigured.fields",
    "FlareFault::Answered.error",
    "MeantUrl.0",
    "OpenSpanView.component",
    "OpenSpanView.name",
    "OpenSpanView.resource",
    "OsError::Words.0",
    "Peer::Host.0",
    "Peer::Url.0",
    "Rejection::InFile.file",
    "Rejection::NoSuchSetting.meant",
    "Rejection::NoSuchSetting.prefix",
    "Rejection::NotJson.error",
    "Rejection::NotLevel.0",
    "Rejection::NotLevelAmong.0",
    "Rejection::NotPythonLevel.given",
    "Rejection::OfLanguage.0",
    "Rejection::Overridden.by",
    "Rejection::RulesNotJson.error",
    "Rejection::UnknownLayoutProperty.name",
    "Rejection::UnknownWord.0",
    "RemoteFault::Invalid.0",
    "RemoteFault::Missing.0",
    "RuleFault::NotText.key",
    "RuleFault::UnknownKey.key",
    "SampledView.env",
    "SampledView.name",
    "SampledView.service",
    "SendErrorKind::InvalidAddress.error",
    "SendErrorKind::InvalidAnswer.error",
    "SpanView.metrics",
    "SpanView.name",
    "SpanView.resource",
    "SpanView.service",
    "SpanView.span_type",
    "SpanView.tags",
    "StableFault::Missing.key",
    "StableFault::Missing.of",
    "StableFault::Not.key",
    "StableFault::UnknownKey.key",
    "StableFault::UnknownKey.known",
    "StableFault::Word.given",
    "StableFault::Word.key",
    "StableFault::Word.words",
    "TlsError::Alert.0",
    "TlsError::Certificate.0",
    "TlsError::NoAuthorities.0",
    "TlsError::Other.0",
    "TlsError::OtherHost.0",
    "Unreadable::Field.0",
    "Unreadable::NotJson.error",
    "UrlFault::NoColon.scheme",
    "UrlFault::NoSlashes.scheme",
    "UrlFault::PathNotAbsolute.scheme",
    "UrlFault::UnknownScheme.scheme",
];

/// Words that code of the library looks for, all of them in texts from outside.
const OUTSIDE: &[(&str, &str)] = &[
    // The standard library has no other way to the system's name of an error, nor to what a resolver says.
    ("os_error.rs", " (os error"),
    ("export/transport/dial.rs", "failed to lookup address information: "),
    // The kernel's mark behind the name of a removed file.
    ("host.rs", " (deleted)"),
    ("log/file/open.rs", " (deleted)"),
    // Secrets in texts of hosts.
    ("redact/patterns.rs", " key "),
    ("redact/patterns.rs", "key "),
    ("redact/patterns.rs", "token "),
    // What a host says of an integration.
    ("languages/php/lines.rs", "not available"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The library's files without the companion and without tests, by their names below `src/`.
fn files() -> Vec<(String, String)> {
    fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => gather(&path, found),
                false => found.push(path),
            }
        }
    }
    let (root, mut found) = (source(), Vec::new());
    gather(&root, &mut found);
    let name = |path: &PathBuf| path.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
    let is_test = |name: &str| {
        name.split('/').any(|part| matches!(part, "tests" | "tests.rs"))
            || matches!(name, "languages/worked.rs" | "languages/docs.rs")
    };
    let named = found.iter().map(|path| (name(path), path)).filter(|(name, _)| name.ends_with(".rs"));
    let of_companion = |name: &str| {
        name.starts_with("bin/")
            || name.starts_with("languages/reading")
            || name.starts_with("languages/") && name.ends_with("/reader.rs")
            // Lines of the PHP extension and other bindings.
            || name == "languages/native/bindings.rs"
    };
    let of_library = named.filter(|(name, _)| !of_companion(name) && !is_test(name));
    of_library.map(|(name, path)| (name, fs::read_to_string(path).expect("a file"))).collect()
}

#[test]
fn no_event_has_a_field_for_a_sentence() {
    let text = |file: &&str| fs::read_to_string(source().join(file)).expect("a file");
    let found: BTreeSet<String> = TYPES.iter().flat_map(|file| types::texts(&text(file))).collect();
    let listed: BTreeSet<String> = TEXTS.iter().map(ToString::to_string).collect();
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(new.is_empty(), "text in an event: {new:?}; make it an enum or a number, or list a text from outside");
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(gone.is_empty(), "remove from the list: {gone:?}");
}

#[test]
fn every_type_of_an_event_is_looked_at() {
    let text = |file: &&str| fs::read_to_string(source().join(file)).expect("a file");
    let defined: BTreeSet<String> = TYPES.iter().flat_map(|file| types::defined(&text(file))).collect();
    let named: BTreeSet<String> = TYPES.iter().flat_map(|file| types::named(&text(file))).collect();
    // Types without text of their own, of the library and the standard library.
    let plain = [
        "Box",
        "Duration",
        "ErrorKind",
        "Level",
        "Link", // of a span, as the host gave it
        "Option",
        "Path",
        "PathBuf",
        "Reason",
        "SocketAddr",
        "String",
        "Value",
        "Vec",
    ];
    let unknown: Vec<_> =
        named.iter().filter(|name| !defined.contains(*name) && !plain.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "add the file that defines {unknown:?} to TYPES");
}

#[test]
fn nothing_in_the_library_looks_for_words_in_a_text() {
    let (mut found, mut used) = (Vec::new(), BTreeSet::new());
    for (file, text) in files() {
        for words in prose::searched(&text) {
            match OUTSIDE.iter().position(|known| *known == (file.as_str(), words.as_str())) {
                Some(known) => drop(used.insert(known)),
                None => found.push(format!("src/{file} looks for {words:?}")),
            }
        }
    }
    assert!(found.is_empty(), "{}\nask the value instead of its sentence", found.join("\n"));
    let gone: Vec<_> = OUTSIDE.iter().enumerate().filter(|(n, _)| !used.contains(n)).map(|(_, known)| known).collect();
    assert!(gone.is_empty(), "remove from the list: {gone:?}");
}

#[test]
fn the_rules_find_what_they_forbid() {
    let event = "pub enum Event<'a> { A { error: &'a str, n: u64 }, B(Option<String>), C } pub struct View { tags: Vec<Cow<'static, str>> }";
    assert_eq!(types::texts(event), ["Event::A.error", "Event::B.0", "View.tags"]);
    assert_eq!(types::defined(event), ["Event", "View"]);
    let reader = r#"
        const TOO_LARGE: &str = "one span is larger than ";
        fn read(detail: &str, why: &str) -> bool {
            detail.strip_prefix(TOO_LARGE).is_some()
                || why.starts_with("no such setting")
                || ["timed out", "no answer"].iter().any(|begin| why.contains(begin))
                || why == "connection refused"
                || matches!(why, "cannot resolve" | "x")
                || match why { "connection reset" => true, _ => false }
                || why.starts_with("https://") || why.contains(',')
        }
        fn write(out: &mut String) { out.push_str("two words"); say(&format!("{} and more", 1)); }
        fn name(at: Option<u64>) -> String { at.map_or_else(|| "not known".into(), |_| "at a time".into()) }
        #[cfg(test)]
        mod tests { fn check(why: &str) { assert!(why.contains("two words")); } }
    "#;
    let wanted = [
        "cannot resolve",
        "connection refused",
        "connection reset",
        "no answer",
        "no such setting",
        "one span is larger than ",
        "timed out",
    ];
    assert_eq!(prose::searched(reader).into_iter().collect::<Vec<_>>(), wanted);
}
