//! What a file of stable configuration says: default values, tags, and rules. Parts that cannot be used are left out, with
//! a fault each.

use super::yaml::{Content, Node};
use crate::settings::rejection::stable::{Form, StableFault};
use crate::settings::rejection::Rejection;

const KEYS: &[&str] = &["config_id", "apm_configuration_default", "tags", "rules"];
const KEYS_OF_RULE: &[&str] = &["selectors", "configuration"];
const KEYS_OF_SELECTOR: &[&str] = &["origin", "key", "operator", "matches"];
const ORIGINS: &[&str] = &["process_arguments", "environment_variables", "language", "tags"];
const OPERATORS: &[&str] = &["exists", "equals", "prefix_matches", "suffix_matches"];

/// A value in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The setting's name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
}

/// A part of the file that cannot be used.
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The setting that is not set for that reason, and the text of its value.
    pub setting: Option<(String, String)>,
    /// What is wrong.
    pub why: Rejection,
}

impl Fault {
    /// A fault in the form of the file.
    pub fn of_form(line: usize, why: StableFault) -> Fault {
        Fault { line, setting: None, why: Rejection::Stable(why) }
    }
}

/// A file's content.
#[derive(Debug, Default)]
pub struct Document {
    /// The identity that its author gave it.
    pub config_id: Option<String>,
    /// Values for all programs.
    pub defaults: Vec<Entry>,
    /// Tags that selectors compare.
    pub tags: Vec<Entry>,
    /// Rules that can be used, in their order.
    pub rules: Vec<Rule>,
}

/// Values for the programs that all selectors match.
#[derive(Debug)]
pub struct Rule {
    /// The conditions.
    pub selectors: Vec<Selector>,
    /// The values.
    pub configuration: Vec<Entry>,
}

/// A condition.
#[derive(Debug)]
pub struct Selector {
    /// What is compared.
    pub subject: Subject,
    /// The name of a variable, an argument or a tag; none to compare all of them whole.
    pub key: Option<String>,
    /// How it is compared.
    pub operator: Operator,
    /// One of these must match.
    pub matches: Vec<String>,
}

/// What a selector compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The arguments of the command line.
    Arguments,
    /// Environment variables.
    Variables,
    /// The language of the host.
    Language,
    /// The tags in the file.
    Tags,
}

/// How a selector compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// There is such a thing.
    Exists,
    /// It is equal.
    Equals,
    /// It begins so.
    Prefix,
    /// It ends so.
    Suffix,
}

impl Document {
    /// Reads the content of a file.
    pub fn of(root: Node, faults: &mut Vec<Fault>) -> Document {
        let mut document = Document::default();
        for (key, value) in keys("", root, KEYS, faults) {
            match key {
                "config_id" => document.config_id = scalar(key, value, faults),
                "apm_configuration_default" => document.defaults = entries(key, value, faults),
                "tags" => document.tags = entries(key, value, faults),
                _ => {
                    let rules = list("rules", value, faults);
                    document.rules = rules.into_iter().filter_map(|rule| Rule::of(rule, faults)).collect();
                }
            }
        }
        document
    }
}

impl Rule {
    /// Reads a rule; none if it cannot be used.
    fn of(node: Node, faults: &mut Vec<Fault>) -> Option<Rule> {
        let (begin, known) = (node.line, faults.len());
        let (mut selectors, mut configuration) = (None, None);
        for (key, value) in keys("rules", node, KEYS_OF_RULE, faults) {
            match key {
                "selectors" => {
                    let (nodes, known) = (list(key, value, faults), faults.len());
                    let read: Vec<Selector> = nodes.into_iter().filter_map(|node| Selector::of(node, faults)).collect();
                    // Without one of its conditions the rule would match programs that it is not for.
                    if faults.len() > known {
                        return None;
                    }
                    selectors = Some(read);
                }
                _ => configuration = Some(entries(key, value, faults)),
            }
        }
        let rule = selectors.zip(configuration.clone());
        if rule.is_none() && faults.len() == known {
            let key = if configuration.is_some() { "selectors" } else { "configuration" };
            faults.push(Fault::of_form(begin, StableFault::Missing { key, of: "rules" }));
        }
        rule.map(|(selectors, configuration)| Rule { selectors, configuration })
    }
}

