"""Makes random traces as a payload of the format v0.4, and compares what other programs' decoders read in payloads.

  traces.py make FILE            writes the payload, prints how many spans it has
  traces.py again NAME=FILE TO   the same with the spans of a file of `samples`
  traces.py compare NAME=FILE…   says where spans differ from those of the first file. Ends with 1 then. `decoded.py` says which
                                 names there are; payloads have their lengths in front
"""
import json
import random
import sys

import msgpack
from decoded import spans_of

HALF, START = 1 << 63, 1_700_000_000_000_000_000
# Ten kinds of text. Surrogates stand for bytes that are no UTF-8; the library repairs them.
TEXTS = ["plain", "Jürgen", "日本語の文", "🚀 to 🌍", "שלום", "e\u0301a\u0308", 'a "quoted" \\ text', "two\nlines\tand \x01\x7f",
         "caf\udce9 \udcff", "x" * 300]
KINDS = ["server", "client", "producer", "consumer", "internal", "Client", "other"]


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
            # At its limit, or longer, with the limit inside a character.
            meta.update({f"many.{n}": "v" for n in range(1024 - len(meta) - len(metrics))}, **{
                "long": "y" * 25_000, "longer": "日" * 9_000, "k" * 199 + "é": "cut key", "many.0": "", "many.1": ""})
            fields.update(resource="r" * 5_000, name="ä" * 150, service="s" * 201)
            fields["meta_struct"]["large"] = msgpack.packb({"text": "b" * 100_000})
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


def again(name, file, out):
    """Spans that were read as a payload of the format v0.4."""
    kinds = {"str": (0, "string_value"), "int": (2, "int_value"), "float": (3, "double_value")}
    traces, spans = [], spans_of(name, file)
    for span_id, span in spans.items():
        fields = {key: span[key] for key in ("parent_id", "start", "duration", "error", "service", "name", "resource", "type")}
        fields.update(span_id=span_id, trace_id=int(span["trace"][16:], 16), meta=dict(span["meta"]), metrics=dict(span["metrics"]))
        fields["span_links"] = [{**link, "trace_id": link["trace_id"] % (1 << 64), "trace_id_high": link["trace_id"] >> 64}
                                for link in span["links"]]
        fields["span_events"] = [{"time_unix_nano": event["time"], "name": event["name"], "attributes": {
            key: {"type": kinds[kind][0], kinds[kind][1]: value} for key, (kind, value) in event["attributes"].items()}}
            for event in span["events"]]
        if not span["place"]:
            traces.append([])
            fields["meta"]["_dd.p.tid"] = span["trace"][:16]
            if span["priority"] is not None:
                fields["metrics"]["_sampling_priority_v1"] = span["priority"]
        traces[-1].append(fields)
    out.write(msgpack.packb(traces))
    print(len(spans))


def starts(some, all_items):
    """Whether a tag with JSON of up to 25,000 bytes has as many items as fit."""
    next_one = all_items[:len(some) + 1]
    return some == all_items[:len(some)] and (len(next_one) == len(some) or len(json.dumps(next_one)) > 20_000)


# What a tracer adds to the spans that it is given.
ADDED = {"_dd.base_service", "_dd.top_level", "_dd.git.commit.sha", "_dd.p.dm", "team.of", "env", "version"}


def different(one, two):
    """What differs, for a person to read."""
    if isinstance(one, dict) and isinstance(two, dict):
        keys = [key for key in one.keys() | two.keys() if one.get(key) != two.get(key)]
        return {key: one.get(key) for key in keys}, {key: two.get(key) for key in keys}
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return next(different(a, b) for a, b in zip(one, two) if a != b)
    return one, two


def compare(files):
    (first, file), *others = files
    expected, wrong = spans_of(first, file), 0
    assert expected, f"{first} has no span"
    typed_links = {key: span["typed_links"] for key, span in expected.items() if "typed_links" in span}
    for name, file in others:
        spans = spans_of(name, file)
        if spans.keys() != expected.keys():
            print(f"{name}: {len(spans)} spans, {first}: {len(expected)}")
            wrong += 1
        for key, span in spans.items():
            one = dict(expected.get(key, {}))
            if first.startswith("sample-"):
                # The tracer decides if nobody has.
                one["priority"] = span["priority"] if one.get("priority") is None else one["priority"]
                for tags in ("meta", "metrics"):
                    span[tags] = {k: v for k, v in span[tags].items() if k in one.get(tags, {}) or k not in ADDED}
            if "typed_links" in span:
                one["typed_links"] = typed_links.setdefault(key, span["typed_links"])
                if span["name"] == "typed" and span["typed_links"] != [event["attributes"] for event in span["events"]]:
                    print(f"{name}: {key}: a link and an event have other attributes")
                    wrong += 1
            if "sampled" in span and "sampled" not in one:
                # The trace's own decision is a tag of its first span, and a flag of each span.
                if one.pop("place", 0):
                    # A part of a chunk that is sent by itself has this tag of the first span, too.
                    span["meta"].pop("_dd.git.commit.sha", None)
                del span["priority"]
                one["sampled"] = int((one.pop("priority") or 0) > 0)
            if name.endswith("v05"):
                one["blobs"] = {}
                for items in ("links", "events"):
                    if starts(span[items], one[items]):
                        one[items] = span[items]
            for field in one.keys() | span.keys():
                if one.get(field) != span.get(field) and wrong < 20:
                    of_first, of_this = different(one.get(field), span.get(field))
                    print(f"{name}: span {key}, {field}:\n  {first} {of_first!r:.900}\n  {name} {of_this!r:.900}")
                    wrong += 1
    print(f"{len(expected)} spans as {', '.join(name for name, _ in others)}")
    sys.exit(1 if wrong else 0)


if sys.argv[1] == "make":
    with open(sys.argv[2], "wb") as out:
        make(out)
elif sys.argv[1] == "again":
    with open(sys.argv[3], "wb") as out:
        again(*sys.argv[2].split("=", 1), out)
else:
    compare([argument.split("=", 1) for argument in sys.argv[2:]])
