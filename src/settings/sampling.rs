//! The settings of sampling: rates, limits and rules. Reads rules from JSON; a rule that cannot be used is left out, with
//! the reason. How rules match is in `crate::sampling`.

use super::parse;
use super::rejection::{Rejection, RuleFault};
use crate::redact;
use serde_json::Value as Json;

/// How many rules a setting can have.
pub const RULES_MAX: usize = 1_000;
/// Characters of a rule that logs show.
const SHOWN_MAX: usize = 200;

/// How traces are sampled.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Sampling {
    /// `DD_TRACE_SAMPLE_RATE`, from 0 to 1.
    pub rate: Option<f64>,
    /// `DD_TRACE_SAMPLING_RULES`.
    pub rules: Vec<SamplingRule>,
    /// `DD_TRACE_RATE_LIMIT`: traces per second that rules and `rate` keep; negative for no limit.
    pub limit: f64,
    /// Rules for single spans of rejected traces.
    pub span_rules: Vec<SamplingRule>,
    /// `DD_APM_TRACING_ENABLED`.
    pub apm_tracing: bool,
}

/// A rule. Patterns are texts with `*` and `?`; one that is not given matches everything.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SamplingRule {
    /// A pattern for the service.
    pub service: Option<String>,
    /// A pattern for the name.
    pub name: Option<String>,
    /// A pattern for the resource.
    pub resource: Option<String>,
    /// Tags, and patterns for their values. Each must be there and match.
    pub tags: Vec<(String, String)>,
    /// From 0 to 1.
    pub sample_rate: f64,
    /// A limit of the rule's own; negative for none.
    pub max_per_second: Option<f64>,
    /// Who made it.
    pub provenance: Provenance,
    /// The rule as JSON, redacted and cut, for logs.
    pub text: String,
    /// Its place among the rules that were given, counted from 0. Those that cannot be used count too.
    pub place: usize,
}

/// Who made a rule. Rules of remote configuration apply in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provenance {
    /// A user, in remote configuration.
    Customer,
    /// The adaptive sampling of Datadog's side, in remote configuration.
    Dynamic,
    /// The settings.
    #[default]
    Settings,
}

/// What rules decide about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesFor {
    /// Traces. A rule without a rate is left out.
    Traces,
    /// Traces, in the form of remote configuration: with `provenance`, and tags as a list of `key` and `value_glob`. An
    /// unknown key says nothing.
    Remote,
    /// Single spans. A rule without a rate keeps all.
    Spans,
}

/// Reads a rate from 0 to 1.
pub fn rate(text: &str) -> Result<f64, Rejection> {
    text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate)).ok_or(Rejection::NotRate)
}

/// Reads a limit per second; negative for none.
pub fn per_second(text: &str) -> Result<f64, Rejection> {
    text.parse().ok().filter(|limit: &f64| limit.is_finite()).ok_or(Rejection::NotPerSecond)
}

/// The samplers of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtelSampler {
    /// Keeps all.
    AlwaysOn,
    /// Keeps none.
    AlwaysOff,
    /// Keeps the share in `OTEL_TRACES_SAMPLER_ARG`.
    Ratio,
}

