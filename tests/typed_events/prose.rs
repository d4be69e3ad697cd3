//! Words that code looks for in a text, read from a source file. Code under `#[cfg(test)]` is left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// Methods that look into a text.
const METHODS: &[&str] = &[
    "contains",
    "ends_with",
    "eq_ignore_ascii_case",
    "find",
    "match_indices",
    "matches",
    "replace",
    "rfind",
    "rsplit",
    "rsplit_once",
    "split",
    "split_once",
    "splitn",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "trim_end_matches",
    "trim_start_matches",
];

/// The literals of several words that a method looks for, that a pattern matches, or that a comparison names.
pub fn searched(source: &str) -> BTreeSet<String> {
    let tokens = without_tests(source.parse::<TokenStream>().expect("Rust"));
    let mut constants = BTreeMap::new();
    gather_constants(&tokens, &mut constants);
    let mut found = BTreeSet::new();
    walk(&tokens, &constants, &mut found);
    found
}

fn walk(tokens: &[TokenTree], constants: &BTreeMap<String, String>, found: &mut BTreeSet<String>) {
    let text = |at: usize| tokens.get(at).map(ToString::to_string).unwrap_or_default();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(method) if METHODS.contains(&method.to_string().as_str()) => {
                let before = at.checked_sub(1).map(text).unwrap_or_default();
                let Some(TokenTree::Group(arguments)) = tokens.get(at + 1) else { continue };
                if before == "." {
                    found.extend(all(arguments.stream(), constants).into_iter().filter(|words| is_prose(words)));
                }
            }
            TokenTree::Literal(_) => {
                let before = |back: usize| at.checked_sub(back).map(text).unwrap_or_default();
                let compared = before(1) == "=" && matches!(before(2).as_str(), "=" | "!");
                let is_literal = |text: &str| text.ends_with('"');
                // One `|` between two literals; a closure has two of them, or a name between.
                let pattern = text(at + 1) == "=" && text(at + 2) == ">"
                    || text(at + 1) == "|" && is_literal(&text(at + 2))
                    || before(1) == "|" && is_literal(&before(2))
                    || text(at + 1) == "if";
                if compared || pattern {
                    found.extend(value(token).filter(|words| is_prose(words)));
                }
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                // `[…].iter().any(|begin| text.contains(begin))`
                let is_list = group.delimiter() == Delimiter::Bracket && text(at + 1) == ".";
                if is_list && looks_in(&tokens[at + 1..]) {
                    found.extend(all(group.stream(), constants).into_iter().filter(|words| is_prose(words)));
                }
                walk(&inner, constants, found);
            }
            _ => {}
        }
    }
}

/// Whether the calls behind a list, up to the end of the expression, look into a text.
fn looks_in(tokens: &[TokenTree]) -> bool {
    let chain = tokens.iter().take_while(|token| !matches!(token.to_string().as_str(), ";" | "," | "|"));
    let inside = chain.filter_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream().to_string()),
        _ => None,
    });
    inside.into_iter().any(|code| {
        METHODS.iter().any(|method| code.contains(&format!("{method} (")) || code.contains(&format!("{method}(")))
    })
}

/// Every text in these tokens, constants by their value.
fn all(tokens: TokenStream, constants: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match &token {
            TokenTree::Group(group) => found.extend(all(group.stream(), constants)),
            TokenTree::Ident(name) => found.extend(constants.get(&name.to_string()).cloned()),
            _ => found.extend(value(&token)),
        }
    }
    found
}

fn gather_constants(tokens: &[TokenTree], constants: &mut BTreeMap<String, String>) {
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            gather_constants(&inner, constants);
        }
        if !matches!(token.to_string().as_str(), "const" | "static" | "let") {
            continue;
        }
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { continue };
        let end = tokens[at..].iter().position(|token| token.to_string() == ";").unwrap_or(0);
        if let Some(text) = tokens.get((at + end).wrapping_sub(1)).and_then(value) {
            constants.insert(name.to_string(), text);
        }
    }
}

/// The text of a literal. Escapes stay as they are written: none of them is a word.
fn value(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    let written = literal.to_string();
    let inner =
        written.trim_start_matches(['b', 'r', '#']).strip_prefix('"')?.trim_end_matches('#').strip_suffix('"')?;
    Some(inner.to_owned())
}

/// A word and a space beside it.
fn is_prose(text: &str) -> bool {
    let is_word = |word: &str| word.chars().filter(char::is_ascii_lowercase).count() >= 2;
    text.contains(' ') && text.split(' ').any(is_word)
}

fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let is_test = tokens[at].to_string() == "#"
            && tokens.get(at + 1).is_some_and(|next| next.to_string().replace(' ', "") == "[cfg(test)]");
        if is_test {
            let is_end = |token: &TokenTree| match token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                other => other.to_string() == ";",
            };
            let end = tokens[at..].iter().position(is_end).map_or(tokens.len(), |end| at + end + 1);
            at = end;
            continue;
        }
        let token = match &tokens[at] {
            TokenTree::Group(group) => {
                let inner: TokenStream = without_tests(group.stream()).into_iter().collect();
                TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner))
            }
            other => other.clone(),
        };
        kept.push(token);
        at += 1;
    }
    kept
}
