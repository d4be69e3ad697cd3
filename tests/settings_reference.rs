//! Checks that docs/settings.md agrees with the table of settings and the language settings, and docs/redaction.md with
//! the redactor's words. `cargo test --test settings_reference -- --bless` writes both.

use spanwire::companion::languages::{ALL, FOR_SETTINGS};
use spanwire::companion::redact::{words, REDACTED};
use spanwire::companion::settings::language::{LanguageSettings, Name};
use spanwire::companion::settings::table::later::{Later, TOPICS};
use spanwire::companion::settings::table::{Setting, SECTIONS};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

const INTRODUCTION: &str = "\
<!-- Written from src/settings/table.rs and src/languages by `cargo test --test settings_reference -- --bless`. -->
# Settings

A setting is a name and a text. A host passes a list of settings to `spanwire_tracer_new`; each can also be set in the \
environment. Settings are read once, when the tracer is made; remote configuration changes some of them later.

If several sources set a value, the first in this table is used:

| Source | Origin shown |
|---|---|
| remote configuration, while the tracer runs; see [Remote configuration](remote-configuration.md) | `remote_config` |
| the host's code | `code` |
| the [stable configuration](stable-configuration.md) file of Fleet Automation | `fleet_stable_config` |
| the environment | `env` |
| the local stable configuration file | `local_stable_config` |
| the host's code, as `default:NAME`: the host's default, which users can override | `code_default` |
| the file that `DD_TRACE_CONFIG_FILE` names | `file` |
| the default below | `default` |

- White space around a value is ignored. An empty value counts as not set.
- An invalid value counts as not set, with one warning that names the accepted values. A name in code that is neither \
on this page nor a setting of other tracers causes a warning too. Unknown names in the environment are ignored.
- A switch is on with `true`, `1`, `yes` or `on`, off with `false`, `0`, `no` or `off`, in any case.
- `spanwire_tracer_config_json` returns the value and origin of every setting. The start-up line shows those that are set. \
In both, credentials in URLs and tags with the name of a secret are redacted.

