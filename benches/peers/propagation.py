"""What propagation costs with ddtrace: prints nanoseconds for each round of benches/propagation.c's mode `both`."""

import sys
import time

from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer

HEADERS = {
    "x-datadog-trace-id": "11803532876627986230",
    "x-datadog-parent-id": "67667974448284343",
    "x-datadog-sampling-priority": "1",
    "x-datadog-tags": "_dd.p.dm=-1,_dd.p.tid=4bf92f3577b34da6",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "dd=p:00f067aa0ba902b7;s:1;t.dm:-1;t.tid:4bf92f3577b34da6,foo=1",
}
if sys.argv[2:] == ["baggage"]:
    HEADERS["baggage"] = "user.id=17,session.id=abc"

rounds = int(sys.argv[1])
context = HTTPPropagator.extract(HEADERS)
assert context.span_id == 67667974448284343, context
span = tracer.start_span("request", child_of=context)


def both():
    out = {}
    HTTPPropagator.extract(HEADERS)
    HTTPPropagator.inject(span.context, out)
    return out


assert both()["x-datadog-trace-id"] == "11803532876627986230", both()
for _ in range(rounds // 10):
    both()
start = time.perf_counter_ns()
for _ in range(rounds):
    both()
print(f"{(time.perf_counter_ns() - start) / rounds:.1f}")
