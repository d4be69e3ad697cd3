//! The spans of the drive with the API of OpenTelemetry, which two of the peers have.

use crate::{Arguments, METRIC, NAMES, RESOURCES, SERVICE, TAGS, TYPES};
use opentelemetry::trace::{Span, SpanBuilder, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, StringValue};

/// Whether each text is copied, as a library behind a C interface has to do it. Otherwise texts are `&'static str`.
#[derive(Clone, Copy, PartialEq)]
pub enum Texts {
    Static,
    Owned,
}

impl Texts {
    /// Owned, if the environment has OWNED=1.
    pub fn from_environment() -> Self {
        if std::env::var("OWNED").as_deref() == Ok("1") {
            Self::Owned
        } else {
            Self::Static
        }
    }

    fn attribute(self, key: &'static str, value: &'static str) -> KeyValue {
        match self {
            Self::Static => KeyValue::new(key, value),
            Self::Owned => KeyValue::new(key.to_string(), StringValue::from(value.to_string())),
        }
    }

    fn start<T: Tracer>(self, tracer: &T, parent: &Context, kind: usize) -> T::Span {
        let builder = match self {
            Self::Static => SpanBuilder::from_name(NAMES[kind]),
            Self::Owned => SpanBuilder::from_name(NAMES[kind].to_string()),
        };
        tracer.build_with_context(builder, parent)
    }

    fn start_with_attributes<T: Tracer>(self, tracer: &T, parent: &Context, kind: usize) -> T::Span {
        let mut span = self.start(tracer, parent, kind);
        span.set_attribute(self.attribute("service.name", SERVICE));
        span.set_attribute(self.attribute("resource.name", RESOURCES[kind]));
        span.set_attribute(self.attribute("span.type", TYPES[kind]));
        for (key, value) in TAGS {
            span.set_attribute(self.attribute(key, value));
        }
        span.set_attribute(match self {
            Self::Static => KeyValue::new(METRIC.0, METRIC.1),
            Self::Owned => KeyValue::new(METRIC.0.to_string(), METRIC.1),
        });
        span
    }
}

/// Returns what makes one trace of the shape that was asked for.
pub fn maker<T>(tracer: T, arguments: &Arguments, texts: Texts) -> impl Fn() + Send + Sync + 'static
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync + 'static,
{
    let trace10 = arguments.trace10;
    move || {
        let nothing = Context::new();
        if !trace10 {
            return texts.start(&tracer, &nothing, 0).end();
        }
        let root = Context::new().with_span(texts.start_with_attributes(&tracer, &nothing, 0));
        for _ in 0..3 {
            let child = Context::new().with_span(texts.start_with_attributes(&tracer, &root, 1));
            for _ in 0..2 {
                texts.start_with_attributes(&tracer, &child, 2).end();
            }
            child.span().end();
        }
        root.span().end();
    }
}
