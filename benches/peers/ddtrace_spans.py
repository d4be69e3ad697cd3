"""The drive of benches/peers/src/lib.rs with ddtrace: MODE THREADS TRACES RATE HOST:PORT. Debug lines go to /dev/null."""

import json
import logging
import os
import sys
import threading
import time

mode, threads, traces, rate, host = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
os.environ.update(
    DD_TRACE_AGENT_URL=f"http://{host}", DD_SERVICE="bench-service", DD_TRACE_RATE_LIMIT="-1",
    DD_INSTRUMENTATION_TELEMETRY_ENABLED="false", DD_REMOTE_CONFIGURATION_ENABLED="false", DD_TRACE_STARTUP_LOGS="false",
    DD_TRACE_ENABLED="false" if mode == "disabled" else "true", DD_TRACE_DEBUG="true" if mode == "debug" else "false")
if mode == "debug":
    logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))

from ddtrace.trace import tracer  # noqa: E402 (after the settings)

NAMES = ["web.request", "app.handler", "db.query"]
RESOURCES = ["GET /users/{id}", "UsersController#show", "SELECT name FROM users WHERE id = ?"]
TYPES = ["web", "worker", "sql"]
TAGS = [("component", "rack"), ("http.url", "https://example.com/users/1234567?page=2"), ("span.kind", "server")]
WARM = 200


def start(kind, parent=None):
    span = tracer.start_span(NAMES[kind], child_of=parent, service="bench-service", resource=RESOURCES[kind],
                             span_type=TYPES[kind], activate=False)
    for key, value in TAGS:
        span.set_tag(key, value)
    span.set_metric("bench.rows", 42.5)
    return span


def trace10():
    root = start(0)
    for _ in range(3):
        child = start(1, root)
        for _ in range(2):
            start(2, child).finish()
        child.finish()
    root.finish()


def span1():
    tracer.start_span(NAMES[0]).finish()


make, spans_each = (span1, 1) if mode == "span1" else (trace10, 10)


def work():
    barrier.wait()
    begin, cpu, wall, made, tick = time.monotonic(), 0, 0, 0, 1
    while made < traces:
        count = min(rate * tick // 100 - made if rate else 1000 // spans_each, traces - made)
        if count > 0:
            cpu_before, wall_before = time.thread_time_ns(), time.perf_counter_ns()
            for _ in range(count):
                make()
            wall += time.perf_counter_ns() - wall_before
            cpu += time.thread_time_ns() - cpu_before
            made += count
        if rate:
            time.sleep(max(0, begin + tick / 100 - time.monotonic()))
            tick += 1
    spent.append((cpu, wall))


def peak_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


for _ in range(WARM):
    make()
time.sleep(0.3)
barrier, spent = threading.Barrier(threads + 1), []
workers = [threading.Thread(target=work) for _ in range(threads)]
for worker in workers:
    worker.start()
cpu_before, begin = time.process_time_ns(), time.monotonic()
barrier.wait()
for worker in workers:
    worker.join()
made = time.monotonic()
tracer.shutdown()
flushed, cpu = time.monotonic(), time.process_time_ns() - cpu_before
spans = traces * threads * spans_each
print(json.dumps({
    "peer": "ddtrace", "mode": mode, "threads": threads, "rate": rate, "spans": spans, "warm_spans": WARM * spans_each,
    "tcpu_ns": sum(cpu for cpu, _ in spent) / spans, "wall_ns": sum(wall for _, wall in spent) / spans, "cpu_ns": cpu / spans,
    "elapsed_ms": (made - begin) * 1e3, "flush_ms": (flushed - made) * 1e3, "rss_kb": peak_kib()}), flush=True)
os._exit(0)
