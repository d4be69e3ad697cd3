//! Checks of the header and the bindings; each returns a list of errors.

use crate::bindings::php;
use crate::items::{Item, Kind};
use crate::manual::{OVERVIEW, SECTIONS, WITHOUT_PHP};
use crate::model::{Api, Type};
use crate::Material;
use std::io::Write;
use std::process::{Command, Stdio};

/// The statuses with their numbers, which are stable: never change a line, only add some.
const STATUSES: &[(&str, i32)] = &[
    ("SPANWIRE_E_ARGUMENT", -1),
    ("SPANWIRE_E_HANDLE", -2),
    ("SPANWIRE_E_FORKED", -3),
    ("SPANWIRE_E_CLOSED", -4),
    ("SPANWIRE_E_VERSION", -5),
    ("SPANWIRE_E_NOT_FOUND", -6),
    ("SPANWIRE_E_LIMIT", -10),
    ("SPANWIRE_E_MEMORY", -11),
    ("SPANWIRE_E_TIMEOUT", -20),
    ("SPANWIRE_E_BUSY", -21),
    ("SPANWIRE_E_IO", -22),
    ("SPANWIRE_E_PANIC", -30),
];

/// Lines that every function documents.
const CONDITIONS: &[&str] = &["Threads:", "Blocks:", "Fork:", "Since:"];

/// Words of Rust that must not be in the C header.
const RUST: &[&str] = &["# Safety", "[`", "::", "c_char", "usize", "unsafe", "Option<", "type_ ", "type_;"];

fn functions(material: &Material) -> impl Iterator<Item = &Item> {
    material.items.iter().filter(|item| item.kind == Kind::Function)
}

/// Exported functions that the header does not declare exactly once, and public constants that it lacks.
pub fn exports(material: &Material) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut exported = 0;
    for source in &material.sources {
        let marks = source.text.match_indices("no_mangle").filter(|(at, _)| {
            let line = source.text[..*at].rfind('\n').map_or(0, |end| end + 1);
            source.text[line..].starts_with("#[")
        });
        for (at, _) in marks {
            exported += 1;
            let name = source.text[at..].split_once("fn ").and_then(|(_, rest)| rest.split('(').next()).unwrap_or("?");
            let count = functions(material).filter(|item| item.name == name).count();
            if count != 1 {
                wrong.push(format!("src/abi/{}: {name} is {count} times in the header", source.file));
            }
        }
        let constants = source.text.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
        let lost = constants.filter(|name| !material.items.iter().any(|item| item.name == *name));
        wrong.extend(
            lost.map(|name| {
                format!("src/abi/{}: {name} is not in the header; its value must be a literal", source.file)
            }),
        );
    }
    let declared = functions(material).count();
    if declared != exported {
        wrong.push(format!("src/abi/ exports {exported} functions, the header declares {declared}"));
    }
    wrong
}

/// Functions whose `@param` lines differ from their parameters.
pub fn parameters(material: &Material) -> Vec<String> {
    let documented = |item: &Item| -> Vec<String> {
        let lines = item.doc.iter().filter_map(|line| line.strip_prefix("@param "));
        lines.map(|line| line.split_whitespace().next().unwrap_or_default().to_owned()).collect()
    };
    let differ = functions(material).filter(|item| documented(item) != item.parameters());
    differ
        .map(|item| {
            format!(
                "{}: has ({}), documents ({})",
                item.name,
                item.parameters().join(", "),
                documented(item).join(", ")
            )
        })
        .collect()
}

/// Functions that return something without `@return`, or have `@return` and return nothing.
pub fn answers(material: &Material) -> Vec<String> {
    let documented = |item: &Item| item.doc.iter().filter(|line| line.starts_with("@return ")).count();
    let differ = functions(material).filter(|item| documented(item) != usize::from(!item.returns_nothing()));
    differ.map(|item| format!("{}: has {} @return", item.name, documented(item))).collect()
}

