"""Starts two traces of two spans each. Arguments: seconds to stay; `on`: makes further traces meanwhile."""

import sys
import time

# As `ddtrace-run` does: without it, no release writes its start-up line.
import ddtrace.auto  # noqa: F401

try:
    from ddtrace.trace import tracer
except ImportError:
    from ddtrace import tracer


def checkout(n):
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


for n in range(2):
    checkout(n)
end = time.monotonic() + float(sys.argv[1])
while sys.argv[2:] == ["on"] and time.monotonic() < end - 0.5:
    time.sleep(0.5)
    checkout(0)
time.sleep(max(0, end - time.monotonic()))
print("application: done", flush=True)