Spans go to the first of these: `DD_TRACE_AGENT_URL`; `DD_AGENT_HOST` and `DD_TRACE_AGENT_PORT` if at least one is set; \
the socket `/var/run/datadog/apm.socket` if it exists; `http://localhost:8126`. A host or port from a stronger source \
than that of the URL overrides the URL. An `http://` URL without a port means port 80. User, password and query of the \
URL are not used. `https://` needs a library with the feature `tls` ([Formats](formats.md#tls)): with another one nothing \
is sent, and the log says so.
";

const NAMES: &str = "
## Names in each language

In code, a host in one of these languages (`SPANWIRE_LANGUAGE`) may use these names, which its users know, also after \
`default:`. In other languages they are unknown names.

| Language | Name | Setting |
|---|---|---|
";

const LEVELS: &str = "
## Levels

Values of `DD_TRACE_LOG_LEVEL`, in upper or lower case:

| Language | Accepts |
|---|---|
";

fn reference() -> String {
    let mut text = String::from(INTRODUCTION);
    for section in SECTIONS {
        let _ = write!(
            text,
            "\n## {}\n\n{}{}| Name | Accepts | Default | What it does | Since |\n|---|---|---|---|---|\n",
            section.title,
            section.about,
            if section.about.is_empty() { "" } else { "\n\n" },
        );
        for setting in section.settings {
            let Setting { name, about, since, .. } = setting;
            let _ = writeln!(
                text,
                "| `{name}` | {} | {} | {about} | {since} |",
                setting.kind.accepts(&FOR_SETTINGS),
                default(setting)
            );
        }
    }
    text + &later() + &names() + &levels()
}

const LATER: &str = "
## Known, and not supported yet

These settings of other tracers have no effect in this version. One log line at the start names those that are set. \
Switches (marked with *) are not named if they are off, because the feature is absent anyway.

| About | Names |
|---|---|
";

/// Settings of other tracers that are not supported.
fn later() -> String {
    let mut text = String::from(LATER);
    for topic in TOPICS {
        let name = |it: &Later| format!("`{}`{}", it.name, if it.switch { " *" } else { "" });
        let names: Vec<String> = topic.settings.iter().map(name).collect();
        let _ = writeln!(text, "| {} | {} |", topic.title, names.join(", "));
    }
    text
}

/// The languages whose users have names or levels of their own, and what holds for all others.
fn languages() -> impl Iterator<Item = &'static LanguageSettings> {
    let own = ALL.iter().filter(|language| !language.wordings.is_empty() && language.id() != "json");
    own.map(|language| &language.settings)
}

/// Names of settings in each language.
fn names() -> String {
    let mut text = String::from(NAMES);
    for settings in languages() {
        if let Some(family) = &settings.family {
            let _ = writeln!(text, "| {} | {} | |", settings.title, family.about);
        }
        for Name { name, setting, until, turns_on } in settings.names {
            let until = if *until > 0 { format!("; before version {until}") } else { String::new() };
            let also = turns_on.map(|name| format!("; turns `{name}` on")).unwrap_or_default();
            let _ = writeln!(text, "| {} | `{name}`{until} | `{setting}`{also} |", settings.title);
        }
    }
    text
}

fn levels() -> String {
    let mut text = String::from(LEVELS);
    for settings in languages() {
        let _ = writeln!(text, "| {} | {} |", settings.title, settings.level_words);
    }
    text
}

const REDACTION: &str = "\
<!-- Written from src/redact/words.rs by `cargo test --test settings_reference -- --bless`. -->
# What is redacted

The redactor processes every log line, the start-up line, `spanwire_tracer_config_json`, the output of debuggers and of \
`spanwire core`, the reports of `spanwire doctor`, and flares. Spans are sent as the host made them.

The redactor replaces a value by `<redacted>` because of its name or because of its form.

## By name

The name is that of a tag, of a setting, or the text before `=`, `:` or `=>`. It is split into words at \
`_`, `-`, `.`, blanks, digits and capitals (`apiKey`, `api_key`, `API-KEY`), in any case. The values `true`, `false`, `null` \
and `none` are always shown.

| Words in the name | What is removed |
|---|---|
";

/// Which names lose their values.
fn redaction() -> String {
    let list = |of: &[&str]| of.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let mut text = String::from(REDACTION);
    let mut row = |names: String, what: &str| {
        let _ = writeln!(text, "| {names} | {what} |");
    };
    row(list(words::SECRET), "the value");
    row(format!("`key`, `keys` directly after {}", list(words::BEFORE_KEY)), "the value");
    row(format!("`key`, `keys` (but not `public key`) in a name with {}", list(words::WITH_KEY)), "the value");
    row(format!("a word that ends in {}", list(words::ENDINGS)), "the value");
    row(format!("a word that ends in `key`, `keys` after {}", list(words::GLUED_TO_KEY)), "the value");
    row("`pass` as the last of several words".into(), "the value");
    row(list(words::HEADER), "the value with the scheme before it");
    row(list(words::LINE), "the value, to the end of the line");
    row(list(words::LONG), "a value of 16 bytes or more");
    row(
        format!("one of these and {}", list(words::NUMBER)),
        "the value, unless it is a number: `token_count` is shown",
    );
    row(format!("a tag that ends in {}, with or without separators", list(words::QUERY_ENDINGS)), "the value");
    row(
        "`key`, `keys` alone".into(),
        "in a tag nothing; in a text a value that looks generated: 20 letters and digits",
    );
    row("`key` with any other word".into(), "nothing");
    let shown = |removed: bool| {
        let names: Vec<&str> = words::EXAMPLES.iter().filter(|(_, is)| *is == removed).map(|(name, _)| *name).collect();
        list(&names)
    };
    let _ = write!(
        text,
        "\nRemoved, for example: {}.\n\nShown: {}.\n\n## By form, whatever the name

| What | Shown |
|---|---|
| user and password in a URL | they are removed |
| query string and fragment of a URL | `{REDACTED}` |
| `Bearer …`, `Basic …`, `Digest …` | the scheme |
| JSON Web Tokens, keys and tokens of AWS, Google, GitHub, GitLab, npm, PyPI, Slack, Stripe, OpenAI, SendGrid, Vault | `{REDACTED}` |
| private keys in PEM | `{REDACTED}` |
| card numbers with a valid check digit, unless the name is that of an id | `{REDACTED}` |
| 32 or 40 hexadecimal digits after the words `key` or `token` | `{REDACTED}` |
",
        shown(true),
        shown(false)
    );
    text
}

fn default(setting: &Setting) -> String {
    match (setting.computed, setting.default) {
        ("", "") => "not set".into(),
        // The version changes with every release, the reference should not.
        ("", default) if setting.name == "SPANWIRE_TRACER_VERSION" && default == env!("CARGO_PKG_VERSION") => {
            "the library's version".into()
        }
        ("", default) => format!("`{default}`"),
        (computed, _) => computed.into(),
    }
}

/// A page, and the test that compares it with its source.
struct Page {
    path: &'static str,
    text: String,
    test: &'static str,
}

fn main() -> ExitCode {
    let pages = [
        Page { path: "docs/settings.md", text: reference(), test: "the_reference_says_what_the_table_says" },
        Page {
            path: "docs/redaction.md",
            text: redaction(),
            test: "the_page_of_redaction_says_what_the_redactor_does",
        },
    ];
    let bless = std::env::args().any(|argument| argument == "--bless");
    println!("\nrunning {} tests", pages.len());
    let mut failed = 0;
    for Page { path, text, test } in &pages {
        let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if bless {
            if let Err(error) = std::fs::write(&full, text) {
                eprintln!("cannot write {path}: {error}");
                return ExitCode::FAILURE;
            }
        }
        if std::fs::read_to_string(&full).unwrap_or_default() == *text {
            println!("test {test} ... ok");
        } else {
            failed += 1;
            println!("test {test} ... FAILED");
            println!("{path} is out of date; cargo test --test settings_reference -- --bless writes it");
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let passed = pages.len() - failed;
    println!("\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
