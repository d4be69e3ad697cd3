//! Settings of propagation.

use super::*;
use crate::propagation::{Behavior, Styles};

fn styles(text: &str) -> Styles {
    Styles::parse(text).unwrap()
}

#[test]
fn a_name_for_one_direction_wins_over_one_for_both_and_opentelemetrys_comes_last() {
    let default = styles("datadog,tracecontext,baggage");
    for (env, extract, inject) in [
        (&[][..], default, default),
        (&[("OTEL_PROPAGATORS", "b3,tracecontext")], styles("b3,tracecontext"), styles("b3,tracecontext")),
        (
            &[("OTEL_PROPAGATORS", "b3"), ("DD_TRACE_PROPAGATION_STYLE", "B3Multi")],
            styles("b3multi"),
            styles("b3multi"),
        ),
        (
            &[("DD_TRACE_PROPAGATION_STYLE", "b3"), ("DD_PROPAGATION_STYLE_INJECT", "none")],
            styles("b3"),
            styles("none"),
        ),
        (
            &[("DD_PROPAGATION_STYLE_EXTRACT", "b3"), ("DD_TRACE_PROPAGATION_STYLE_EXTRACT", "datadog")],
            styles("datadog"),
            default,
        ),
    ] {
        let (settings, rejected) = resolve(&[], env);
        let overridden = env.len() == 2 && env[0].0 == "OTEL_PROPAGATORS";
        assert_eq!(rejected.len(), usize::from(overridden), "{rejected:?}");
        assert_eq!((settings.propagation.extract, settings.propagation.inject), (extract, inject), "{env:?}");
    }
}

#[test]
fn what_propagation_cannot_use_is_rejected_and_the_default_stays() {
    for (name, bad) in [
        ("DD_TRACE_PROPAGATION_STYLE", "datadog,jaeger"),
        ("DD_TRACE_PROPAGATION_STYLE_EXTRACT", "w3c"),
        ("OTEL_PROPAGATORS", "xray"),
        ("DD_TRACE_PROPAGATION_EXTRACT_FIRST", "maybe"),
        ("DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT", "stop"),
        ("DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH", "513"),
        ("DD_TRACE_BAGGAGE_MAX_ITEMS", "-1"),
    ] {
        let (settings, rejected) = resolve(&[], &[(name, bad)]);
        assert_eq!(rejected.len(), 1, "{name}={bad}");
        assert!(rejected[0].why.to_string().contains("accepted"), "{}", rejected[0].why);
        assert_eq!(settings, resolve(&[], &[]).0, "{name}={bad} must leave the default");
    }
}

#[test]
fn limits_and_behavior_are_those_that_are_set() {
    let settings = accepted(&[], &[]);
    let limits = |settings: &Settings| {
        let propagation = settings.propagation;
        (propagation.tags_max, propagation.baggage_items, propagation.baggage_bytes)
    };
    assert_eq!((limits(&settings), settings.propagation.behavior), ((512, 64, 8192), Behavior::Continue));
    let older = ("DD_TRACE_TAGS_PROPAGATION_MAX_LENGTH", "100");
    let set = [older, ("DD_TRACE_BAGGAGE_MAX_ITEMS", "2"), ("DD_TRACE_BAGGAGE_MAX_BYTES", "30")];
    assert_eq!(limits(&accepted(&[], &set)), (100, 2, 30));
    let both =
        [older, ("DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH", "0"), ("DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT", "RESTART")];
    let settings = accepted(&[], &both);
    assert_eq!((limits(&settings).0, settings.propagation.behavior), (0, Behavior::Restart));
}

#[test]
fn an_empty_list_of_baggage_keys_is_a_value() {
    let keys = |env: &[(&str, &str)]| accepted(&[], env).baggage_tag_keys;
    assert_eq!(keys(&[]), ["user.id", "account.id", "session.id"]);
    assert_eq!(keys(&[("DD_TRACE_BAGGAGE_TAG_KEYS", "")]), [""; 0]);
    assert_eq!(keys(&[("DD_TRACE_BAGGAGE_TAG_KEYS", " a , *")]), ["a", "*"]);
}
