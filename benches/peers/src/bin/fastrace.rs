//! fastrace with its reporter for Datadog. OWNED=1 copies each text.

use fastrace::collector::Config;
use fastrace::prelude::{Span, SpanContext};
use spanwire_peers::{drive, Arguments, NAMES, RESOURCES, SERVICE, TAGS, TYPES};
use std::borrow::Cow;

#[derive(Clone, Copy)]
struct Texts {
    owned: bool,
}

impl Texts {
    fn text(self, text: &'static str) -> Cow<'static, str> {
        if self.owned {
            Cow::Owned(text.to_string())
        } else {
            Cow::Borrowed(text)
        }
    }

    /// It has no numbers: the number goes as a text.
    fn attributes(self, kind: usize) -> impl IntoIterator<Item = (Cow<'static, str>, Cow<'static, str>)> {
        let [first, second, third] = TAGS;
        let texts = [("service", SERVICE), ("resource", RESOURCES[kind]), ("type", TYPES[kind]), first, second, third];
        texts.into_iter().chain([("bench.rows", "42.5")]).map(move |(key, value)| (self.text(key), self.text(value)))
    }

    fn child(self, parent: &Span, kind: usize) -> Span {
        Span::enter_with_parent(self.text(NAMES[kind]), parent).with_properties(|| self.attributes(kind))
    }
}

fn main() {
    let arguments = Arguments::read();
    let texts = Texts { owned: std::env::var("OWNED").as_deref() == Ok("1") };
    let agent = arguments.host.parse().expect("HOST is an address");
    if !arguments.disabled {
        let reporter = fastrace_datadog::DatadogReporter::new(agent, SERVICE, RESOURCES[0], TYPES[0]);
        fastrace::set_reporter(reporter, Config::default());
    }
    let trace10 = arguments.trace10;
    let make = move || {
        let root = Span::root(texts.text(NAMES[0]), SpanContext::random());
        if trace10 {
            let root = root.with_properties(|| texts.attributes(0));
            for _ in 0..3 {
                let child = texts.child(&root, 1);
                for _ in 0..2 {
                    drop(texts.child(&child, 2));
                }
            }
        }
    };
    drive("fastrace-datadog", &arguments, make, fastrace::flush);
}
