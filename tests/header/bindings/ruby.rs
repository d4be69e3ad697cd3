//! What Ruby needs of the C API: for the ffi gem, and for the gem's C extension.

use super::{wrapped, WRITTEN};
use crate::items::Item;
use crate::model::{Api, Structure, Type};
use crate::render::broken;

const WIDTH: usize = 120;

/// The types and functions that the extension uses, without `spanwire_`.
const OF_THE_EXTENSION: &[&str] = &[
    "status",
    "tracer",
    "context",
    "context_handle",
    "span",
    "tag",
    "metric",
    "span_options",
    "span_start_with",
    "span_set_tag_n",
    "span_set_metric_n",
    "span_set_tags",
    "span_finish",
];

/// The declarations for the extension, which is built where spanwire.h may not be installed.
pub fn declarations(items: &[Item]) -> Result<String, String> {
    let known = |name: &&&str| items.iter().any(|item| item.name == format!("spanwire_{name}"));
    if let Some(unknown) = OF_THE_EXTENSION.iter().find(|name| !known(name)) {
        return Err(format!("the C API has no spanwire_{unknown}"));
    }
    let used = items
        .iter()
        .filter(|item| item.name.strip_prefix("spanwire_").is_some_and(|name| OF_THE_EXTENSION.contains(&name)));
    let lines = used.flat_map(|item| &item.code).filter(|line| !line.trim_start().starts_with(['/', '*']));
    let lines: Vec<String> = lines.flat_map(|line| broken(line)).collect();
    Ok(format!(
        "/* What the extension uses of spanwire.h. {WRITTEN} */\n#ifndef SPANWIRE_EXT_ABI_H\n\
         #define SPANWIRE_EXT_ABI_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n{}\n\n#endif\n",
        lines.join("\n")
    ))
}

pub fn abi(api: &Api) -> String {
    let mut lines = vec![
        "# frozen_string_literal: true".to_owned(),
        String::new(),
        "module Spanwire".into(),
        "  # The C API of spanwire.h, names without `spanwire_` and `SPANWIRE_`.".into(),
        format!("  # {WRITTEN}"),
        "  module Abi".into(),
    ];
    lines.extend(api.constants.iter().map(|constant| format!("    {} = {}", constant.name, constant.value)));
    lines.push("\n    # Sizes of structures, in bytes.".into());
    let sizes = api.structures.iter().map(|structure| format!("{}: {}", structure.name, structure.size));
    lines.extend(hash("SIZES", sizes));
    lines.push("\n    # Where their fields are, in bytes.".into());
    let offsets = api.structures.iter().map(|structure| {
        let fields = structure.fields.iter().map(|field| format!("{}: {}", field.name, field.offset));
        format!("{}: {{\n{}\n      }}.freeze", structure.name, list(fields, "        "))
    });
    lines.extend(hash("OFFSETS", offsets));
    lines.push("\n    # Directives of Array#pack and String#unpack for whole structures.".into());
    lines.extend(hash("LAYOUTS", api.structures.iter().map(|s| format!("{}: \"{}\"", s.name, layout(s)))));
    lines.push("\n    # Parameters and result of each function.".into());
    let functions = api.functions.iter().map(|function| {
        let parameters: Vec<&str> = function.parameters.iter().map(|kind| ffi(*kind)).collect();
        let parameters = match parameters.len() {
            0 => "[]".to_owned(),
            1 => format!("[:{}]", parameters[0]),
            _ => format!("%i[{}]", parameters.join(" ")),
        };
        format!("{}: [{parameters}, :{}]", function.name, ffi(function.result))
    });
    let functions: Vec<String> = functions.collect();
    lines.push(format!("    FUNCTIONS = {{\n      {}\n    }}.freeze", functions.join(",\n      ")));
    lines.push("  end\nend\n".into());
    lines.join("\n")
}

fn hash(name: &str, entries: impl Iterator<Item = String>) -> Vec<String> {
    vec![format!("    {name} = {{"), list(entries, "      "), "    }.freeze".into()]
}

/// Entries with commas between them, in lines.
fn list(entries: impl Iterator<Item = String>, indent: &str) -> String {
    let mut entries: Vec<String> = entries.collect();
    let last = entries.len().saturating_sub(1);
    entries.iter_mut().take(last).for_each(|entry| entry.push(','));
    match entries.iter().any(|entry| entry.contains('\n')) {
        true => entries.iter().map(|entry| format!("{indent}{entry}")).collect::<Vec<_>>().join("\n"),
        false => wrapped(entries.into_iter(), indent, WIDTH, "").join("\n"),
    }
}

/// The name of a type in the ffi gem. A Ruby string may be passed for the pointer of a text with a length.
fn ffi(kind: Type) -> &'static str {
    match kind {
        Type::Void => "void",
        Type::I32 => "int32",
        Type::U32 => "uint32",
        Type::I64 => "int64",
        Type::U64 => "uint64",
        Type::Size => "size_t",
        Type::F64 => "double",
        Type::Text => "string",
        Type::Bytes | Type::Pointer | Type::Callback(_) | Type::Chars(_) => "pointer",
    }
}

fn layout(structure: &Structure) -> String {
    let (mut directives, mut end): (Vec<(String, usize)>, usize) = (Vec::new(), 0);
    let mut add = |directive: String, count: usize| match directives.last_mut() {
        Some((last, times)) if *last == directive => *times += count,
        _ => directives.push((directive, count)),
    };
    for field in &structure.fields {
        if field.offset > end {
            add("x".into(), field.offset - end);
        }
        end = field.offset + field.kind.size();
        match field.kind {
            Type::I32 => add("l".into(), 1),
            Type::U32 => add("L".into(), 1),
            Type::I64 => add("q".into(), 1),
            Type::F64 => add("d".into(), 1),
            Type::Chars(count) => add(format!("a{count}"), 1),
            _ => add("Q".into(), 1),
        }
    }
    if structure.size > end {
        add("x".into(), structure.size - end);
    }
    directives
        .iter()
        .map(|(directive, times)| if *times > 1 { format!("{directive}{times}") } else { directive.clone() })
        .collect()
}
