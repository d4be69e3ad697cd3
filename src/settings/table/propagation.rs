//! Settings of propagation: how traces continue in other processes.

use super::{computed, setting, Kind, Setting};
use crate::propagation::Behavior;

pub(super) static PROPAGATION: &[Setting] = &[
    setting(
        "DD_TRACE_PROPAGATION_STYLE",
        Kind::Styles(|d, v| d.styles = Some(v)),
        "datadog,tracecontext,baggage",
        "The styles of headers that contexts are read from and written to, separated by commas, in the order in which they \
         count. `none` alone: no headers.",
    ),
    computed(
        "DD_TRACE_PROPAGATION_STYLE_EXTRACT",
        Kind::Styles(|d, v| d.styles_extract = Some(v)),
        "those of `DD_TRACE_PROPAGATION_STYLE`",
        "The styles that are read.",
    ),
    computed(
        "DD_TRACE_PROPAGATION_STYLE_INJECT",
        Kind::Styles(|d, v| d.styles_inject = Some(v)),
        "those of `DD_TRACE_PROPAGATION_STYLE`",
        "The styles that are written.",
    ),
    setting(
        "DD_PROPAGATION_STYLE_EXTRACT",
        Kind::Styles(|d, v| d.old_styles_extract = Some(v)),
        "",
        "An older name of `DD_TRACE_PROPAGATION_STYLE_EXTRACT`, which wins.",
    ),
    setting(
        "DD_PROPAGATION_STYLE_INJECT",
        Kind::Styles(|d, v| d.old_styles_inject = Some(v)),
        "",
        "An older name of `DD_TRACE_PROPAGATION_STYLE_INJECT`, which wins.",
    ),
    setting(
        "OTEL_PROPAGATORS",
        Kind::Styles(|d, v| d.otel_styles = Some(v)),
        "",
        "OpenTelemetry's name for `DD_TRACE_PROPAGATION_STYLE`, which wins.",
    ),
    setting(
        "DD_TRACE_PROPAGATION_EXTRACT_FIRST",
        Kind::Switch(|d, v| d.frozen.propagation.extract_first = v),
        "false",
        "The first style that finds a context ends the search: later ones add nothing, not even links.",
    ),
    setting(
        "DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT",
        Kind::Word(Behavior::WORDS, |d, v| d.frozen.propagation.behavior = Behavior::of(v)),
        "continue",
        "What becomes of a context that comes in. `restart`: a new trace begins, linked to it, and baggage is kept. \
         `ignore`: it is not read, nor is its baggage.",
    ),
    setting(
        "DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH",
        Kind::Number(0..=512, "bytes", |d, v| d.tags_max = Some(v as u16)),
        "",
        "The longest header `x-datadog-tags`, both ways; 512 if it is not set. A longer one is dropped, and the trace gets the \
         tag `_dd.propagation_error`. 0: the header is neither read nor written.",
    ),
    setting(
        "DD_TRACE_TAGS_PROPAGATION_MAX_LENGTH",
        Kind::Number(0..=512, "bytes", |d, v| d.frozen.propagation.tags_max = v as u16),
        "512",
        "An older name of `DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH`, which wins.",
    ),
    setting(
        "DD_TRACE_BAGGAGE_MAX_ITEMS",
        Kind::Number(0..=1_024, "items", |d, v| d.frozen.propagation.baggage_items = v as u16),
        "64",
        "The most items of baggage that are read and written. Others are left out.",
    ),
    setting(
        "DD_TRACE_BAGGAGE_MAX_BYTES",
        Kind::Number(0..=16_384, "bytes", |d, v| d.frozen.propagation.baggage_bytes = v as u16),
        "8192",
        "The longest header `baggage`. Items behind it are left out.",
    ),
    setting(
        "DD_TRACE_BAGGAGE_TAG_KEYS",
        Kind::Names(|d, v| d.frozen.baggage_tag_keys = v),
        "user.id,account.id,session.id",
        "The items of baggage that came in which the local root span gets as tags, as `baggage.user.id`; `*` for all, an \
         empty text for none.",
    ),
];