impl Selector {
    fn of(node: Node, faults: &mut Vec<Fault>) -> Option<Selector> {
        let begin = node.line;
        let (mut subject, mut key, mut operator, mut matches) = (None, None, None, None);
        for (name, value) in keys("selectors", node, KEYS_OF_SELECTOR, faults) {
            match name {
                "key" => key = scalar(name, value, faults),
                "matches" => {
                    let nodes = list(name, value, faults);
                    matches = Some(nodes.into_iter().filter_map(|node| scalar(name, node, faults)).collect());
                }
                "origin" => {
                    let all = [Subject::Arguments, Subject::Variables, Subject::Language, Subject::Tags];
                    subject = word(name, value, ORIGINS, faults).and_then(|place| all.get(place).copied());
                }
                _ => {
                    let all = [Operator::Exists, Operator::Equals, Operator::Prefix, Operator::Suffix];
                    operator = word(name, value, OPERATORS, faults).and_then(|place| all.get(place).copied());
                }
            }
        }
        let missing = match (subject, operator, &matches) {
            (None, ..) => Some("origin"),
            (_, None, _) => Some("operator"),
            (_, Some(Operator::Exists), _) | (.., Some(_)) => None,
            _ => Some("matches"),
        };
        if let Some(missing) = missing {
            faults.push(Fault::of_form(begin, StableFault::Missing { key: missing, of: "selectors" }));
        }
        Some(Selector { subject: subject?, key, operator: operator?, matches: matches.unwrap_or_default() })
    }
}

/// Returns the known keys of a mapping and their values. Nothing counts as an empty mapping. `of` is the key
/// that the mapping belongs to.
fn keys(
    of: &'static str,
    node: Node,
    known: &'static [&'static str],
    faults: &mut Vec<Fault>,
) -> Vec<(&'static str, Node)> {
    let mut found = Vec::new();
    for (key, value) in mapping(of, node, faults) {
        let name = match key.content {
            Content::Text(name) => name,
            _ => String::new(),
        };
        match known.iter().find(|known| **known == name) {
            Some(name) => found.push((*name, value)),
            None => faults.push(Fault::of_form(key.line, StableFault::UnknownKey { key: name, known })),
        }
    }
    found
}

fn mapping(of: &'static str, node: Node, faults: &mut Vec<Fault>) -> Vec<(Node, Node)> {
    match node.content {
        Content::Mapping(pairs) => pairs,
        Content::Null => Vec::new(),
        _ => {
            faults.push(Fault::of_form(node.line, StableFault::Not { key: of, form: Form::Mapping }));
            Vec::new()
        }
    }
}

fn list(of: &'static str, node: Node, faults: &mut Vec<Fault>) -> Vec<Node> {
    match node.content {
        Content::List(nodes) => nodes,
        Content::Null => Vec::new(),
        _ => {
            faults.push(Fault::of_form(node.line, StableFault::Not { key: of, form: Form::List }));
            Vec::new()
        }
    }
}

/// Returns the text of a scalar; none for nothing.
fn scalar(of: &'static str, node: Node, faults: &mut Vec<Fault>) -> Option<String> {
    match node.content {
        Content::Text(text) => Some(text),
        Content::Null => None,
        Content::List(_) | Content::Mapping(_) => {
            faults.push(Fault::of_form(node.line, StableFault::Not { key: of, form: Form::Scalar }));
            None
        }
    }
}

/// Returns the names and texts of a mapping. A name without a value is left out.
fn entries(of: &'static str, node: Node, faults: &mut Vec<Fault>) -> Vec<Entry> {
    let mut found = Vec::new();
    for (name, value) in mapping(of, node, faults) {
        let (line, name) = (name.line, scalar(of, name, faults));
        match (name, value.content) {
            (Some(name), Content::Text(text)) => found.push(Entry { name, text, line }),
            (None, _) | (_, Content::Null) => {}
            (Some(name), _) => {
                faults.push(Fault { line, setting: Some((name, String::new())), why: Rejection::NotScalar })
            }
        }
    }
    found
}

/// Returns the place of a word in a list.
fn word(key: &'static str, node: Node, words: &'static [&'static str], faults: &mut Vec<Fault>) -> Option<usize> {
    let (line, given) = (node.line, scalar(key, node, faults)?);
    let place = words.iter().position(|word| *word == given);
    if place.is_none() {
        faults.push(Fault::of_form(line, StableFault::Word { key, given, words }));
    }
    place
}
