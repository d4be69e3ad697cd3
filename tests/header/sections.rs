//! Which section of the header an item belongs to, and the items' order.

use crate::items::{Item, Kind, Source};
use crate::manual::SECTIONS;

/// The place of an item in `SECTIONS`: that of the longest pattern that fits its name. A pattern is a name, or the
/// beginning of one and a star.
pub fn of(name: &str) -> Option<usize> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    let patterns = SECTIONS.iter().enumerate().flat_map(|(n, section)| section.holds.iter().map(move |p| (n, *p)));
    patterns.filter(|(_, pattern)| fits(pattern)).max_by_key(|(_, pattern)| pattern.len()).map(|(n, _)| n)
}

/// The items by section; in each the types and constants first, and all in the order of the sources. Adds what cbindgen
/// cannot express.
pub fn sorted(mut items: Vec<Item>, sources: &[Source]) -> Result<Vec<Item>, String> {
    let mut places = Vec::new();
    for item in &items {
        let section = of(&item.name).ok_or_else(|| {
            format!(
                "no section of tests/header/manual.rs holds {}: add it, or a pattern for its kind, to one",
                item.name
            )
        })?;
        places.push((section, item.kind == Kind::Function, position(item, sources), item.clone()));
    }
    places.sort_by_key(|(section, function, position, _)| (*section, *function, *position));
    items = places.into_iter().map(|(.., item)| item).collect();

    let nul = Item {
        kind: Kind::Constant,
        name: "SPANWIRE_NUL".into(),
        doc: vec!["A length that stands for \"the text is NUL-terminated: measure it\".".into()],
        code: vec!["#define SPANWIRE_NUL ((size_t)-1)".into()],
    };
    let section = of(&nul.name).ok_or("no section of tests/header/manual.rs holds SPANWIRE_NUL")?;
    let at = items.iter().position(|item| of(&item.name) == Some(section)).unwrap_or(items.len());
    items.insert(at, nul);
    Ok(items)
}

/// Where an item is defined: which file, and which byte of it.
fn position(item: &Item, sources: &[Source]) -> (usize, usize) {
    let name = &item.name;
    let forms = match item.kind {
        Kind::Constant => vec![format!("const {name}:")],
        Kind::Type => vec![format!("type {name} "), format!("struct {name} ")],
        Kind::Function => vec![format!("fn {name}(")],
    };
    let found = sources.iter().enumerate().find_map(|(n, source)| {
        let at = forms.iter().filter_map(|form| source.text.find(&format!("pub {form}")).or(source.text.find(form)));
        at.min().map(|at| (n, at))
    });
    found.unwrap_or((usize::MAX, 0))
}