/// Functions without exactly one line for threads, blocking, fork and version; and items without a doc comment.
pub fn conditions(material: &Material) -> Vec<String> {
    let mut wrong = Vec::new();
    for item in functions(material) {
        let count = |word: &&&str| item.doc.iter().filter(|line| line.starts_with(**word)).count();
        let missing = CONDITIONS.iter().filter(|word| count(word) != 1);
        wrong.extend(missing.map(|word| format!("{}: has {} lines \"{word}\"", item.name, count(&word))));
    }
    let silent = material.items.iter().filter(|item| item.doc.is_empty());
    wrong.extend(silent.map(|item| format!("{}: has no doc comment", item.name)));
    wrong
}

/// Statuses that are not in the header exactly once with their stable number, or have none here.
pub fn statuses(material: &Material) -> Vec<String> {
    let defined = |line: &str| -> Option<(String, String)> {
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        name.starts_with("SPANWIRE_E_").then(|| (name.to_owned(), value.to_owned()))
    };
    let there: Vec<(String, String)> = material.header.lines().filter_map(defined).collect();
    let mut wrong = Vec::new();
    for (name, number) in STATUSES {
        let values: Vec<&str> = there.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
        if values != [format!("({number})")] {
            wrong.push(format!("{name} must be defined once, as ({number}): it is {values:?}"));
        }
    }
    let unknown = there.iter().filter(|(name, _)| !STATUSES.iter().any(|(known, _)| name == known));
    wrong.extend(unknown.map(|(name, value)| format!("{name} {value}: add its number to {}", file!())));
    wrong
}

/// Lines of more than 120 characters, with white space at the end, or with words of Rust.
pub fn lines(material: &Material) -> Vec<String> {
    let mut wrong = Vec::new();
    for (n, line) in material.header.lines().enumerate() {
        let rust = RUST.iter().find(|word| line.contains(**word));
        if line.chars().count() > 120 || line.ends_with(' ') || rust.is_some() {
            wrong.push(format!("{}:{}: {line}", crate::HEADER, n + 1));
        }
    }
    wrong
}

/// Errors of a strict C99 compiler in the header alone and in each of its examples.
pub fn compiles(material: &Material) -> Vec<String> {
    let mut wrong = compile("the header alone", &material.header);
    let first = OVERVIEW.find("    #include <spanwire.h>").map_or("", |at| &OVERVIEW[at..]);
    let first = first.split_inclusive("\n    }\n").next().unwrap_or_default();
    wrong.extend(compile(
        "the first program",
        &first.replace("#include <spanwire.h>", &format!("\n{}", material.header)),
    ));
    for section in SECTIONS {
        let example: Vec<&str> = section.about.lines().filter(|line| line.starts_with("    ")).collect();
        if example.is_empty() {
            continue;
        }
        let program = format!(
            "{}\n#include <stdio.h>\n#include <string.h>\n#define UNUSED __attribute__((unused))\n\
             void example(spanwire_tracer tracer, spanwire_span span, spanwire_span other);\n\
             void example(UNUSED spanwire_tracer tracer, UNUSED spanwire_span span, UNUSED spanwire_span other) {{\n{}\n}}\n",
            material.header,
            example.join("\n")
        );
        wrong.extend(compile(&format!("the example of \"{}\"", section.title), &program));
    }
    wrong
}

fn compile(what: &str, program: &str) -> Vec<String> {
    let flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c", "-"];
    let mut compiler = Command::new("cc");
    compiler.args(flags).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let ran = compiler.spawn().and_then(|mut child| {
        // If the compiler stops reading early, its standard error has the reason.
        let _ = child.stdin.take().map(|mut input| input.write_all(program.as_bytes()));
        child.wait_with_output()
    });
    match ran {
        Err(error) => vec![format!("cannot run cc: {error}")],
        Ok(output) if output.status.success() => Vec::new(),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().take(12).map(str::to_owned);
            std::iter::once(format!("{what} does not compile:")).chain(first).collect()
        }
    }
}

