//! Writes the header from sorted items.

use crate::items::{comment, Item};
use crate::manual::{Section, OVERVIEW, SECTIONS};

const WIDTH: usize = 120;

/// include/spanwire.h.
pub fn header(items: &[Item]) -> String {
    let mut lines = block("/**", OVERVIEW);
    let guard = "#ifndef SPANWIRE_H\n#define SPANWIRE_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n\
                 #ifdef __cplusplus\nextern \"C\" {\n#endif";
    lines.extend(guard.lines().map(str::to_owned));
    for (n, section) in SECTIONS.iter().enumerate() {
        lines.push(String::new());
        lines.extend(banner(section));
        for item in items.iter().filter(|item| item.section == n) {
            lines.push(String::new());
            lines.extend(comment(&item.doc));
            lines.extend(item.code.iter().flat_map(|line| broken(line)));
        }
    }
    lines.extend("\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* SPANWIRE_H */".lines().map(str::to_owned));
    lines.join("\n") + "\n"
}

/// A comment around prose.
pub fn block(opening: &str, prose: &str) -> Vec<String> {
    let inner = prose.trim().lines().map(|line| format!(" * {line}").trim_end().to_owned());
    std::iter::once(opening.to_owned()).chain(inner).chain(std::iter::once(" */".to_owned())).collect()
}

fn banner(section: &Section) -> Vec<String> {
    let rule = "=".repeat(WIDTH - 3);
    let heading = format!("{}\n{}\n{rule}\n\n{}", rule, section.title, section.about.trim());
    block("/*", &heading)
}

/// A declaration in lines that are short enough: what is too long continues after the opening parenthesis.
pub fn broken(line: &str) -> Vec<String> {
    if line.chars().count() <= WIDTH || line.trim_start().starts_with(['/', '*']) {
        return vec![line.to_owned()];
    }
    let Some((head, list)) = line.split_once('(') else { return vec![line.to_owned()] };
    let mut lines = vec![format!("{head}("), "   ".to_owned()];
    for parameter in list.split_inclusive(',').map(str::trim) {
        if lines.last().is_some_and(|last| last.len() + 1 + parameter.len() > WIDTH) {
            lines.push("   ".to_owned());
        }
        if let Some(last) = lines.last_mut() {
            last.push(' ');
            last.push_str(parameter);
        }
    }
    lines
}
