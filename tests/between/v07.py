"""Writes a payload of the format v0.7 to standard output, encoded by a library that is not ours."""

import sys

import msgpack

START = 1_700_000_000_000_000_000


def span(trace, number, parent, **more):
    fields = {
        "service": "shop",
        "name": f"operation {trace} {number}",
        "resource": f"GET /{number}",
        "trace_id": trace,
        "span_id": number,
        "parent_id": parent,
        "start": START + number * 1000,
        "duration": 5_000_000,
        "error": 0,
        "meta": {"its": f"text of {trace} {number}"},
        "metrics": {"number": 1.5},
        "type": "web",
    }
    return fields | more


first = [span(7, 71, 0, error=1), span(7, 72, 71, meta={"env": "of the span"}), span(7, 73, 72)]
chunks = [
    {"priority": 2, "origin": "synthetics", "spans": first, "tags": {"_dd.p.dm": "-4"}, "dropped_trace": False},
    {"priority": -1, "origin": "", "spans": [span(8, 81, 0)], "tags": None, "dropped_trace": True},
]
payload = {
    "container_id": "0123",
    "language_name": "python",
    "language_version": "3.14",
    "tracer_version": "4.16.0",
    "chunks": chunks,
    "runtime_id": "8b4a",
    "env": "of the payload",
    "hostname": "node",
    "app_version": "1.2.3",
    "tags": {"_dd.tags.container": "pod:web"},
    "later": [1, {"unknown": None}],
}
sys.stdout.buffer.write(msgpack.packb(payload))
