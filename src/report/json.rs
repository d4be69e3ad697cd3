//! Writes an image as one JSON object with what the commands say, redacted. Ids of spans are decimal text, because they
//! do not fit a double.

use super::commands::lists::{self, standing};
use super::commands::{level, tracers, whereabouts};
use super::image::{Chunk, Image, Place, Span, Tag, Tracer};
use super::text::{clean, shown, LONG};
use serde_json::{json, Map, Value};

/// Returns the object.
pub fn object(image: &Image) -> Value {
    let [open, waiting, queued, sending] = whereabouts(image, None);
    let spans: Vec<Value> = image.spans.iter().map(|span| of_span(image, span)).collect();
    json!({
        "process": {
            "pid": image.pid, "epoch": image.epoch, "parent_pid": image.parent_pid,
            "library": clean(&image.library, LONG), "as_of_ns": image.as_of, "incomplete": image.misses,
        },
        "spans": { "open": open, "waiting": waiting, "queued": queued, "being_sent": sending },
        "tracers": tracers(image).map(|tracer| of_tracer(image, tracer)).collect::<Vec<_>>(),
        "open_spans": spans,
        "finished": image.chunks().map(|chunk| of_chunk(image, chunk)).collect::<Vec<_>>(),
        "log": {
            "level": level(image), "lost": image.lost,
            "records": image.log.iter().map(|record| shown(record, LONG)).collect::<Vec<_>>(),
        },
    })
}

fn of_tracer(image: &Image, tracer: &Tracer) -> Value {
    let text = |name: &str| shown(tracer.text(name).as_bytes(), LONG);
    let exporter = image.exporters.iter().find(|exporter| exporter.index == tracer.exporter);
    let settings = tracer.settings().map(|[name, value, origin]| {
        json!({ "name": clean(name, LONG), "value": clean(value, LONG), "origin": clean(origin, LONG) })
    });
    let counters =
        crate::sort::object(&mut tracer.counters.iter().map(|(name, value)| (name.clone(), (*value).into())));
    json!({
        "index": tracer.index, "service": text("service"), "env": text("env"), "version": text("version"),
        "language": text("language"), "live": tracer.live, "shut_down": tracer.closed, "enabled": tracer.enabled,
        "agent": { "url": text("agent_url"), "standing": exporter.map(|exporter| standing(image, exporter)) },
        "counters": counters,
        "settings": settings.collect::<Vec<_>>(),
    })
}

fn of_span(image: &Image, span: &Span) -> Value {
    let mut tags = Map::new();
    for it in &span.tags {
        let (key, shown) = lists::tag(it, LONG);
        // A number stays a number unless it is redacted.
        let number = match it.1 {
            Tag::Number(number) if shown == super::text::number(number) => serde_json::Number::from_f64(number),
            _ => None,
        };
        tags.insert(key, number.map_or(Value::String(shown), Value::Number));
    }
    let mut object = json!({
        "span_id": span.span_id.to_string(), "parent_id": span.parent_id.to_string(),
        "trace_id": format!("{:032x}", span.trace_id), "tracer": span.tracer,
        "name": shown(&span.texts[0], LONG), "service": lists::service(image, span, LONG),
        "resource": shown(&span.texts[2], LONG), "type": shown(&span.texts[3], LONG),
        "start_ns": span.start_ns, "error": span.error, "tags": tags, "blobs": span.blobs,
        "links": span.links.iter().map(|(trace, span)| json!([format!("{trace:032x}"), span.to_string()])).collect::<Vec<_>>(),
        "events": span.events.iter().map(|(time, name)| json!([time, shown(name, LONG)])).collect::<Vec<_>>(),
    });
    match span.duration_ns {
        Some(duration) => object["duration_ns"] = duration.into(),
        None => object["open_ns"] = lists::open_for(image, span).into(),
    }
    for (name, _) in [("busy", span.busy), ("damaged", span.damaged)].into_iter().filter(|(_, set)| *set) {
        object[name] = true.into();
    }
    object
}

fn of_chunk(image: &Image, chunk: &Chunk) -> Value {
    let place = match chunk.place {
        Place::Trace => "trace",
        Place::Queue => "queue",
        Place::Sending { asking: true, .. } => "request",
        Place::Sending { .. } => "sending",
    };
    json!({
        "place": place, "trace_id": format!("{:032x}", chunk.trace_id), "tracer": chunk.tracer,
        "complete": chunk.complete, "bytes": chunk.bytes, "damaged": chunk.damaged,
        "spans": chunk.spans.iter().map(|span| of_span(image, span)).collect::<Vec<_>>(),
    })
}
