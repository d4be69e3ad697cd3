//! Fields of structures and enums, read from a source file.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A type's name and its fields: a name for each, and the tokens of its type.
type Defined = (String, Vec<(String, Vec<String>)>);

/// `Type.field` and `Enum::Variant.field` of every field that can hold text, in order of appearance.
pub fn texts(source: &str) -> Vec<String> {
    let can_hold = |name: &String| matches!(name.as_str(), "str" | "String" | "Cow" | "Value" | "OsString" | "OsStr");
    let fields = types(source).into_iter().flat_map(|(_, fields)| fields);
    fields.filter(|(_, names)| names.iter().any(can_hold)).map(|(name, _)| name).collect()
}

/// The types that the file defines.
pub fn defined(source: &str) -> Vec<String> {
    types(source).into_iter().map(|(name, _)| name).collect()
}

/// The types that fields name.
pub fn named(source: &str) -> Vec<String> {
    let fields = types(source).into_iter().flat_map(|(_, fields)| fields);
    let names = fields.flat_map(|(_, names)| names);
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase())).collect()
}

fn types(source: &str) -> Vec<Defined> {
    let tokens: Vec<TokenTree> = source.parse::<TokenStream>().expect("Rust").into_iter().collect();
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let kind = tokens[at].to_string();
        let (true, Some(TokenTree::Ident(name))) = (matches!(kind.as_str(), "struct" | "enum"), tokens.get(at + 1))
        else {
            continue;
        };
        let is_body =
            |token: &&TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() != Delimiter::Bracket);
        let end = |token: &&TokenTree| token.to_string() == ";";
        let rest = &tokens[at + 2..];
        let Some(TokenTree::Group(body)) = rest.iter().take_while(|token| !end(token)).find(is_body) else {
            found.push((name.to_string(), Vec::new()));
            continue;
        };
        let named = body.delimiter() == Delimiter::Brace;
        let fields = match kind.as_str() {
            "struct" => fields(&name.to_string(), body.stream(), named),
            _ => variants(&name.to_string(), body.stream()),
        };
        found.push((name.to_string(), fields));
    }
    found
}

fn variants(name: &str, body: TokenStream) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for variant in split(body) {
        let variant = without_attributes(variant);
        let Some(TokenTree::Ident(ident)) = variant.first() else { continue };
        if let Some(TokenTree::Group(body)) = variant.get(1) {
            let named = body.delimiter() == Delimiter::Brace;
            found.extend(fields(&format!("{name}::{ident}"), body.stream(), named));
        }
    }
    found
}

fn fields(name: &str, body: TokenStream, named: bool) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (n, field) in split(body).into_iter().enumerate() {
        let field = without_attributes(field);
        let colon = field.iter().position(|token| token.to_string() == ":");
        let (label, of) = match colon.filter(|_| named) {
            Some(colon) => (field[colon - 1].to_string(), &field[colon + 1..]),
            None => (n.to_string(), &field[..]),
        };
        let mut names = Vec::new();
        identifiers(of, &mut names);
        found.push((format!("{name}.{label}"), names));
    }
    found
}

fn identifiers(tokens: &[TokenTree], names: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => names.push(ident.to_string()),
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                identifiers(&inner, names);
            }
            _ => {}
        }
    }
}

/// The parts between commas that are not inside of angle brackets.
fn split(body: TokenStream) -> Vec<Vec<TokenTree>> {
    let (mut parts, mut part, mut depth) = (Vec::new(), Vec::new(), 0);
    for token in body {
        match token.to_string().as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            "," if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(token);
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Doc comments are attributes, too.
fn without_attributes(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut rest = &tokens[..];
    while rest.first().is_some_and(|token| token.to_string() == "#") {
        rest = &rest[2..];
    }
    rest.to_vec()
}
