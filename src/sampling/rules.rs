//! The rules of `DD_TRACE_SAMPLING_RULES`, and how they and those for single spans match.

use super::glob;
use super::limiter::Limiter;
use crate::settings::sampling::{Provenance, SamplingRule};
use crate::span::encode;
use crate::span::open::Value;

/// What rules ask of a span. Service and resource are those that are sent: with their defaults.
pub struct Facts<'a> {
    /// The service.
    pub service: &'a [u8],
    /// The name.
    pub name: &'a [u8],
    /// The resource.
    pub resource: &'a [u8],
    /// Returns a tag.
    pub tag: &'a dyn Fn(&[u8]) -> Option<Value<'a>>,
}

impl Facts<'_> {
    /// The span's own environment, if it has one.
    pub fn env(&self) -> Option<&[u8]> {
        match (self.tag)(b"env") {
            Some(Value::Text(env)) => Some(env),
            _ => None,
        }
    }
}

/// Whether all that a rule names matches.
pub(super) fn matches(rule: &SamplingRule, facts: &Facts<'_>) -> bool {
    let fits =
        |pattern: &Option<String>, text| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern.as_bytes(), text));
    fits(&rule.service, facts.service)
        && fits(&rule.name, facts.name)
        && fits(&rule.resource, facts.resource)
        && rule.tags.iter().all(|(key, pattern)| {
            (facts.tag)(key.as_bytes()).is_some_and(|value| fits_value(pattern.as_bytes(), value))
        })
}

/// Whole numbers match as their digits. Of other numbers no two tracers write the same digits, so that only a pattern
/// for any value matches them.
fn fits_value(pattern: &[u8], value: Value<'_>) -> bool {
    match value {
        Value::Text(text) => glob::matches(pattern, text),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            glob::matches(pattern, encode::shortest(number).as_bytes())
        }
        Value::Number(_) => glob::is_any(pattern),
    }
}

/// A rule for traces, with its own limit if it has one.
#[derive(Debug)]
pub struct Rule {
    rule: SamplingRule,
    limiter: Option<Limiter>,
}

impl Rule {
    /// A rule of the settings.
    pub fn of(rule: SamplingRule) -> Rule {
        let limiter = rule.max_per_second.map(Limiter::new);
        Rule { rule, limiter }
    }

    /// Whether it is for this trace; `facts` are those of its local root.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        matches(&self.rule, facts)
    }

    /// Its rate.
    pub fn rate(&self) -> f64 {
        self.rule.sample_rate
    }

    /// The limit of `max_per_second`.
    pub fn limiter(&self) -> Option<&Limiter> {
        self.limiter.as_ref()
    }

    /// Who has made it.
    pub fn provenance(&self) -> Provenance {
        self.rule.provenance
    }

    /// Its place among the rules that were given.
    pub fn place(&self) -> usize {
        self.rule.place
    }

    /// The rule as it was given.
    pub fn text(&self) -> &str {
        &self.rule.text
    }
}
