//! Decides whether a trace is kept, and by what: sampling rules, `DD_TRACE_SAMPLE_RATE`, the Agent's rates, or none of
//! them. Pure: gets facts about the root span and the time as arguments, and returns a [`Verdict`]. `tracer::deciding`
//! calls it, and makes the trace's decision of the verdict.

pub mod agent_rates;
pub mod glob;
pub mod hash;
pub mod limiter;
pub mod rules;
pub mod single_span;

use crate::settings::sampling::Provenance;
use crate::settings::Settings;
use agent_rates::AgentRates;
use limiter::Limiter;
use rules::{Facts, Rule};
use single_span::SpanRule;

/// How a trace was sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What decided.
    pub by: By,
    /// Whether the trace is kept.
    pub keep: bool,
    /// The rate that was applied, from 0 to 1; `None` if none was.
    pub rate: Option<f64>,
    /// The share that the rate limit let through lately; `None` if the limit was not asked.
    pub limit_rate: Option<f64>,
}

/// What decided about a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// No rule and no rate: the trace is kept.
    Default,
    /// A rate from the Agent.
    AgentRate,
    /// The rule of `DD_TRACE_SAMPLING_RULES` at this place among those that can be used, counted from 0.
    Rule(usize),
    /// `DD_TRACE_SAMPLE_RATE`.
    SampleRate,
    /// `DD_APM_TRACING_ENABLED=false`: one trace a minute is kept.
    Minute,
}

impl Verdict {
    /// Kept, because nothing says otherwise.
    pub const DEFAULT: Verdict = Verdict { by: By::Default, keep: true, rate: None, limit_rate: None };

    /// A decision by a rate alone.
    pub fn by_rate(by: By, trace_id_low: u64, rate: f64) -> Verdict {
        Verdict { by, keep: hash::keeps(trace_id_low, rate), rate: Some(rate), limit_rate: None }
    }
}

/// What a tracer decides by. Its settings never change; the limits count in atomics.
#[derive(Debug)]
pub struct Sampler {
    service: String,
    env: String,
    version: String,
    tags: Vec<(String, String)>,
    rules: Vec<Rule>,
    rate: Option<f64>,
    limit: f64,
    limiter: Limiter,
    span_rules: Vec<SpanRule>,
    /// With `DD_APM_TRACING_ENABLED=false`: one trace a minute.
    minute: Option<Limiter>,
}

impl Sampler {
    /// Returns the sampler of a tracer with these settings.
    pub fn of(settings: &Settings) -> Sampler {
        let sampling = &settings.sampling;
        Sampler {
            service: settings.service.clone(),
            env: settings.env.clone(),
            version: settings.version.clone(),
            tags: settings.tags.clone(),
            rules: sampling.rules.iter().cloned().map(Rule::of).collect(),
            rate: sampling.rate,
            limit: sampling.limit,
            limiter: Limiter::new(sampling.limit),
            span_rules: sampling.span_rules.iter().cloned().map(SpanRule::of).collect(),
            minute: (!sampling.apm_tracing).then(|| Limiter::new(1.0 / 60.0)),
        }
    }

    /// Whether only the Agent's rates matter: no rules, no rate of its own.
    pub fn has_only_agent_rates(&self) -> bool {
        self.rules.is_empty() && self.rate.is_none() && self.span_rules.is_empty() && self.minute.is_none()
    }

    /// The service of spans that set none.
    pub fn service(&self) -> &[u8] {
        self.service.as_bytes()
    }

    /// Returns a tag that all spans of the tracer have.
    pub fn tag(&self, key: &[u8]) -> Option<&[u8]> {
        let own = [("env", &self.env), ("version", &self.version)].into_iter().filter(|(_, value)| !value.is_empty());
        let tags = self.tags.iter().map(|(key, value)| (key.as_str(), value));
        tags.chain(own).find(|(name, _)| name.as_bytes() == key).map(|(_, value)| value.as_bytes())
    }

    /// Traces per second that rules and the sample rate keep.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Returns the text of a rule, for logs.
    pub fn rule_text(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |rule| rule.text())
    }

    /// Returns the place of a rule among all that were given, for people, counted from 0.
    pub fn rule_place(&self, rule: usize) -> usize {
        self.rules.get(rule).map_or(rule, |rule| rule.place())
    }

    /// Returns who has made a rule.
    pub fn rule_provenance(&self, rule: usize) -> Provenance {
        self.rules.get(rule).map_or(Provenance::Settings, |rule| rule.provenance())
    }

    /// Decides about a trace. `facts` are those of its local root. Without `now_ns` no limit is asked, so that the same
    /// facts give the same verdict again; `DD_APM_TRACING_ENABLED=false` then keeps none.
    pub fn judge(&self, trace_id_low: u64, facts: &Facts<'_>, agent: &AgentRates, now_ns: Option<u64>) -> Verdict {
        if let Some(minute) = &self.minute {
            let keep = now_ns.is_some_and(|now_ns| minute.allows(now_ns));
            return Verdict { keep, by: By::Minute, ..Verdict::DEFAULT };
        }
        let rule = self.rules.iter().enumerate().find(|(_, rule)| rule.matches(facts));
        let (by, rate, own) = match (rule, self.rate) {
            (Some((place, rule)), _) => (By::Rule(place), rule.rate(), rule.limiter()),
            (None, Some(rate)) => (By::SampleRate, rate, None),
            (None, None) => {
                let env = facts.env().unwrap_or(self.env.as_bytes());
                let rate = agent.rate_of(facts.service, env);
                return rate.map_or(Verdict::DEFAULT, |rate| Verdict::by_rate(By::AgentRate, trace_id_low, rate));
            }
        };
        let mut verdict = Verdict::by_rate(by, trace_id_low, rate);
        let Some(now_ns) = now_ns else { return verdict };
        verdict.keep = verdict.keep && own.is_none_or(|limiter| limiter.allows(now_ns));
        if verdict.keep {
            let (allowed, share) = self.limiter.ask(now_ns);
            (verdict.keep, verdict.limit_rate) = (allowed, Some(share));
        }
        verdict
    }

    /// Whether there are rules for single spans.
    pub fn has_span_rules(&self) -> bool {
        !self.span_rules.is_empty()
    }

    /// Returns the place of the rule that keeps a span of a rejected trace. The first rule that matches decides.
    pub fn span_rule(&self, span_id: u64, facts: &Facts<'_>, now_ns: u64) -> Option<usize> {
        let (place, rule) = self.span_rules.iter().enumerate().find(|(_, rule)| rule.matches(facts))?;
        rule.keeps(span_id, now_ns).then_some(place)
    }
}

#[cfg(test)]
mod tests;
