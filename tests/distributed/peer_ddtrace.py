"""A hop that is traced by Datadog's tracer for Python."""

from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer

from hop import serve


def hop(headers, call):
    context = HTTPPropagator.extract(headers)
    begins = context.trace_id is None
    with tracer.start_span("hop", child_of=context, activate=True) as span:
        if begins:
            span.context.set_baggage_item("begun.by", "ddtrace")
        outgoing = {}
        HTTPPropagator.inject(span, outgoing)
        call(outgoing)
        return {
            "by": "ddtrace",
            "trace_id": f"{span.trace_id:032x}",
            "span_id": str(span.span_id),
            "parent_id": str(span.parent_id or 0),
            "baggage": span.context.get_all_baggage_items(),
        }


serve(hop)
