//! Settles the settings of sampling that depend on one another: `OTEL_TRACES_SAMPLER`, and the file with rules for single
//! spans.

use super::draft::Draft;
use super::rejection::{ConfigFileFault, Rejection};
use super::sampling::{rules, OtelSampler, RulesFor};
use super::{file, otel, refused, Origin, Rejected};
use crate::redact;

/// Settles what several settings say together.
pub(super) fn settle(draft: &mut Draft, rejected: &mut Vec<Rejected>) {
    settle_otel(draft, rejected);
    let Some(path) = draft.span_rules_file.take() else { return };
    let name = "DD_SPAN_SAMPLING_RULES_FILE";
    let origin = draft.frozen.value(name).map_or(Origin::Default, |value| value.origin);
    let shown = redact::text(&path.to_string_lossy()).into_owned();
    if draft.frozen.value("DD_SPAN_SAMPLING_RULES").is_some_and(|value| value.origin != Origin::Default) {
        let why = Rejection::Overridden { by: "DD_SPAN_SAMPLING_RULES" };
        return rejected.push(refused(name, shown, origin, why));
    }
    let read = file::read(&path).map_err(Rejection::File).and_then(|bytes| {
        let not_text = |_| Rejection::File(ConfigFileFault::NotJson { error: "it is not UTF-8".into() });
        rules(std::str::from_utf8(&bytes).map_err(not_text)?, RulesFor::Spans)
    });
    match read {
        Ok((rules, left_out)) => {
            draft.frozen.sampling.span_rules = rules;
            rejected.extend(left_out.into_iter().map(|(text, why)| refused(name, text, origin, why)));
        }
        Err(why) => rejected.push(refused(name, shown, origin, why)),
    }
}

/// `OTEL_TRACES_SAMPLER` is a sample rate, if `DD_TRACE_SAMPLE_RATE` is not set.
fn settle_otel(draft: &mut Draft, rejected: &mut Vec<Rejected>) {
    let Some((sampler, follows_parent)) = draft.otel_sampler else { return };
    let Some(value) = draft.frozen.value("OTEL_TRACES_SAMPLER").cloned() else { return };
    if otel::gives_way(draft, "OTEL_TRACES_SAMPLER", "DD_TRACE_SAMPLE_RATE", rejected) {
        return;
    }
    let mut warn = |why| rejected.push(refused(value.name, value.value.clone(), value.origin, why));
    if !follows_parent {
        warn(Rejection::FollowsParent);
    }
    draft.frozen.sampling.rate = Some(match sampler {
        OtelSampler::AlwaysOn => 1.0,
        OtelSampler::AlwaysOff => 0.0,
        OtelSampler::Ratio => draft.otel_ratio.unwrap_or(1.0),
    });
}
