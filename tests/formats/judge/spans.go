package main

import (
	"encoding/hex"

	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
)

// each calls `put` with every span, what the payload and the chunk say of it included.
func each(payload *idx.InternalTracerPayload, put func(span map[string]any)) {
	for _, chunk := range payload.Chunks {
		for place, span := range chunk.Spans {
			links, events := []any{}, []any{}
			for _, link := range span.Links() {
				links = append(links, map[string]any{
					"trace": hex.EncodeToString(link.TraceID()), "span_id": link.SpanID(), "flags": link.Flags(),
					"tracestate": link.Tracestate(), "attributes": attributes(link.Attributes(), link.Strings),
				})
			}
			for _, event := range span.Events() {
				events = append(events, map[string]any{
					"name": event.Name(), "time": event.Time(), "attributes": attributes(event.Attributes(), event.Strings),
				})
			}
			put(map[string]any{
				"payload": map[string]any{
					"attributes": attributes(payload.Attributes, payload.Strings), "env": payload.Env(),
					"version": payload.AppVersion(),
				},
				"trace": hex.EncodeToString(chunk.TraceID), "priority": chunk.Priority, "origin": chunk.Origin(),
				"mechanism": chunk.SamplingMechanism(), "dropped": chunk.DroppedTrace, "place": place,
				"chunk_attributes": attributes(chunk.Attributes, chunk.Strings),
				"span_id":          span.SpanID(), "parent_id": span.ParentID(), "start": span.Start(), "duration": span.Duration(),
				"service": span.Service(), "name": span.Name(), "resource": span.Resource(), "type": span.Type(),
				"error": span.Error(), "env": span.Env(), "version": span.Version(), "component": span.Component(),
				"kind": uint32(span.Kind()), "attributes": attributes(span.Attributes(), span.Strings), "links": links,
				"events": events,
			})
		}
	}
}

func attributes(given map[uint32]*idx.AnyValue, strings *idx.StringTable) map[string]any {
	named := map[string]any{}
	for key, value := range given {
		named[strings.Get(key)] = typed(value, strings)
	}
	return named
}

// typed returns a value with its type, because JSON has no integers, and no bytes.
func typed(value *idx.AnyValue, strings *idx.StringTable) map[string]any {
	switch of := value.Value.(type) {
	case *idx.AnyValue_StringValueRef:
		return map[string]any{"string": strings.Get(of.StringValueRef)}
	case *idx.AnyValue_BoolValue:
		return map[string]any{"bool": of.BoolValue}
	case *idx.AnyValue_DoubleValue:
		return map[string]any{"double": of.DoubleValue}
	case *idx.AnyValue_IntValue:
		return map[string]any{"int": of.IntValue}
	case *idx.AnyValue_BytesValue:
		return map[string]any{"bytes": hex.EncodeToString(of.BytesValue)}
	case *idx.AnyValue_ArrayValue:
		values := []any{}
		for _, one := range of.ArrayValue.Values {
			values = append(values, typed(one, strings))
		}
		return map[string]any{"array": values}
	}
	return map[string]any{"other": value.String()}
}