/// What the declarations for PHP contain that PHP cannot parse or use, and what they lack.
pub fn php(material: &Material) -> Vec<String> {
    let declarations = material.bindings.iter().find(|output| output.path == php::FFI);
    let code = declarations.and_then(|output| output.text.split_once("*/")).map_or("", |(_, code)| code);
    let mut wrong: Vec<String> = Vec::new();
    wrong.extend(
        code.lines().filter(|l| l.contains('#') || l.contains("/*")).map(|line| format!("PHP cannot parse: {line}")),
    );
    let words: Vec<&str> = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for item in &material.items {
        let unusable = WITHOUT_PHP.contains(&item.name.as_str()) || item.name == "SPANWIRE_NUL";
        if words.contains(&item.name.as_str()) == unusable {
            wrong.push(format!("{} {}", item.name, if unusable { "must not be there" } else { "is missing" }));
        }
    }
    wrong.extend(compile("the declarations for PHP", &format!("#include <stddef.h>\n#include <stdint.h>\n{code}")));
    wrong
}

/// Structures whose sizes and offsets, as bindings have them, are not the compiler's.
pub fn layouts(material: &Material) -> Vec<String> {
    let api = match Api::of(&material.items) {
        Ok(api) => api,
        Err(why) => return vec![why],
    };
    let mut program = format!("{}\n", material.header);
    for structure in &api.structures {
        let (name, size) = (format!("spanwire_{}", structure.name), structure.size);
        program += &format!("typedef char size_of_{name}_itself[sizeof({name}) == {size} ? 1 : -1];\n");
        for field in &structure.fields {
            let (field, offset) = (&field.name, field.offset);
            program +=
                &format!("typedef char offset_in_{name}_of_{field}[offsetof({name}, {field}) == {offset} ? 1 : -1];\n");
        }
    }
    compile("sizes and offsets", &program)
}

/// Declarations in the example for Fiddle, which are written by hand, that differ from the header.
pub fn fiddle(material: &Material) -> Vec<String> {
    const EXAMPLE: &str = "examples/ruby/fiddle.rb";
    let text = match std::fs::read_to_string(material.root.join(EXAMPLE)) {
        Ok(text) => text,
        Err(error) => return vec![format!("cannot read {EXAMPLE}: {error}")],
    };
    let api = match Api::of(&material.items) {
        Ok(api) => api,
        Err(why) => return vec![why],
    };
    let kind = |name: &str| match name.trim() {
        "u64" => vec![Type::U64],
        "int" => vec![Type::I32],
        "unsigned int" => vec![Type::U32],
        "size_t" => vec![Type::Size],
        "double" => vec![Type::F64],
        "const char *" => vec![Type::Text],
        "void *" => vec![Type::Pointer],
        _ => vec![],
    };
    let mut wrong = Vec::new();
    let externs = text.lines().filter_map(|line| line.trim().strip_prefix("extern \"")?.strip_suffix(")\""));
    let externs: Vec<&str> = externs.collect();
    for line in &externs {
        let declared = line.split_once('(').and_then(|(head, list)| {
            let (result, name) = head.split_at(head.find("spanwire_")?);
            let function = api.function(name.trim_start_matches("spanwire_")).ok()?;
            let kinds: Vec<Type> = list.split(", ").filter(|text| !text.is_empty()).flat_map(kind).collect();
            let pointer = |kind: &Type| match kind {
                Type::Callback(_) => Type::Pointer,
                other => *other,
            };
            let wanted: Vec<Type> = function.parameters.iter().map(pointer).collect();
            (kind(result) == [function.result] && kinds == wanted).then_some(())
        });
        if declared.is_none() {
            wrong.push(format!("{EXAMPLE}: not as in the header: {line}"));
        }
    }
    if externs.is_empty() {
        wrong.push(format!("{EXAMPLE} declares nothing"));
    }
    let fields =
        text.split_once("Stats = struct [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    let fields = fields.split('"').skip(1).step_by(2).filter_map(|field| field.split_once(' ')).map(|(_, name)| name);
    let known: Vec<&str> =
        api.structure("stats").map_or(vec![], |stats| stats.fields.iter().map(|f| &*f.name).collect());
    let ours: Vec<&str> = fields.collect();
    if ours.is_empty() || known.get(..ours.len()) != Some(&ours) {
        wrong.push(format!("{EXAMPLE}: these are not the first fields of spanwire_stats: {}", ours.join(", ")));
    }
    wrong
}
