"""Makes random traces as a payload of the format v0.4, and compares what other programs' decoders read in payloads.

  traces.py make FILE            writes the payload, prints how many spans it has
  traces.py compare NAME=FILE…   decodes the payloads that one run sent (each with its length in front) for each format, and
                                 says where spans differ from those of v0.4. Ends with 1 then.

The decoders are those of ddapm-test-agent, `msgpack` and `opentelemetry-proto`; none is the library's.
"""
import json
import random
import struct
import sys

import msgpack
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from ddapm_test_agent.trace import decode_v04, decode_v05, decode_v1

HALF, START = 1 << 63, 1_700_000_000_000_000_000
# Ten kinds of text. Surrogates stand for bytes that are no UTF-8; the library repairs them.
TEXTS = ["plain", "Jürgen", "日本語の文", "🚀 to 🌍", "שלום", "e\u0301a\u0308", 'a "quoted" \\ text', "two\nlines\tand \x01\x7f",
         "caf\udce9 \udcff", "x" * 300]
KINDS_OF_OTLP = ["internal", "server", "client", "producer", "consumer"]
KINDS = ["server", "client", "producer", "consumer", "internal", "Client", "other"]
# Differ between runs, or are put elsewhere.
OTHER = {"runtime-id", "process_id", "language", "_dd.tags.process"}


def make(out):
    dice = random.Random(20261129)

    def text():
        kind = dice.choice(TEXTS)
        return dice.choice([kind, kind, f"{kind} {dice.randrange(50)}", f"{dice.random()}"])

    def attribute():
        kind = dice.randrange(5)
        one = [lambda: {"type": 0, "string_value": text()}, lambda: {"type": 1, "bool_value": dice.random() < 0.5},
               lambda: {"type": 2, "int_value": dice.choice([0, -1, 7, 2**63 - 1, -(2**63), dice.randrange(1 << 40)])},
               lambda: {"type": 3, "double_value": dice.choice([0.5, -1e300, 1e-9, dice.random()])}]
        if kind < 4:
            return one[kind]()
        of = dice.choice(one)
        return {"type": 4, "array_value": {"values": [of() for _ in range(dice.randrange(4))]}}

    def link():
        link = {"trace_id": dice.randrange(1, 1 << 64), "trace_id_high": dice.choice([0, dice.randrange(1 << 64)]),
                "span_id": dice.randrange(1, 1 << 64), "attributes": {f"l{n}": text() for n in range(dice.randrange(3))}}
        if dice.random() < 0.5:
            link.update(tracestate="dd=s:1,other=2", flags=HALF >> 32 | dice.randrange(2))
        return link

    def event():
        return {"time_unix_nano": START + dice.randrange(1 << 40), "name": dice.choice(["retry", "cache miss", text()]),
                "attributes": {f"a{n}": attribute() for n in range(dice.randrange(4))}}

    def blob():
        return msgpack.packb({"user": "bob", "list": [1, None, {"deep": 0.5}], "n": dice.randrange(1 << 30)})

    def span(trace, parent, large):
        meta = {key: text() for key in dice.sample(["http.url", "http.method", "customer", "team", "päth", "k" * 200], 3)}
        meta[f"only.{dice.randrange(1 << 30)}"] = text()
        metrics = {"rows": dice.choice([0.0, 42.5, -1e9, 3.0]), f"m{dice.randrange(9)}": float(dice.randrange(1 << 50))}
        fields = {"trace_id": trace, "span_id": dice.randrange(1, 1 << 64), "parent_id": parent, "name": text(),
                  "service": dice.choice(["shop", "db", text()]), "resource": text(), "type": dice.choice(["web", "", "sql"]),
                  "start": START + dice.randrange(1 << 45), "duration": dice.choice([0, 1, dice.randrange(1 << 40)]),
                  "error": dice.choice([0, 0, 1]), "meta": meta, "metrics": metrics}
        for key in dice.sample(["env", "version", "component"], dice.randrange(3)):
            meta[key] = text()
        if dice.random() < 0.5:
            meta["span.kind"] = dice.choice(KINDS)
        if fields["error"] and dice.random() < 0.7:
            meta.update({"error.message": text(), "error.type": "Timeout", "error.stack": "at f()\nat g()"})
        if dice.random() < 0.2 or large:
            fields["span_links"] = [link() for _ in range(128 if large else dice.randrange(1, 4))]
        if dice.random() < 0.2 or large:
            fields["span_events"] = [event() for _ in range(128 if large else dice.randrange(1, 4))]
        if dice.random() < 0.2 or large:
            fields["meta_struct"] = {f"blob{n}": blob() for n in range(2)}
        if large:
            meta.update({f"many.{n}": "v" for n in range(1024 - len(meta) - len(metrics))}, long="y" * 25_000)
            fields["resource"] = "r" * 5_000
        return fields

    traces = []
    for n in range(1000):
        trace, spans = dice.randrange(1, 1 << 64), []
        for _ in range(dice.randrange(1, 6)):
            spans.append(span(trace, spans[-1]["span_id"] if spans else dice.choice([0, dice.randrange(1 << 64)]), n % 250 == 9))
        if dice.random() < 0.7:
            spans[0]["metrics"]["_sampling_priority_v1"] = dice.choice([-1, 0, 1, 2])
            spans[0]["meta"]["_dd.p.dm"] = dice.choice(["-4", "-3", "-11"])
        if dice.random() < 0.7:
            spans[0]["meta"]["_dd.p.tid"] = f"{dice.randrange(1, 1 << 64):016x}"
        if dice.random() < 0.3:
            spans[0]["meta"].update({"_dd.origin": "synthetics", "_dd.p.x": "propagated"})
        traces.append(spans)
    out.write(msgpack.packb(traces, unicode_errors="surrogateescape"))
    print(sum(map(len, traces)))


