//! Reads the declarations of src/abi/ with cbindgen: each item is a doc comment and a declaration in C, reformatted.

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};
use std::path::Path;

/// Width of a doc comment's text: a line of 120 without the comment's marks.
const DOC_WIDTH: usize = 117;

/// A file of src/abi/.
pub struct Source {
    /// Its path from there.
    pub file: String,
    pub text: String,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Constant,
    Type,
    Function,
}

/// One declaration.
#[derive(Clone)]
pub struct Item {
    pub kind: Kind,
    pub name: String,
    /// The lines of its doc comment, without the comment's marks.
    pub doc: Vec<String>,
    /// The lines of its declaration; those of a structure hold the comments of its fields.
    pub code: Vec<String>,
    /// Its section of the manual; set by `sections`.
    pub section: usize,
}

impl Item {
    /// A constant's value as C writes it.
    pub fn value(&self) -> &str {
        self.code[0].splitn(3, ' ').nth(2).unwrap_or_default()
    }

    /// The names of a function's parameters.
    pub fn parameters(&self) -> Vec<&str> {
        let list = self.code[0].split_once('(').map_or("", |(_, list)| list.trim_end_matches(");"));
        let last_word = |parameter: &'_ str| parameter.rfind([' ', '*']).map(|at| at + 1);
        list.split(", ").filter(|text| *text != "void").map(|text| &text[last_word(text).unwrap_or(0)..]).collect()
    }

    pub fn returns_nothing(&self) -> bool {
        self.code[0].starts_with("void ") && !self.code[0].starts_with("void *")
    }
}

/// The files of src/abi/ and of its folders, by name.
pub fn sources(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                sources.push(Source { file, text: std::fs::read_to_string(&path).map_err(failed)? });
            }
        }
    }
    sources.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(sources)
}

/// All items of src/abi/, in cbindgen's order.
pub fn parse(folder: &Path) -> Result<Vec<Item>, String> {
    let config = Config {
        language: Language::C,
        documentation_style: DocumentationStyle::Doxy,
        style: Style::Both,
        no_includes: true,
        usize_is_size_t: true,
        tab_width: 4,
        // Each declaration on one line, which is easy to parse; `render` breaks them.
        line_length: 100_000,
        ..Config::default()
    };
    // cbindgen follows the modules from there.
    let builder = Builder::new().with_config(config).with_src(folder.join("mod.rs"));
    let mut text = Vec::new();
    builder.generate().map_err(|error| format!("cbindgen: {error}"))?.write(&mut text);
    split(&without_argument_types(&String::from_utf8_lossy(&text)))
}

/// cbindgen's output with the types of src/abi/arg.rs and sized.rs, which exist in Rust alone, replaced by the pointers
/// and numbers that they wrap. Their names begin with a capital letter; those of the C API do not.
fn without_argument_types(text: &str) -> String {
    let (mut types, mut kept): (Vec<(String, String)>, Vec<&str>) = Default::default();
    // The doc comment that may belong to such a type.
    let mut doc = 0;
    for line in text.lines() {
        if line == "/**" {
            doc = kept.len();
        }
        let wrapped = line.strip_prefix("typedef ").and_then(|rest| rest.strip_suffix(';'));
        let named =
            wrapped.and_then(|declaration| declaration.rfind([' ', '*']).map(|at| declaration.split_at(at + 1)));
        match named.filter(|(_, name)| name.starts_with(|c: char| c.is_ascii_uppercase())) {
            Some((wrapped, name)) => {
                types.push((format!("{name} "), wrapped.to_owned()));
                if kept[doc..].last().is_some_and(|line| *line == " */") {
                    kept.truncate(doc);
                }
            }
            None => kept.push(line),
        }
    }
    // The longest names first: one may be the end of another.
    types.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut text = kept.join("\n");
    for (name, wrapped) in &types {
        text = text.replace(name.as_str(), wrapped);
    }
    text
}

fn split(text: &str) -> Result<Vec<Item>, String> {
    let (mut items, mut doc): (Vec<Item>, Vec<String>) = Default::default();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    while let Some(line) = lines.next() {
        if line == "/**" {
            let comment = lines.by_ref().take_while(|line| *line != " */");
            doc = for_c(comment.map(|line| line[2..].strip_prefix(' ').unwrap_or(&line[2..]).to_owned()).collect());
            continue;
        }
        let mut code = vec![declared(line)];
        if line.ends_with('{') {
            for line in lines.by_ref() {
                code.push(declared(line));
                if line.starts_with('}') {
                    break;
                }
            }
        }
        let (kind, name) = named(&code).ok_or(format!("cannot parse this declaration: {line}"))?;
        items.push(Item { kind, name, doc: std::mem::take(&mut doc), code: one_line_comments(code), section: 0 });
    }
    Ok(items)
}

