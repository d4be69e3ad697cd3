//! Every setting and function that is named in documents, in the header, in the bindings, and in texts of the library
//! and the doctor exists.

mod support;

use spanwire::companion::settings::table;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use support::hosts::root;

/// Names that look like settings and are not: read by builds and bindings, variables of other programs, and wrong names
/// in examples of mistakes. Think twice before adding a name here.
const NO_SETTINGS: &[&str] = &[
    // Settings of the Agent.
    "DD_API_KEY",
    "DD_APM_ENABLED",
    // Of integrations of other tracers; docs/integrations.md says that they have no effect on ours.
    "DD_HTTP_SERVER_TAG_QUERY_STRING",
    "DD_TRACE_OBFUSCATION_QUERY_STRING_REGEXP",
    "DD_SITE",
    // A setting of PHP's own tracer, in advice for its users.
    "DD_TRACE_SIDECAR_TRACE_SENDER",
    // Wrong names that doctor and parser recognise.
    "DD_AGENT_PORT",
    "DD_TRACE_AGENT_HOST",
    // Placeholders.
    "DD_X",
    "DD_TRACE_X",
    "SPANWIRE_X",
    // Read or set by bindings, builds, tests and debuggers.
    "SPANWIRE_BLESS",
    "SPANWIRE_CARGO_DIR",
    "SPANWIRE_COMMANDS",
    "SPANWIRE_COMPANION",
    "SPANWIRE_INCLUDE",
    "SPANWIRE_INSTALL",
    "SPANWIRE_LIBRARY",
    "SPANWIRE_NO_ROOT",
    "SPANWIRE_RUBY_EXTENSION",
    "SPANWIRE_TEST_EXTENSION",
    // Macros and constants.
    "SPANWIRE_CURL_HPP",
    "SPANWIRE_HTTPLIB_CLIENT_HPP",
    "SPANWIRE_HTTPLIB_HPP",
    "SPANWIRE_HTTP_HPP",
    "SPANWIRE_ROUTE",
    "SPANWIRE_SPDLOG_HPP",
    "OTEL_LEVELS",
    "SPANWIRE_HPP",
    "SPANWIRE_HPP_EXCEPTIONS",
    "SPANWIRE_HPP_RTTI",
];

/// Names that look like functions and are not: a datum, the extension of the Ruby gem, and the scripts for debuggers.
const NO_FUNCTIONS: &[&str] =
    &["spanwire_debug_root", "spanwire_ext", "spanwire_gdb", "spanwire_inspect", "spanwire_lldb"];

/// Prefixes that documents use for all names that begin with them.
const FAMILIES: &[&str] = &["DD_", "DD_TRACE_", "SPANWIRE_", "OTEL_", "SPANWIRE_E_", "SPANWIRE_LEVEL_", "SPANWIRE_ID_"];

fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "tests" | "test" | "modules" | "autom4te.cache" | "build" | ".libs") {
                files(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) && !name.starts_with("config.") {
            found.push(path);
        }
    }
}

/// Returns the words in a text that begin with `prefix` and consist of bytes for which `of` is true, with the byte
/// before each.
fn words<'a>(text: &'a str, prefix: &str, of: fn(u8) -> bool) -> Vec<&'a str> {
    let bytes = text.as_bytes();
    let begins = text.match_indices(prefix).map(|(at, _)| at);
    let whole = begins.filter(|&at| at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_'));
    whole.map(|at| &text[at..at + bytes[at..].iter().take_while(|b| of(**b)).count()]).collect()
}

fn in_setting(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

fn in_function(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Returns Rust code without comments and tests, for its string literals. Its constants look like settings, too.
fn without_comments(code: &str) -> String {
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    lines.join("\n")
}

/// Returns the text that readers see, by file.
fn prose() -> BTreeMap<String, String> {
    let root = root();
    let mut found = vec![root.join("README.md"), root.join("ARCHITECTURE.md"), root.join("CHANGELOG.md")];
    for folder in ["docs", "bindings", "examples", "include"] {
        let endings = [".md", ".h", ".hpp", ".c", ".cpp", ".php", ".rb", ".py", ".rbs", ".txt", ".ini"];
        files(&root.join(folder), &endings, &mut found);
    }
    let mut sources = Vec::new();
    files(&root.join("src"), &[".rs"], &mut sources);
    sources.retain(|path| {
        let path = path.to_string_lossy();
        !path.ends_with("tests.rs") && !path.ends_with("worked.rs") && !path.ends_with("languages/docs.rs")
    });
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let documents = found.iter().map(|path| (name(path), read(path)));
    documents.chain(sources.iter().map(|path| (name(path), without_comments(&read(path))))).collect()
}

/// Returns the constants and functions in the header.
fn of_header(prefix: &str, of: fn(u8) -> bool) -> BTreeSet<String> {
    let header = fs::read_to_string(root().join("include/spanwire.h")).expect("the header");
    let code: String =
        header.lines().filter(|line| !line.starts_with(" *") && !line.starts_with("/*")).collect::<Vec<_>>().join("\n");
    words(&code, prefix, of).into_iter().map(str::to_owned).collect()
}

#[test]
fn every_setting_that_is_named_exists() {
    let constants = of_header("SPANWIRE_", in_setting);
    let known: BTreeSet<&str> = table::all().map(|setting| setting.name).collect();
    let exists = |name: &str| {
        known.contains(name)
            || table::later::find(name).is_some()
            || constants.contains(name)
            || NO_SETTINGS.contains(&name)
            || FAMILIES.contains(&name)
            // Include guards, and Python's loggers.
            || name.ends_with("_H")
            || name.starts_with("DD_INTERNAL_") && name.ends_with("_LOG_LEVEL")
    };
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (file, text) in prose() {
        for prefix in ["DD_", "SPANWIRE_", "OTEL_"] {
            for name in words(&text, prefix, in_setting) {
                seen += 1;
                if !exists(name) {
                    wrong.push(format!("{file}: {name}"));
                }
            }
        }
    }
    wrong.dedup();
    assert!(seen > 1_000, "{seen} names");
    assert!(wrong.is_empty(), "named, and not in the table of settings:\n{}", wrong.join("\n"));
}

#[test]
fn every_function_that_is_named_exists() {
    let functions = of_header("spanwire_", in_function);
    assert!(functions.len() > 50);
    let mut wrong = Vec::new();
    for (file, text) in prose() {
        if !file.ends_with(".md")
            && !file.starts_with("include/")
            && !file.starts_with("src/languages/")
            && !file.starts_with("src/bin/spanwire/doctor")
        {
            continue;
        }
        for name in words(&text, "spanwire_", in_function) {
            let family = name.ends_with('_') && functions.iter().any(|known| known.starts_with(name));
            if !functions.contains(name) && !family && !NO_FUNCTIONS.contains(&name) {
                wrong.push(format!("{file}: {name}"));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "named, and not in include/spanwire.h:\n{}", wrong.join("\n"));
}
