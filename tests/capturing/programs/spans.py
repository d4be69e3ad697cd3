"""Starts two traces of two spans each. Argument: seconds to stay."""

import sys
import time

# As `ddtrace-run` does: without it, no release writes its start-up line.
import ddtrace.auto  # noqa: F401

try:
    from ddtrace.trace import tracer
except ImportError:
    from ddtrace import tracer

for n in range(2):
    with tracer.trace("checkout", resource="GET /cart", span_type="web") as root:
        root.set_tag("http.method", "GET")
        root.set_tag("http.status_code", 200)
        try:
            with tracer.trace("db.query", resource="SELECT item") as child:
                child.set_tag("db.rows", 3)
                if n == 1:
                    raise KeyError("no such item")
        except KeyError:
            pass
time.sleep(float(sys.argv[1]))
print("application: done", flush=True)
