//! Chooses the values of a file that hold for this program: the default ones, then those of the first rule that matches.

use super::document::{Document, Entry, Fault, Operator, Selector, Subject};
use crate::settings::rejection::stable::StableFault;
use crate::settings::rejection::Rejection;
use std::path::{Path, PathBuf};

/// What a template names that does not exist.
const UNDEFINED: &str = "UNDEFINED";

/// The program that reads the files. Rules choose by it.
pub struct Program<'a> {
    /// Returns the value of an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Returns all environment variables.
    pub variables: &'a dyn Fn() -> Vec<(String, String)>,
    /// Returns the command line.
    pub arguments: &'a dyn Fn() -> Vec<String>,
    /// Returns where a file is found; `None` if it is not to be read.
    pub place: &'a dyn Fn(&Path) -> Option<PathBuf>,
}

/// Returns the values, weaker ones first.
pub fn choose(document: Document, language: &str, program: &Program<'_>, faults: &mut Vec<Fault>) -> Vec<Entry> {
    let Document { mut defaults, tags, rules, .. } = document;
    let facts = Facts { language, program, tags: &tags };
    let matching = rules.into_iter().find(|rule| rule.selectors.iter().all(|selector| facts.match_one(selector)));
    for entry in matching.into_iter().flat_map(|rule| rule.configuration) {
        match facts.fill_in(&entry.text) {
            Ok(text) => defaults.push(Entry { text, ..entry }),
            Err(why) => faults.push(Fault {
                line: entry.line,
                setting: Some((entry.name, entry.text)),
                why: Rejection::Stable(why),
            }),
        }
    }
    defaults
}

/// What selectors compare and templates insert.
struct Facts<'a> {
    language: &'a str,
    program: &'a Program<'a>,
    tags: &'a [Entry],
}

impl Facts<'_> {
    fn match_one(&self, selector: &Selector) -> bool {
        let Selector { subject, key, operator, matches } = selector;
        let fits = |text: &str| match operator {
            Operator::Exists => true,
            Operator::Equals => matches.iter().any(|wanted| text == wanted),
            Operator::Prefix => matches.iter().any(|wanted| text.starts_with(wanted.as_str())),
            Operator::Suffix => matches.iter().any(|wanted| text.ends_with(wanted.as_str())),
        };
        match (subject, key) {
            (Subject::Language, _) => fits(self.language),
            (Subject::Arguments, None) => (self.program.arguments)().iter().any(|argument| fits(argument)),
            (Subject::Variables, None) => {
                (self.program.variables)().iter().any(|(name, value)| fits(&format!("{name}={value}")))
            }
            (Subject::Tags, None) => false,
            (_, Some(key)) => self.value(*subject, key).is_some_and(|value| fits(&value)),
        }
    }

    /// Returns the value of a variable, of an argument of the form `key=value`, or of a tag.
    fn value(&self, subject: Subject, key: &str) -> Option<String> {
        match subject {
            Subject::Language => Some(self.language.into()),
            Subject::Variables => (self.program.env)(key),
            Subject::Arguments => (self.program.arguments)().into_iter().rev().find_map(|argument| {
                let (name, value) = argument.split_once('=')?;
                (name == key).then(|| value.to_string())
            }),
            Subject::Tags => self.tags.iter().rfind(|tag| tag.name == key).map(|tag| tag.text.clone()),
        }
    }

    /// Replaces `{{ language }}`, `{{ tags[KEY] }}` and the like in a value.
    fn fill_in(&self, text: &str) -> Result<String, StableFault> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, from)) = rest.split_once("{{") {
            let (name, after) = from.split_once("}}").ok_or(StableFault::OpenTemplate)?;
            filled.push_str(before);
            filled.push_str(&self.named(name.trim()).unwrap_or_else(|| UNDEFINED.into()));
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn named(&self, name: &str) -> Option<String> {
        if name == "language" {
            return Some(self.language.into());
        }
        let (subject, key) = name.split_once('[')?;
        let key = key.strip_suffix(']')?.trim();
        let subject = match subject.trim() {
            "environment_variables" => Subject::Variables,
            "process_arguments" => Subject::Arguments,
            "tags" => Subject::Tags,
            _ => return None,
        };
        self.value(subject, key)
    }
}