def plain(value):
    """A typed value of v0.4 as it is."""
    kinds = ["string_value", "bool_value", "int_value", "double_value"]
    return [plain(one) for one in value["array_value"]["values"]] if value["type"] == 4 else value[kinds[value["type"]]]


def normal_link(link):
    link = dict(link, flags=link.get("flags", 0) & ~(1 << 31))
    if isinstance(link["trace_id"], str):
        whole = int(link["trace_id"], 16)
        link.update(trace_id=whole % (1 << 64), trace_id_high=whole >> 64, span_id=int(link["span_id"], 16))
    return {key: value for key, value in link.items() if value}


def normal_event(event):
    attributes = event.get("attributes") or {}
    typed = {key: plain(value) if isinstance(value, dict) else value for key, value in attributes.items()}
    return {"name": event["name"], "time": event["time_unix_nano"], "attributes": typed}


def of_chunks(chunks):
    """Spans by their ids, with what the format says of their traces."""
    spans = {}
    for chunk in chunks:
        first = chunk[0]
        tid, priority = first["meta"].get("_dd.p.tid", ""), first["metrics"].get("_sampling_priority_v1")
        for place, given in enumerate(chunk):
            meta = {key: value for key, value in given["meta"].items() if key not in OTHER and key != "_dd.p.tid"}
            metrics = {k: v for k, v in given["metrics"].items() if k not in OTHER and k != "_sampling_priority_v1"}
            if place:
                # A tag of the payload in v1.0, which the test agent gives to every span.
                meta.pop("_dd.git.commit.sha", None)
            if meta.get("_dd.p.dm") == "-0":
                del meta["_dd.p.dm"]
            if meta.get("span.kind", "server") not in KINDS[:5]:
                meta["span.kind"] = "internal"
            links = given.get("span_links") or json.loads(meta.pop("_dd.span_links", "[]"))
            events = given.get("span_events") or json.loads(meta.pop("events", "[]"))
            spans[given["span_id"]] = {
                "trace": f"{tid:>016}{given['trace_id']:016x}", "priority": priority, "place": place, "meta": meta,
                "metrics": metrics, "links": [normal_link(link) for link in links],
                "events": [normal_event(event) for event in events], "blobs": given.get("meta_struct") or {},
                **{key: given.get(key) or 0 for key in ("parent_id", "start", "duration", "error")},
                **{key: given.get(key) or "" for key in ("service", "name", "resource", "type")}}
    return spans


def payloads(name):
    with open(name, "rb") as file:
        held = file.read()
    while held:
        (length,) = struct.unpack("<I", held[:4])
        yield held[4:4 + length]
        held = held[4 + length:]


def blobs_decoded(chunks):
    for span in (span for chunk in chunks for span in chunk):
        if "meta_struct" in span:
            span["meta_struct"] = {key: msgpack.unpackb(value) if isinstance(value, bytes) else value
                                   for key, value in span["meta_struct"].items()}
    return chunks