/// Reads a sampler's name, and whether it follows the parent's decision.
pub fn otel_sampler(text: &str) -> Result<(OtelSampler, bool), Rejection> {
    let word = text.to_ascii_lowercase();
    let bare = word.strip_prefix("parentbased_");
    let sampler = match bare.unwrap_or(&word) {
        "always_on" => OtelSampler::AlwaysOn,
        "always_off" => OtelSampler::AlwaysOff,
        "traceidratio" => OtelSampler::Ratio,
        _ => {
            let accepted = ["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];
            return Err(Rejection::UnknownWord(accepted.to_vec()));
        }
    };
    Ok((sampler, bare.is_some()))
}

/// Rules that were read, and for each one that was left out its text and the reason.
pub type Rules = (Vec<SamplingRule>, Vec<(String, Rejection)>);

/// Reads an array of rules. A single rule may stand without the array.
pub fn rules(text: &str, purpose: RulesFor) -> Result<Rules, Rejection> {
    match serde_json::from_str(text) {
        Ok(json) => rules_of(&json, purpose),
        Err(error) => Err(Rejection::RulesNotJson { error: error.to_string() }),
    }
}

/// Reads rules that are JSON already. Those of remote configuration come back in the order in which they apply.
pub fn rules_of(json: &Json, purpose: RulesFor) -> Result<Rules, Rejection> {
    let array = match json {
        Json::Array(array) => array.as_slice(),
        Json::Object(_) => std::slice::from_ref(json),
        _ => return Err(Rejection::NotRules),
    };
    let (mut usable, mut left_out) = (Vec::new(), Vec::new());
    for (place, given) in array.iter().enumerate() {
        match rule(given, purpose) {
            Ok(rule) if usable.len() < RULES_MAX => usable.push(SamplingRule { place, ..rule }),
            Ok(_) => {
                left_out.push((shown(given), Rejection::Rule { place, fault: RuleFault::TooMany { max: RULES_MAX } }));
                break;
            }
            Err(fault) => left_out.push((shown(given), Rejection::Rule { place, fault })),
        }
    }
    if purpose == RulesFor::Remote {
        crate::sort::by_key(&mut usable, |rule: &SamplingRule| rule.provenance);
    }
    Ok((usable, left_out))
}

fn shown(rule: &Json) -> String {
    parse::shorten(redact::text(&rule.to_string()).into_owned(), SHOWN_MAX)
}

fn rule(given: &Json, purpose: RulesFor) -> Result<SamplingRule, RuleFault> {
    let fields = given.as_object().ok_or(RuleFault::NotObject)?;
    let mut rule = SamplingRule { text: shown(given), ..SamplingRule::default() };
    let mut rate = None;
    for (key, value) in fields {
        match (key.as_str(), value) {
            (_, Json::Null) => {}
            ("service", value) => rule.service = Some(pattern(key, value)?),
            ("name", value) => rule.name = Some(pattern(key, value)?),
            ("resource", value) => rule.resource = Some(pattern(key, value)?),
            ("tags", Json::Object(tags)) => {
                for (key, value) in tags {
                    rule.tags.push((key.clone(), pattern(key, value)?));
                }
            }
            ("tags", Json::Array(tags)) if purpose == RulesFor::Remote => {
                for tag in tags {
                    let text = |name| tag.get(name).and_then(Json::as_str).map(str::to_string);
                    rule.tags.push(text("key").zip(text("value_glob")).ok_or(RuleFault::NotTags)?);
                }
            }
            ("tags", _) => return Err(RuleFault::NotTags),
            ("sample_rate", value) => {
                rate = Some(number(value).filter(|rate| *rate >= 0.0).ok_or(RuleFault::Rate)?.min(1.0));
            }
            ("max_per_second", value) => rule.max_per_second = Some(number(value).ok_or(RuleFault::PerSecond)?),
            ("provenance", value) if purpose == RulesFor::Remote => {
                rule.provenance = match value.as_str() {
                    Some("customer") => Provenance::Customer,
                    Some("dynamic") => Provenance::Dynamic,
                    _ => Provenance::Settings,
                };
            }
            _ if purpose == RulesFor::Remote => {}
            _ => return Err(RuleFault::UnknownKey { key: redact::text(key).into_owned() }),
        }
    }
    rule.sample_rate = match (rate, purpose) {
        (Some(rate), _) => rate,
        (None, RulesFor::Spans) => 1.0,
        (None, RulesFor::Traces | RulesFor::Remote) => return Err(RuleFault::NoRate),
    };
    Ok(rule)
}

/// A pattern. A number or boolean is its text, as in the tag that it is for.
fn pattern(key: &str, value: &Json) -> Result<String, RuleFault> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(_) | Json::Bool(_) => Ok(value.to_string()),
        _ => Err(RuleFault::NotText { key: redact::text(key).into_owned() }),
    }
}

/// A number, or the text of one, which other tracers accept.
fn number(value: &Json) -> Option<f64> {
    let number = match value {
        Json::String(text) => text.trim().parse().ok(),
        _ => value.as_f64(),
    };
    number.filter(|number| number.is_finite())
}
