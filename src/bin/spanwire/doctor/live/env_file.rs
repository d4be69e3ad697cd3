//! Reads a file of variables, one `NAME=value` on a line: as `docker run --env-file`, as systemd's `EnvironmentFile=`, or a
//! `.env` with `export` and quotes.

use super::found::{good, note};
use super::given::Given;
use crate::doctor::report::Finding;
use crate::out::{counted, Failure};
use spanwire::companion::settings::Origin;
use std::path::Path;

/// The largest file that is read, in bytes.
const FILE_MAX: u64 = 4 << 20;

/// Returns the variables, and a finding about the file.
pub fn read(path: &Path) -> Result<(Vec<Given>, Finding), Failure> {
    let shown = path.display().to_string();
    let text = text_of(path).map_err(|why| Failure::Said(format!("cannot read {shown}: {why}")))?;
    let (variables, not_read) = parse(&text);
    let says = format!("{shown} sets {}", counted(variables.len(), "variable"));
    let finding = match not_read.is_empty() {
        true => good("settings.read", says),
        false => {
            let lines: Vec<String> = not_read.iter().take(5).map(|line| format!("line {line}")).collect();
            let remedy = "Write NAME=value, one on a line; a line that begins with # is a comment.";
            note("settings.read", format!("{says}; {} not understood", lines.join(", ")), remedy)
        }
    };
    let given = variables.into_iter().map(|(name, value, line)| Given {
        name,
        value,
        origin: Origin::Env,
        place: format!("{shown}:{line}"),
    });
    Ok((given.collect(), finding))
}

/// Returns a file's text; bytes that are not UTF-8 are replaced.
pub fn text_of(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|error| super::found::plain(&error))?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(|error| super::found::plain(&error))?;
    match bytes.len() as u64 > FILE_MAX {
        true => Err(format!("it is larger than {} MiB", FILE_MAX >> 20)),
        false => Ok(String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).into_owned()),
    }
}

/// Returns names, values and line numbers, and the numbers of lines that set nothing.
fn parse(text: &str) -> (Vec<(String, String, usize)>, Vec<usize>) {
    let (mut variables, mut not_read) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name.trim_end(), value),
            // For Docker a name alone passes on the variable of the caller, who is not known here.
            None => (line, ""),
        };
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        match is_name && line.contains('=') {
            true => variables.push((name.to_owned(), unquoted(value.trim()), number)),
            false => not_read.push(number),
        }
    }
    (variables, not_read)
}

/// Removes quotes, and a comment behind a blank.
fn unquoted(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.find(quote).map(|end| &rest[..end]));
    if let Some(inner) = inner('\'') {
        return inner.to_owned();
    }
    if let Some(rest) = value.strip_prefix('"') {
        let mut text = String::new();
        let mut letters = rest.chars();
        while let Some(c) = letters.next() {
            match c {
                '"' => return text,
                '\\' => text.extend(letters.next()),
                c => text.push(c),
            }
        }
    }
    let end = [" #", "\t#"].iter().filter_map(|mark| value.find(mark)).min().unwrap_or(value.len());
    value[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_docker_systemd_and_shells_are_read() {
        let text =
            "# comment\n; comment\nDD_SERVICE=shop\nexport DD_ENV=\"a \\\"b\\\" #c\"\n DD_VERSION = 'x y' # note\n\
                    DD_TAGS=a:b#c d:e # note\nDD_EMPTY=\nPASSED_ON\nDD TRACE=1\nDD_AGENT_HOST=\"open\n";
        let (variables, not_read) = parse(text);
        let seen: Vec<(&str, &str, usize)> =
            variables.iter().map(|(name, value, line)| (name.as_str(), value.as_str(), *line)).collect();
        assert_eq!(
            seen,
            [
                ("DD_SERVICE", "shop", 3),
                ("DD_ENV", "a \"b\" #c", 4),
                ("DD_VERSION", "x y", 5),
                ("DD_TAGS", "a:b#c d:e", 6),
                ("DD_EMPTY", "", 7),
                ("DD_AGENT_HOST", "\"open", 10),
            ]
        );
        assert_eq!(not_read, [8, 9]);
    }
}
