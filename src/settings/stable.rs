//! Stable configuration: two files for all tracers of a machine. An administrator writes the local one, Datadog's Fleet
//! Automation the other one. `yaml` reads their text, `document` what it says, and `rules` chooses what holds for this
//! program. A part that cannot be used is left out and reported with its line; the rest holds.

mod document;
mod rules;
mod yaml;

pub use rules::Program;

use super::rejection::stable::StableFault;
use super::rejection::{ConfigFileFault, Rejection};
use super::{file, parse, redact, refused, table, Origin, Rejected, Value};
use document::{Document, Entry, Fault};
use std::path::Path;

/// Faults that are reported of one file; a file with more is not one of ours.
const REPORTED_MAX: usize = 20;

/// What one file sets for this program.
#[derive(Debug, Default)]
pub struct File {
    /// The file's path, fit to be shown.
    pub path: String,
    /// The identity that its author gave it.
    pub config_id: Option<String>,
    /// The values; the last one of a name counts.
    pub entries: Vec<Entry>,
}

impl File {
    /// Returns the value of a setting, and its line.
    pub fn find(&self, setting: &str) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.name == setting)
    }

    /// Says where in the file a fault is.
    pub fn at(&self, line: usize, why: Rejection) -> Rejection {
        Rejection::InFile { file: self.path.clone(), line, why: Box::new(why) }
    }
}

/// Reads a file. `named` is the setting with its path, and `origin` that of its values. A missing file is a fault only if
/// a user named it.
pub fn read(
    named: &Value,
    path: &Path,
    origin: Origin,
    language: &str,
    program: &Program<'_>,
    rejected: &mut Vec<Rejected>,
) -> File {
    let shown = redact::text(&path.to_string_lossy()).into_owned();
    let mut file = File { path: shown.clone(), ..File::default() };
    let Some(place) = (program.place)(path) else { return file };
    let bytes = match file::read(&place) {
        Ok(bytes) => bytes,
        Err(ConfigFileFault::Missing) if named.origin == Origin::Default => return file,
        Err(why) => {
            rejected.push(refused(named.name, shown, origin, Rejection::File(why)));
            return file;
        }
    };
    let mut faults = Vec::new();
    match yaml::parse(&bytes) {
        Ok(node) => {
            let document = Document::of(node, &mut faults);
            file.config_id = document.config_id.clone();
            file.entries = rules::choose(document, language, program, &mut faults);
        }
        Err((line, why)) => faults.push(Fault::of_form(line, StableFault::Yaml(why))),
    }
    faults.extend(file.entries.iter().filter_map(misnamed));
    for Fault { line, setting, why } in faults.into_iter().take(REPORTED_MAX) {
        rejected.push(match setting {
            Some((name, text)) => {
                let text = redact::value_of(&name, &text).into_owned();
                refused(&name, text, origin, file.at(line, why))
            }
            None => refused(named.name, format!("{shown}:{line}"), origin, why),
        });
    }
    file
}

/// Returns the fault of a name that is probably a slip. The files hold settings of other products, too, so most unknown
/// names are none.
fn misnamed(entry: &Entry) -> Option<Fault> {
    let name = entry.name.as_str();
    let known = || table::all().map(|setting| setting.name);
    if name.len() > 100 || known().any(|known| known == name) || table::later::find(name).is_some() {
        return None;
    }
    let most = if name.len() < 10 { 1 } else { 2 };
    // The lengths first: comparing letters is slow, and a file may have thousands of names.
    let meant = known().find(|known| known.len().abs_diff(name.len()) <= most && parse::slips(name, known) <= most);
    let ours = ["DD_", "_DD_", "OTEL_"].iter().any(|prefix| name.starts_with(prefix));
    (meant.is_some() || !ours).then(|| Fault {
        line: entry.line,
        setting: Some((name.to_string(), entry.text.clone())),
        why: Rejection::NoSuchSetting { prefix: "", meant },
    })
}

/// Reads a text, for tests that compare the reader: the text of each value and how they are nested.
#[cfg(test)]
pub fn parsed(bytes: &[u8]) -> Result<String, usize> {
    fn show(node: &yaml::Node, shown: &mut String) {
        match &node.content {
            yaml::Content::Null => *shown += "null ",
            yaml::Content::Text(text) => *shown += &format!("{text:?} "),
            yaml::Content::List(nodes) => {
                *shown += "[ ";
                nodes.iter().for_each(|node| show(node, shown));
                *shown += "] ";
            }
            yaml::Content::Mapping(pairs) => {
                *shown += "{ ";
                pairs.iter().flat_map(|(key, value)| [key, value]).for_each(|node| show(node, shown));
                *shown += "} ";
            }
        }
    }
    let mut shown = String::new();
    show(&yaml::parse(bytes).map_err(|(line, _)| line)?, &mut shown);
    Ok(shown)
}
