//! Holds docs/settings.md to the table of settings and the habits of languages; `cargo test --test settings_reference -- --bless` writes it anew.

use spanwire::settings::habits::{self, Name};
use spanwire::settings::table::{Setting, SECTIONS};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

const INTRODUCTION: &str = "\
<!-- Written from src/settings/table.rs and src/settings/habits by `cargo test --test settings_reference -- --bless`. -->
# Settings

A setting is a name and a text. A host passes a list of them to `spanwire_tracer_new`; all of them may stand in the \
environment as well. They are read once, when the tracer is made.

Of several sources the strongest wins:

| Source | Origin shown |
|---|---|
| the host's code | `code` |
| the environment | `env` |
| the host's code, as `default:NAME`: a default of its own that users can override | `code_default` |
| the file that `DD_TRACE_CONFIG_FILE` names | `file` |
| the default below | `default` |

- White space around a value is ignored, and an empty value counts as not set.
- A value that cannot be used counts as not set too, with one warning that says what would be accepted. So does a name \
in code that is not below; unknown names in the environment are ignored.
- A switch is on with `true`, `1`, `yes` or `on`, off with `false`, `0`, `no` or `off`, in any case.
- `spanwire_tracer_config_json` shows every setting's value and origin, the start-up line those that somebody set. Credentials in URLs \
and tags named like secrets are redacted there.

Where spans go, in this order: `DD_TRACE_AGENT_URL`; `DD_AGENT_HOST` and `DD_TRACE_AGENT_PORT` if at least one is set; \
the socket `/var/run/datadog/apm.socket` if it is there; `http://localhost:8126`. A host or port from a stronger source \
than the URL's wins over it. An `http://` URL without a port means port 80, as in any URL; user and query in it are \
not used. `https://` is not supported: with it nothing can be sent, and the log says so.
";

const NAMES: &str = "
## Names in each language

In code, a host in one of these languages (`SPANWIRE_LANGUAGE`) may write the names that its users know, also behind \
`default:`. To hosts in other languages they are unknown.

| Language | Name | Setting |
|---|---|---|
";

const LEVELS: &str = "
## Levels

What `DD_TRACE_LOG_LEVEL` may be, in any case:

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
            let _ =
                writeln!(text, "| `{name}` | {} | {} | {about} | {since} |", setting.kind.accepts(), default(setting));
        }
    }
    text + &names() + &levels()
}

/// What hosts in each language may write instead of a setting's name.
fn names() -> String {
    let mut text = String::from(NAMES);
    for habits in habits::ALL {
        if let Some(family) = &habits.family {
            let _ = writeln!(text, "| {} | {} | |", habits.title, family.about);
        }
        for Name { name, setting, until, turns_on } in habits.names {
            let until = if *until > 0 { format!("; before version {until}") } else { String::new() };
            let also = turns_on.map(|name| format!("; turns `{name}` on")).unwrap_or_default();
            let _ = writeln!(text, "| {} | `{name}`{until} | `{setting}`{also} |", habits.title);
        }
    }
    text
}

fn levels() -> String {
    let mut text = String::from(LEVELS);
    for habits in habits::ALL {
        let _ = writeln!(text, "| {} | {} |", habits.title, habits.level_words);
    }
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

fn main() -> ExitCode {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let wanted = reference();
    if std::env::args().any(|argument| argument == "--bless") {
        let parent = path.parent().map(std::fs::create_dir_all).transpose();
        return match parent.and_then(|_| std::fs::write(&path, wanted)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cannot write {}: {error}", path.display());
                ExitCode::FAILURE
            }
        };
    }
    println!("\nrunning 1 test");
    if std::fs::read_to_string(&path).unwrap_or_default() == wanted {
        println!("test the_reference_says_what_the_table_says ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n");
        return ExitCode::SUCCESS;
    }
    println!("test the_reference_says_what_the_table_says ... FAILED");
    println!("\n{} is out of date; cargo test --test settings_reference -- --bless writes it", path.display());
    println!("\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n");
    ExitCode::FAILURE
}
