"""Reads spans of payloads with decoders that are not the library's, and brings them into one form.

  v04, v05, v1                        the decoders of ddapm-test-agent
  otlp                                `opentelemetry-proto`
  agent-v04, agent-v05, agent-v1      lines of JSON that `judge spans` prints: the decoders of the trace-agent
  collector-otlp                      the same of requests with OTLP: the decoder of the OpenTelemetry Collector
  sample-v05, sample-v1               a file of `samples`: what the trace-agent read, as far as the library can send it

A span is found by its id, or by its resource or number if its name is `typed` or `usual`: such spans have other ids in each run.
"""
import base64
import gzip
import json
import struct

import msgpack
from ddapm_test_agent.trace import decode_v04, decode_v05, decode_v1
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

# By their numbers in OTLP and v1.0, from 1 on.
KINDS = ["internal", "server", "client", "producer", "consumer"]
# Differ between runs, or are put elsewhere.
OTHER = {"runtime-id", "process_id", "language", "_dd.tags.process"}


def spans_of(name, file):
    """All spans of a file."""
    spans = {}
    if name.startswith("agent-"):
        with open(file) as lines:
            for line in lines:
                keep(spans, of_agent(json.loads(line), is_converted=name != "agent-v1"))
    elif name.startswith("sample-"):
        with open(file) as lines:
            for decoded in (json.loads(line)["decoded"] for line in lines):
                # A span of one payload may be in a later one, too.
                of_payload = {}
                of_sample_of_v1(decoded, of_payload) if name == "sample-v1" else of_chunks(decoded, of_payload)
                spans.update(of_payload)
    elif name == "collector-otlp":
        with open(file) as lines:
            for line in lines:
                of_otlp(request_of_json(json.loads(line)), spans)
    elif name.endswith("otlp"):
        for payload in payloads(file):
            request = trace_service_pb2.ExportTraceServiceRequest()
            # rotel compresses, whatever its options say.
            request.ParseFromString(gzip.decompress(payload) if payload.startswith(b"\x1f\x8b") else payload)
            of_otlp(request, spans)
    else:
        decode = {"v04": lambda body: decode_v04("application/msgpack", body, False), "v05": decode_v05, "v1": decode_v1}[name]
        for payload in payloads(file):
            of_chunks(decode(payload), spans)
    return spans


def payloads(name):
    with open(name, "rb") as file:
        held = file.read()
    while held:
        (length,) = struct.unpack("<I", held[:4])
        yield held[4:4 + length]
        held = held[4 + length:]


def keep(spans, span):
    span_id = span.pop("span_id")
    key = span["resource"] if span["name"] == "typed" else span_id
    if span["name"] == "usual":
        key = f"usual {span['metrics']['number']:.0f}"
        # 77 is the parent that came with the context.
        span["parent_id"] = span["parent_id"] == 77
    assert key not in spans, f"span {key} is there twice"
    meta = span["meta"] = {key: value for key, value in span["meta"].items() if key not in OTHER and key != "_dd.p.tid"}
    span["metrics"] = {k: v for k, v in span["metrics"].items() if k not in OTHER and k != "_sampling_priority_v1"}
    if meta.get("_dd.p.dm") == "-0":
        del meta["_dd.p.dm"]
    if meta.get("span.kind", "server") not in KINDS:
        meta["span.kind"] = "internal"
    spans[key] = span


def with_type(value):
    """A value beside its type: 1, 1.0 and True are equal in Python."""
    return [with_type(one) for one in value] if isinstance(value, list) else (type(value).__name__, value)


def typed(attributes):
    return {key: with_type(value) for key, value in attributes.items()}