/// Kind and name of a declaration.
fn named(code: &[String]) -> Option<(Kind, String)> {
    let word = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        (end > 0).then(|| text[..end].to_owned())
    };
    let first = code.first()?;
    if let Some(rest) = first.strip_prefix("#define ") {
        return Some((Kind::Constant, word(rest)?));
    }
    if let Some((_, name)) = first.split_once("(*") {
        return Some((Kind::Type, word(name)?));
    }
    if first.starts_with("typedef ") {
        let name = code.last()?.trim_end_matches(';').rsplit(' ').next()?;
        return Some((Kind::Type, word(name)?));
    }
    let (before, _) = first.split_once('(')?;
    Some((Kind::Function, word(before.rsplit([' ', '*']).next()?)?))
}

/// A line of a declaration, as the header writes it.
fn declared(line: &str) -> String {
    let mut line = line.to_owned();
    if !line.starts_with("typedef struct ") {
        line = line.replace("struct spanwire_", "spanwire_");
    }
    line = without_underscore(&line, "type_");
    let constant = line.strip_prefix("#define ").and_then(|rest| rest.split_once(' '));
    match constant {
        Some((name, "-2147483648")) => format!("#define {name} INT32_MIN"),
        Some((name, value)) if value.starts_with('-') => format!("#define {name} ({value})"),
        _ => line,
    }
}

/// A doc comment without what is for Rust alone: the section on safety, and the brackets of links.
fn for_c(doc: Vec<String>) -> Vec<String> {
    let mut unsafe_part = false;
    let mut kept: Vec<String> = Vec::new();
    for line in doc {
        if line.starts_with("# ") {
            unsafe_part = line == "# Safety";
        }
        if !unsafe_part {
            kept.push(without_underscore(&line.replace("[`", "`").replace("`]", "`"), "type_"));
        }
    }
    let mut kept: Vec<String> = kept.iter().flat_map(|line| folded(line)).collect();
    let end = kept.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    kept.truncate(end);
    kept
}

/// Splits a comment's line that is too long in two; the second is indented to the last column of the first.
fn folded(line: &str) -> Vec<String> {
    let Some((limit, _)) = line.char_indices().nth(DOC_WIDTH) else { return vec![line.to_owned()] };
    let Some(at) = line[..limit].rfind(' ') else { return vec![line.to_owned()] };
    let column = line[..at].rfind("  ").map_or(0, |gap| gap + 2);
    vec![line[..at].to_owned(), format!("{}{}", " ".repeat(column), &line[at + 1..])]
}

/// Removes the underscore of `word`, which only Rust needs, where it is a whole word.
fn without_underscore(line: &str, word: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let whole = !before.ends_with(part) && !after.starts_with(part);
        out.push_str(before);
        out.push_str(if whole { word.trim_end_matches('_') } else { word });
        rest = after;
    }
    out + rest
}

/// Puts the comments of fields on one line where they fit.
fn one_line_comments(code: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut lines = code.into_iter().peekable();
    while let Some(line) = lines.next() {
        if line.trim() != "/**" {
            out.push(line);
            continue;
        }
        let indent = " ".repeat(line.len() - line.trim_start().len());
        let body: Vec<String> = lines.by_ref().take_while(|line| line.trim() != "*/").collect();
        let body = for_c(body.iter().map(|line| line.trim().trim_start_matches('*').trim_start().to_owned()).collect());
        out.extend(comment(&body).into_iter().map(|line| format!("{indent}{line}")));
    }
    out
}

/// A doc comment in C around these lines.
pub fn comment(lines: &[String]) -> Vec<String> {
    match lines {
        [] => Vec::new(),
        [one] if one.chars().count() <= DOC_WIDTH - 8 => vec![format!("/** {one} */")],
        _ => {
            let inner = lines.iter().map(|line| format!(" * {line}").trim_end().to_owned());
            std::iter::once("/**".to_owned()).chain(inner).chain(std::iter::once(" */".to_owned())).collect()
        }
    }
}
