"""A hop that is traced by OpenTelemetry's SDK, with its default propagators. Its spans are sent nowhere."""

from opentelemetry import baggage, propagate, trace
from opentelemetry.sdk.trace import TracerProvider

from hop import serve

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("hop")


def hop(headers, call):
    context = propagate.extract(headers)
    parent = trace.get_current_span(context).get_span_context()
    with tracer.start_as_current_span("hop", context=context) as span:
        context = trace.set_span_in_context(span, context)
        if not parent.is_valid:
            context = baggage.set_baggage("begun.by", "opentelemetry", context)
        outgoing = {}
        propagate.inject(outgoing, context)
        call(outgoing)
        own = span.get_span_context()
        return {
            "by": "opentelemetry",
            "trace_id": f"{own.trace_id:032x}",
            "span_id": str(own.span_id),
            "parent_id": str(parent.span_id),
            "baggage": dict(baggage.get_all(context)),
            "sampled": bool(parent.trace_flags.sampled),
            "tracestate": parent.trace_state.to_header(),
        }


serve(hop)