def any_value(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [any_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None


def attributes(given):
    read = {one.key: any_value(one.value) for one in given}
    assert len(read) == len(given), f"a key is there twice: {[one.key for one in given]}"
    return read


def of_otlp(payload):
    """Spans of a request with OTLP as `of_chunks` has those of the other formats."""
    request, spans = trace_service_pb2.ExportTraceServiceRequest(), {}
    request.ParseFromString(payload)
    for resource in request.resource_spans:
        shared = attributes(resource.resource.attributes)
        for given in (span for scope in resource.scope_spans for span in scope.spans):
            assert given.trace_id and len(given.trace_id) == 16 and len(given.span_id) == 8
            all_tags = attributes(given.attributes)
            meta = {key: value for key, value in all_tags.items() if isinstance(value, str) and key not in OTHER}
            metrics = {k: float(v) for k, v in all_tags.items() if isinstance(v, (int, float)) and k not in OTHER}
            fields = {"name": meta.pop("operation.name"), "resource": meta.pop("resource.name"),
                      "type": meta.pop("span.type", ""), "service": shared["service.name"]}
            assert given.name == fields["resource"]
            priority = metrics.pop("_sampling_priority_v1", None)
            meta.setdefault("env", shared["deployment.environment.name"])
            if given.kind:
                meta["span.kind"] = KINDS_OF_OTLP[given.kind - 1]
            if "span.kind" in meta and meta["span.kind"] not in KINDS[:5]:
                meta["span.kind"] = "internal"
            if "service.version" in shared:
                meta.setdefault("version", shared["service.version"])
            if given.status.code:
                assert given.status.message == meta.get("error.message", "")
            if meta.get("_dd.p.dm") == "-0":
                del meta["_dd.p.dm"]
            links = [{"trace_id": int.from_bytes(link.trace_id[8:], "big"), "span_id": int.from_bytes(link.span_id, "big"),
                      "trace_id_high": int.from_bytes(link.trace_id[:8], "big"), "tracestate": link.trace_state,
                      "flags": link.flags, "attributes": attributes(link.attributes)} for link in given.links]
            events = [{"name": event.name, "time": event.time_unix_nano, "attributes": attributes(event.attributes)}
                      for event in given.events]
            spans[int.from_bytes(given.span_id, "big")] = {
                **fields, "trace": given.trace_id.hex(), "meta": meta, "metrics": metrics, "priority": priority,
                "links": [{key: value for key, value in link.items() if value} for link in links], "events": events,
                "blobs": {k: msgpack.unpackb(v) for k, v in all_tags.items() if isinstance(v, bytes)},
                "parent_id": int.from_bytes(given.parent_span_id, "big"), "start": given.start_time_unix_nano,
                "duration": given.end_time_unix_nano - given.start_time_unix_nano, "error": given.status.code // 2,
                "sampled": given.flags}
    return spans


def decoded(name, file):
    if name == "otlp":
        return {span_id: span for payload in payloads(file) for span_id, span in of_otlp(payload).items()}
    decode = {"v04": decode_v04, "v05": decode_v05, "v1": decode_v1}[name]
    spans = {}
    for payload in payloads(file):
        content = "application/msgpack"
        chunks = decode(content, payload, False) if name == "v04" else decode(payload)
        spans.update(of_chunks(blobs_decoded(chunks)))
    return spans


def without(name, span):
    """What a format cannot hold is not compared."""
    span = dict(span)
    if name == "otlp":
        # The trace's own decision is a tag of its first span, and a flag of each span.
        span.pop("place", None)
        span.setdefault("sampled", int((span.get("priority") or 0) > 0))
        span.pop("priority", None)
    if name == "v05":
        del span["blobs"]
        # JSON text of more than 25,000 bytes has fewer items.
        for key in ("links", "events"):
            span[key] = span[key] if len(span[key]) < 100 else None
    return span


def compare(files):
    all_spans = {name: decoded(name, file) for name, file in files}
    expected, wrong = all_spans.pop("v04"), 0
    for name, spans in all_spans.items():
        if spans.keys() != expected.keys():
            print(f"{name}: {len(spans)} spans, v04: {len(expected)}")
            wrong += 1
        for span_id, span in spans.items():
            one, two = without(name, expected.get(span_id, {})), without(name, span)
            for key in one.keys() | two.keys():
                if one.get(key) != two.get(key) and wrong < 20:
                    print(f"{name}: span {span_id}, {key}:\n  v04 {one.get(key)!r:.900}\n  {name} {two.get(key)!r:.900}")
                    wrong += 1
    print(f"{len(expected)} spans as {', '.join(all_spans)}")
    sys.exit(1 if wrong else 0)


if sys.argv[1] == "make":
    with open(sys.argv[2], "wb") as out:
        make(out)
else:
    compare([argument.split("=", 1) for argument in sys.argv[2:]])
