//! The C API as data for bindings: constants with their values, structures with sizes and offsets, functions with the
//! types of their parameters. Made of the items' declarations.

use crate::items::{Item, Kind};
use std::collections::HashMap;

/// A type as a foreign function interface sees it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Type {
    Void,
    I32,
    U32,
    I64,
    U64,
    Size,
    F64,
    /// `const char *` to a text that ends with a NUL.
    Text,
    /// `const char *` to a text whose length is the next parameter or field.
    Bytes,
    /// A callback: the one of this place in `Api::callbacks`.
    Callback(usize),
    /// Any other address.
    Pointer,
    /// `char [n]`.
    Chars(usize),
}

impl Type {
    pub fn size(self) -> usize {
        match self {
            Type::Void => 0,
            Type::I32 | Type::U32 => 4,
            Type::Chars(count) => count,
            _ => 8,
        }
    }

    fn alignment(self) -> usize {
        match self {
            Type::Chars(_) => 1,
            other => other.size(),
        }
    }
}

pub struct Constant {
    /// Without `SPANWIRE_`.
    pub name: String,
    pub value: i64,
}

pub struct Field {
    pub name: String,
    pub kind: Type,
    pub offset: usize,
}

pub struct Structure {
    /// Without `spanwire_`.
    pub name: String,
    pub size: usize,
    pub fields: Vec<Field>,
}

/// A function, or the type of a callback.
pub struct Function {
    /// Without `spanwire_`.
    pub name: String,
    pub result: Type,
    pub parameters: Vec<Type>,
}

/// All of it, in the order of the header.
#[derive(Default)]
pub struct Api {
    pub constants: Vec<Constant>,
    pub structures: Vec<Structure>,
    pub functions: Vec<Function>,
    pub callbacks: Vec<Function>,
}

impl Api {
    pub fn of(items: &[Item]) -> Result<Api, String> {
        let mut api = Api::default();
        let aliases = aliases(items)?;
        for item in items {
            let wrong = |what: &str| format!("{}: cannot make out {what} of: {}", item.name, item.code[0]);
            match item.kind {
                // It is no number of any one type; bindings give lengths.
                Kind::Constant if item.name == "SPANWIRE_NUL" => {}
                Kind::Constant => api.constants.push(Constant {
                    name: short(&item.name).into(),
                    value: number(item.value()).ok_or_else(|| wrong("the value"))?,
                }),
                Kind::Function => api.functions.push(function(item, &aliases).ok_or_else(|| wrong("the types"))?),
                Kind::Type if item.code[0].contains("(*") => {
                    api.callbacks.push(function(item, &aliases).ok_or_else(|| wrong("the types"))?);
                }
                Kind::Type if item.code.len() > 1 => {
                    api.structures.push(structure(item, &aliases).ok_or_else(|| wrong("the fields"))?);
                }
                Kind::Type => {}
            }
        }
        Ok(api)
    }

    /// The structure of this name, without `spanwire_`.
    pub fn structure(&self, name: &str) -> Result<&Structure, String> {
        let found = self.structures.iter().find(|structure| structure.name == name);
        found.ok_or(format!("there is no structure spanwire_{name}"))
    }

    pub fn function(&self, name: &str) -> Result<&Function, String> {
        let found = self.functions.iter().chain(&self.callbacks).find(|function| function.name == name);
        found.ok_or(format!("there is no function or callback spanwire_{name}"))
    }
}

/// A name without what all names begin with.
fn short(name: &str) -> &str {
    name.trim_start_matches("SPANWIRE_").trim_start_matches("spanwire_")
}

fn number(text: &str) -> Option<i64> {
    match text.trim_matches(['(', ')']) {
        "INT32_MIN" => Some(i32::MIN.into()),
        digits => digits.parse().ok(),
    }
}

/// The types that are numbers or callbacks by another name.
fn aliases(items: &[Item]) -> Result<HashMap<String, Type>, String> {
    let mut known = HashMap::new();
    let mut callbacks = 0..;
    for item in items.iter().filter(|item| item.kind == Kind::Type && item.code.len() == 1) {
        let code = item.code[0].as_str();
        let kind = match code.contains("(*") {
            true => Type::Callback(callbacks.next().unwrap_or_default()),
            false => {
                let named = code.strip_prefix("typedef ").and_then(|rest| rest.split_once(' '));
                let (name, _) = named.ok_or(format!("cannot make out: {code}"))?;
                plain(name, &known).ok_or(format!("{name} is of no type that bindings know: {code}"))?
            }
        };
        known.insert(item.name.clone(), kind);
    }
    Ok(known)
}

fn plain(name: &str, aliases: &HashMap<String, Type>) -> Option<Type> {
    Some(match name {
        "void" => Type::Void,
        "int32_t" => Type::I32,
        "uint32_t" => Type::U32,
        "int64_t" => Type::I64,
        "uint64_t" => Type::U64,
        "size_t" => Type::Size,
        "double" => Type::F64,
        other => *aliases.get(other)?,
    })
}

/// Name and type of a parameter or field, such as `const char *name`.
fn declared(text: &str, aliases: &HashMap<String, Type>) -> Option<(String, Type)> {
    let at = text.rfind([' ', '*'])? + 1;
    let (kind, name) = (text[..at].trim(), &text[at..]);
    if let Some((name, count)) = name.split_once('[') {
        return Some((name.into(), Type::Chars(count.trim_end_matches(']').parse().ok()?)));
    }
    let kind = match kind.strip_suffix('*').map(str::trim) {
        Some("const char") => Type::Text,
        Some(_) => Type::Pointer,
        None => plain(kind, aliases)?,
    };
    Some((name.into(), kind))
}

/// Several of them; a text with its length behind it is `Bytes`.
fn all_declared<'a>(
    texts: impl Iterator<Item = &'a str>,
    aliases: &HashMap<String, Type>,
) -> Option<Vec<(String, Type)>> {
    let mut all: Vec<(String, Type)> = texts.map(|text| declared(text, aliases)).collect::<Option<_>>()?;
    for at in 1..all.len() {
        let length = [format!("{}_len", all[at - 1].0), "length".into()].contains(&all[at].0);
        if all[at - 1].1 == Type::Text && length {
            all[at - 1].1 = Type::Bytes;
        }
    }
    Some(all)
}

fn function(item: &Item, aliases: &HashMap<String, Type>) -> Option<Function> {
    let code = item.code[0].trim_start_matches("typedef ").trim_end_matches(");");
    let (head, list) = code.split_once(if code.contains("(*") { ")(" } else { "(" })?;
    let result = declared(&head.replace("(*", ""), aliases)?.1;
    let parameters = all_declared(list.split(", ").filter(|text| *text != "void"), aliases)?;
    let parameters = parameters.into_iter().map(|(_, kind)| kind).collect();
    Some(Function { name: short(&item.name).into(), result, parameters })
}

fn structure(item: &Item, aliases: &HashMap<String, Type>) -> Option<Structure> {
    let fields = item.code[1..].iter().map(|line| line.trim()).filter_map(|line| line.strip_suffix(';'));
    let declared = all_declared(fields.filter(|line| !line.starts_with('}')), aliases)?;
    let (mut fields, mut end, mut alignment) = (Vec::new(), 0usize, 1);
    for (name, kind) in declared {
        let offset = end.next_multiple_of(kind.alignment());
        end = offset + kind.size();
        alignment = alignment.max(kind.alignment());
        fields.push(Field { name, kind, offset });
    }
    Some(Structure { name: short(&item.name).into(), size: end.next_multiple_of(alignment), fields })
}
