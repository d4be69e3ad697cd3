//! Which section of the header an item belongs to, and the items' order.

use crate::items::{Item, Kind, Source};
use crate::manual::SECTIONS;

/// The section of `SPANWIRE_NUL`, which cbindgen cannot express.
const NUL_IN: &str = "Spans";

/// The items by section; in each the types and constants first, and all in the order of the section's files. Adds
/// `SPANWIRE_NUL`.
pub fn sorted(items: Vec<Item>, sources: &[Source]) -> Result<Vec<Item>, String> {
    let mut places = Vec::new();
    for item in items {
        let (file, at) = definition(&item, sources).ok_or(format!("no file of src/abi/ defines {}", item.name))?;
        let (section, nth) = place(file).ok_or(format!(
            "no section of tests/header/manual.rs shows src/abi/{file}, which defines {}: add it to one",
            item.name
        ))?;
        places.push(((section, item.kind == Kind::Function, nth, at), Item { section, ..item }));
    }
    places.sort_by_key(|(place, _)| *place);
    let mut items: Vec<Item> = places.into_iter().map(|(_, item)| item).collect();

    let section = SECTIONS.iter().position(|section| section.title == NUL_IN).ok_or(format!("no section {NUL_IN}"))?;
    let nul = Item {
        kind: Kind::Constant,
        name: "SPANWIRE_NUL".into(),
        doc: vec!["Passed as the length of a NUL-terminated text, which the library then measures.".into()],
        code: vec!["#define SPANWIRE_NUL ((size_t)-1)".into()],
        section,
    };
    let at = items.iter().position(|item| item.section == section).unwrap_or(items.len());
    items.insert(at, nul);
    Ok(items)
}

/// The section that shows a file, and the file's place in it.
fn place(file: &str) -> Option<(usize, usize)> {
    let in_section = |section: &crate::manual::Section| section.files.iter().position(|shown| *shown == file);
    SECTIONS.iter().enumerate().find_map(|(n, section)| in_section(section).map(|nth| (n, nth)))
}

/// The file that defines an item, and the byte of the file.
fn definition<'a>(item: &Item, sources: &'a [Source]) -> Option<(&'a str, usize)> {
    let name = &item.name;
    let forms = match item.kind {
        Kind::Constant => vec![format!("pub const {name}:")],
        Kind::Type => vec![format!("pub type {name} "), format!("pub struct {name} ")],
        Kind::Function => vec![format!("fn {name}(")],
    };
    sources.iter().find_map(|source| {
        let at = forms.iter().filter_map(|form| source.text.find(form)).min();
        at.map(|at| (source.file.as_str(), at))
    })
}
