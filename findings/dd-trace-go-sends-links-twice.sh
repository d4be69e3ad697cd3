#!/usr/bin/env bash
# One expects: a span link is sent once, and its ids read the same wherever it is written.
# What happens: dd-trace-go 2.12.0 with v0.4 payloads writes each link twice: in the field `span_links`, and in the tag
# `_dd.span_links`, whose ids are decimal numbers. Other tracers write hexadecimal text there (`"span_id":"0000000000000015"`),
# and JSON readers that hold numbers as doubles change ids above 2^53.
# Seen: 2026-11-29. Needs Go 1.24 or later, and the Go proxy.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
export GOPATH="$tmp/go" GOCACHE="$tmp/cache" GOFLAGS=-mod=mod
mkdir program && cd program
cat > main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
)

func main() {
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v0.4/traces" {
			http.NotFound(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if tag := regexp.MustCompile(`_dd\.span_links[^\[]*(\[\{.*?\}\])`).FindSubmatch(body); tag != nil {
			fmt.Printf("field span_links: %t\ntag _dd.span_links: %s\n", bytes.Contains(body, []byte("\xaaspan_links")), tag[1])
		}
		io.WriteString(w, "{}")
	}))
	tracer.Start(tracer.WithAgentAddr(strings.TrimPrefix(agent.URL, "http://")), tracer.WithLogStartup(false))
	links := []tracer.SpanLink{{TraceID: 20, SpanID: 21}}
	tracer.StartSpan("one", tracer.WithSpanLinks(links)).Finish()
	tracer.Stop()
}
GO
go mod init example.com/program >/dev/null 2>&1
go get github.com/DataDog/dd-trace-go/v2@v2.12.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o program .
seen=$(DD_TRACE_AGENT_PROTOCOL_VERSION=0.4 DD_INSTRUMENTATION_TELEMETRY_ENABLED=false DD_REMOTE_CONFIGURATION_ENABLED=false timeout -s KILL 60 ./program 2>/dev/null)
echo "$seen"
# Seen:
want='field span_links: true
tag _dd.span_links: [{"trace_id":20,"trace_id_high":0,"span_id":21,"attributes":null,"tracestate":"","flags":0}]'
[ "$seen" = "$want" ]
