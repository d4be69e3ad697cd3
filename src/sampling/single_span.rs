//! The rules of `DD_SPAN_SAMPLING_RULES`: single spans that are kept although their trace is rejected.

use super::hash;
use super::limiter::Limiter;
use super::rules::{self, Facts};
use crate::settings::sampling::SamplingRule;

/// A rule for single spans, with its own limit.
#[derive(Debug)]
pub struct SpanRule {
    rule: SamplingRule,
    limiter: Limiter,
}

impl SpanRule {
    /// A rule of the settings.
    pub fn of(rule: SamplingRule) -> SpanRule {
        let limiter = Limiter::new(rule.max_per_second.unwrap_or(-1.0));
        SpanRule { rule, limiter }
    }

    /// Whether it is for this span.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        rules::matches(&self.rule, facts)
    }

    /// Whether it keeps a span that it is for: by its rate and the span's id, then by its limit.
    pub fn keeps(&self, span_id: u64, now_ns: u64) -> bool {
        hash::keeps(span_id, self.rule.sample_rate) && self.limiter.allows(now_ns)
    }
}
