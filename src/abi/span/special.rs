//! Keys that are no tags: they decide about the trace, or name something that a span has beside its tags. What most tracers
//! do with them. Node.js, Go, Java and PHP move service, resource and type out of the tags; Python does so with the service.

use super::noted;
use crate::span::open::{self, Field, OpenSpan, Value};
use crate::tracer::spans::At;
use crate::tracer::Error;
use std::sync::atomic::Ordering::Relaxed;

/// For each length of a key the last byte of a special one.
pub(in crate::abi) type Ends = [u8; 256];

/// Special keys with a text.
pub(in crate::abi) static TEXTS: Ends = ends(&[
    b"error",
    b"span.type",
    b"manual.keep",
    b"manual.drop",
    b"service.name",
    b"resource.name",
    b"analytics.event",
    b"sampling.priority",
]);

/// Special keys with a number.
pub(in crate::abi) static NUMBERS: Ends =
    ends(&[b"error", b"manual.keep", b"manual.drop", b"analytics.event", b"http.status_code", b"sampling.priority"]);

const fn ends(keys: &[&[u8]]) -> Ends {
    let (mut ends, mut n) = ([0; 256], 0);
    while n < keys.len() {
        let (length, last) = (keys[n].len(), keys[n][keys[n].len() - 1]);
        assert!(ends[length] == 0 || ends[length] == last);
        ends[length] = last;
        n += 1;
    }
    ends
}

/// Whether a key has the length and the last byte of a special one. Cheap, since every tag is asked.
#[inline(always)]
pub(in crate::abi) fn may_be(key: &[u8], ends: &Ends) -> bool {
    key.last().is_some_and(|&last| last == ends[usize::from(key.len() as u8)])
}

/// Does what a special key asks for. `None` if the key is that of a tag.
#[cold]
#[inline(never)]
pub(in crate::abi) fn take(span: &mut OpenSpan, at: At<'_>, key: &[u8], value: Value<'_>) -> Option<Result<(), Error>> {
    let set = match (key, value) {
        (b"manual.keep" | b"manual.drop", _) => {
            if is_true(value) {
                span.manual = Some(key == b"manual.keep");
            }
            return Some(Ok(()));
        }
        (b"sampling.priority", _) => {
            // A priority that is no number stays a tag.
            let number = number_of(value).filter(|number| number.is_finite())?;
            span.manual = Some(number > 0.0);
            return Some(Ok(()));
        }
        (b"error", Value::Text(text)) if !is_flag(text) => return None,
        (b"error", _) => {
            span.flags = span.flags & !open::ERROR | if is_true(value) { open::ERROR } else { 0 };
            return Some(Ok(()));
        }
        (b"service.name", Value::Text(service)) => span.set_service(at.tracer().service_hash.load(Relaxed), service),
        (b"resource.name", Value::Text(resource)) => span.set_field(Field::Resource, resource),
        (b"span.type", Value::Text(kind)) => span.set_field(Field::Type, kind),
        (b"analytics.event", _) => span.set_number(b"_dd1.sr.eausr", f64::from(u8::from(is_true(value)))),
        (b"http.status_code", Value::Number(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
            span.set_text(key, (number as i64).to_string().as_bytes())
        }
        _ => return None,
    };
    Some(noted(at, set))
}

fn number_of(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => Some(number),
        Value::Text(text) => std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()),
    }
}

/// Anything but 0 and "false".
fn is_true(value: Value<'_>) -> bool {
    match value {
        Value::Number(number) => number != 0.0,
        Value::Text(text) => text != b"0" && !text.eq_ignore_ascii_case(b"false"),
    }
}

fn is_flag(text: &[u8]) -> bool {
    matches!(text, b"0" | b"1") || text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false")
}

#[cfg(test)]
mod tests {
    use super::super::tags::{set_number, set_text};
    use super::*;
    use crate::tracer::current::state;

    /// A span after one tag: its service, resource, type and whether it failed; then the tag of that key.
    fn after(key: &str, value: Value<'_>) -> ([String; 3], bool, Option<String>) {
        let (mut span, at) = (OpenSpan::default(), At::of(state(), 0));
        span.reset();
        match value {
            Value::Text(text) => set_text(&mut span, at, key.as_bytes(), text),
            Value::Number(number) => set_number(&mut span, at, Some(key.as_bytes()), number),
        }
        .expect("set");
        let fields = [Field::Service, Field::Resource, Field::Type];
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let tag = span.tags().into_iter().next().map(|(key, value)| match value {
            Value::Text(value) => format!("{}={:?}", text(key), text(value)),
            Value::Number(number) => format!("{}={number}", text(key)),
        });
        (fields.map(|field| text(span.field(field))), span.flags & open::ERROR != 0, tag)
    }

    fn text(key: &str, value: &str) -> ([String; 3], bool, Option<String>) {
        after(key, Value::Text(value.as_bytes()))
    }

    #[test]
    fn keys_of_fields_set_the_fields() {
        let set = |service: &str, resource: &str, kind: &str| [service, resource, kind].map(str::to_owned);
        assert_eq!(text("service.name", "other"), (set("other", "", ""), false, None));
        assert_eq!(text("resource.name", "GET /"), (set("", "GET /", ""), false, None));
        assert_eq!(text("span.type", "web"), (set("", "", "web"), false, None));
        let number = after("service.name", Value::Number(7.0));
        assert_eq!(number, (set("", "", ""), false, Some("service.name=7".into())), "a number is a tag");
    }

    #[test]
    fn an_error_is_a_flag_unless_it_is_a_text() {
        let failed = |value| (text("error", value).1, text("error", value).2);
        assert_eq!(["true", "1", "TRUE"].map(failed), [(true, None), (true, None), (true, None)]);
        assert_eq!(["false", "0"].map(failed), [(false, None), (false, None)]);
        assert_eq!(failed("no route"), (false, Some("error=\"no route\"".into())));
        assert!(after("error", Value::Number(1.0)).1 && !after("error", Value::Number(0.0)).1);
    }

    #[test]
    fn numbers_and_texts_have_the_form_that_an_agent_looks_for() {
        let status = |number| after("http.status_code", Value::Number(number)).2.unwrap_or_default();
        assert_eq!([404.0, 404.5].map(status), ["http.status_code=\"404\"", "http.status_code=404.5"]);
        let event = |value| after("analytics.event", value).2.unwrap_or_default();
        let values = [Value::Number(0.5), Value::Text(b"true"), Value::Text(b"false"), Value::Number(0.0)];
        assert_eq!(values.map(event), [1, 1, 0, 0].map(|n| format!("_dd1.sr.eausr={n}")));
    }

    #[test]
    fn usual_keys_are_tags() {
        for key in ["span.kind", "component", "http.method", "http.status_code", "service.namf", "manual.keeq"] {
            assert_eq!(text(key, "1").2, Some(format!("{key}=\"1\"")));
        }
        let usual: [&[u8]; 5] = [b"span.kind", b"component", b"http.method", b"http.url", b"http.status_code"];
        assert!(usual.iter().all(|key| !may_be(key, &TEXTS)), "no call is made for them");
    }
}