def text(value):
    """A value as text, with one way to write a float."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, str) and value[:1] in "-0123456789" and set(value) & set(".eE")):
        try:
            return repr(float(value)).removesuffix(".0")
        except ValueError:
            pass
    return str(value)


def flat(attributes):
    """Attributes as texts, as v0.4 has them in links."""
    pairs = [(f"{key}.{n}", one) for key, value in attributes.items() if isinstance(value, list) for n, one in enumerate(value)]
    pairs += [pair for pair in attributes.items() if not isinstance(pair[1], list)]
    return {key: text(value) for key, value in pairs}


def normal_link(trace_id, span_id, tracestate, flags, attributes):
    # Bit 31 says that the flags are known. OTLP has another bit for that, and this library sends none.
    link = {"trace_id": trace_id, "span_id": span_id, "tracestate": tracestate or "", "flags": flags & ~(1 << 31)}
    return {**link, "attributes": flat(attributes)}


def link_of_chunk(link):
    if isinstance(link["trace_id"], str):
        trace_id, span_id = int(link["trace_id"], 16), int(link["span_id"], 16)
    else:
        trace_id, span_id = link.get("trace_id_high", 0) << 64 | link["trace_id"], link["span_id"]
    return normal_link(trace_id, span_id, link.get("tracestate"), link.get("flags", 0), link.get("attributes") or {})


def plain(value):
    """A typed value of v0.4 as it is."""
    kinds = ["string_value", "bool_value", "int_value", "double_value"]
    return [plain(one) for one in value["array_value"]["values"]] if value["type"] == 4 else value[kinds[value["type"]]]


def event_of_chunk(event):
    attributes = event.get("attributes") or {}
    values = {key: plain(value) if isinstance(value, dict) else value for key, value in attributes.items()}
    return {"name": event["name"], "time": event["time_unix_nano"], "attributes": typed(values)}


def blob(value):
    return msgpack.unpackb(value) if isinstance(value, bytes) else value


def of_chunks(chunks, spans):
    for chunk in chunks:
        of_chunk = {**(chunk[0].get("meta") or {}), **(chunk[0].get("metrics") or {})}
        tid, priority = of_chunk.get("_dd.p.tid", ""), of_chunk.get("_sampling_priority_v1")
        for place, given in enumerate(chunk):
            meta = dict(given.get("meta") or {})
            if place:
                # A tag of the payload in v1.0, which the test agent gives to every span.
                meta.pop("_dd.git.commit.sha", None)
            links = given.get("span_links") or json.loads(meta.pop("_dd.span_links", "[]"))
            events = given.get("span_events") or json.loads(meta.pop("events", "[]"))
            keep(spans, {
                "span_id": given["span_id"], "trace": f"{tid:>016}{given['trace_id']:016x}", "priority": priority, "place": place,
                "meta": meta, "metrics": given.get("metrics") or {}, "links": [link_of_chunk(link) for link in links],
                "events": [event_of_chunk(event) for event in events],
                "blobs": {key: blob(value) for key, value in (given.get("meta_struct") or {}).items()},
                **{key: given.get(key) or 0 for key in ("parent_id", "start", "duration", "error")},
                **{key: given.get(key) or "" for key in ("service", "name", "resource", "type")}})


def value_of_agent(value):
    (kind, held), = value.items()
    if kind == "array":
        return [value_of_agent(one) for one in held]
    return {"string": str, "int": int, "double": float, "bool": bool, "bytes": bytes.fromhex}[kind](held)


def of_agent(given, is_converted):
    """A span in the form into which the trace-agent turns all formats."""
    tags = {key: value_of_agent(value) for key, value in given["attributes"].items()}
    meta = {key: value for key, value in tags.items() if isinstance(value, str)}
    meta.update({key: given[key] for key in ("env", "version", "component") if given[key]})
    # A mark of spans of other formats than v1.0. They get the kind `internal` if they have none.
    meta.pop("_dd.convertedv1", None)
    if given["kind"] > (1 if is_converted else 0):
        meta["span.kind"] = KINDS[given["kind"] - 1]
    # Of the chunk. Other formats than v1.0 have them as tags, and the trace-agent has made them of these.
    if given["origin"] and not is_converted:
        meta["_dd.origin"] = given["origin"]
    if given["mechanism"] and not given["place"]:
        meta["_dd.p.dm"] = f"-{given['mechanism']}"
    assert not given["dropped"]
    links = json.loads(meta.pop("_dd.span_links", "[]"))
    events = json.loads(meta.pop("events", "[]"))
    span = {key: given[key] for key in ("span_id", "trace", "place", "parent_id", "start", "duration", "service", "name", "resource", "type")}
    of_links = [{key: value_of_agent(value) for key, value in link["attributes"].items()} for link in given["links"]]
    of_events = [{key: value_of_agent(value) for key, value in event["attributes"].items()} for event in given["events"]]
    span.update(
        meta=meta, metrics={k: v for k, v in tags.items() if isinstance(v, float)}, error=int(given["error"]),
        priority=None if given["priority"] == -128 else given["priority"], blobs={k: blob(v) for k, v in tags.items() if isinstance(v, bytes)},
        links=[link_of_chunk(link) for link in links] or
              [normal_link(int(link["trace"], 16), link["span_id"], link["tracestate"], link["flags"], attributes)
               for link, attributes in zip(given["links"], of_links)],
        events=[event_of_chunk(event) for event in events] or
               [{"name": event["name"], "time": event["time"], "attributes": typed(attributes)}
                for event, attributes in zip(given["events"], of_events)])
    others = {key: value for key, value in tags.items() if not isinstance(value, (str, float, bytes))}
    assert not others, f"attributes of other types: {others}"
    return span


def values_of_sample(attributes):
    """Texts and numbers. The library has no other tags."""
    found = {key: next(iter(value.items())) for key, value in attributes.items()}
    return {key: value for key, (kind, value) in found.items() if kind in ("str", "int", "double")}


def of_sample_of_v1(payload, spans):
    for chunk in payload["chunks"]:
        for place, given in enumerate(chunk["spans"]):
            tags = values_of_sample(given["attributes"])
            meta = {key: value for key, value in tags.items() if isinstance(value, str)}
            meta.update({key: given[key] for key in ("env", "version", "component") if given[key]})
            if given["kind"]:
                meta["span.kind"] = KINDS[given["kind"] - 1]
            if chunk["origin"]:
                meta["_dd.origin"] = chunk["origin"]
            if chunk["sampling_mechanism"] and not place:
                meta["_dd.p.dm"] = f"-{chunk['sampling_mechanism']}"
            keep(spans, {
                **{key: given[key] for key in ("span_id", "parent_id", "start", "duration", "service", "name", "resource", "type")},
                "trace": chunk["trace_id"], "priority": chunk["priority"], "place": place, "meta": meta,
                "metrics": {k: float(v) for k, v in tags.items() if not isinstance(v, str)}, "error": int(given["error"]), "blobs": {},
                "links": [normal_link(int(link["trace_id"], 16), link["span_id"], link["tracestate"], link["flags"],
                                      values_of_sample(link["attributes"])) for link in given.get("links", [])],
                "events": [{"name": event["name"], "time": event["time"], "attributes": typed(values_of_sample(event["attributes"]))}
                           for event in given.get("events", [])]})


def any_value(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [any_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None


def attributes_of(given):
    read = {one.key: any_value(one.value) for one in given}
    assert len(read) == len(given), f"a key is there twice: {[one.key for one in given]}"
    return read


def of_otlp(request, spans):
    for resource in request.resource_spans:
        shared = attributes_of(resource.resource.attributes)
        for given in (span for scope in resource.scope_spans for span in scope.spans):
            assert len(given.trace_id) == 16 and len(given.span_id) == 8
            all_tags = attributes_of(given.attributes)
            meta = {key: value for key, value in all_tags.items() if isinstance(value, str)}
            metrics = {k: float(v) for k, v in all_tags.items() if isinstance(v, (int, float))}
            fields = {"name": meta.pop("operation.name"), "resource": meta.pop("resource.name"),
                      "type": meta.pop("span.type", ""), "service": shared["service.name"]}
            assert given.name == fields["resource"]
            priority = metrics.pop("_sampling_priority_v1", None)
            meta.setdefault("env", shared["deployment.environment.name"])
            if given.kind:
                meta["span.kind"] = KINDS[given.kind - 1]
            if "service.version" in shared:
                meta.setdefault("version", shared["service.version"])
            if given.status.code:
                assert given.status.message == meta.get("error.message", "")
            of_links = [attributes_of(link.attributes) for link in given.links]
            keep(spans, {
                **fields, "span_id": int.from_bytes(given.span_id, "big"), "trace": given.trace_id.hex(), "meta": meta,
                "metrics": metrics, "priority": priority,
                "links": [normal_link(int.from_bytes(link.trace_id, "big"), int.from_bytes(link.span_id, "big"), link.trace_state,
                                      link.flags, attributes) for link, attributes in zip(given.links, of_links)],
                "typed_links": [typed(attributes) for attributes in of_links],
                "events": [{"name": event.name, "time": event.time_unix_nano, "attributes": typed(attributes_of(event.attributes))}
                           for event in given.events],
                "blobs": {k: blob(v) for k, v in all_tags.items() if isinstance(v, bytes)},
                "parent_id": int.from_bytes(given.parent_span_id, "big"), "start": given.start_time_unix_nano,
                "duration": given.end_time_unix_nano - given.start_time_unix_nano, "error": given.status.code // 2,
                "sampled": given.flags})


def request_of_json(request):
    """A request from OTLP's own JSON, in which ids are hexadecimal."""
    for resource in request["resourceSpans"]:
        for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
            for holder in [span, *span.get("links", [])]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in holder:
                        holder[key] = base64.b64encode(bytes.fromhex(holder[key])).decode()
    return json_format.ParseDict(request, trace_service_pb2.ExportTraceServiceRequest())
