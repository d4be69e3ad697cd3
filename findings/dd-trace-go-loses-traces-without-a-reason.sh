#!/usr/bin/env bash
# One expects: the line that says that traces were lost names the reason, as `connection refused`.
# What happens: dd-trace-go 1.54.1 writes `lost 1 traces: <nil>` after the last attempt, for any failure: a refused
# connection, a status of 404, 413, 429 or 500, a name that is not found. The same line is all that it writes, so the log
# does not tell whether the Agent was away or refused the payload. The log of 2.12.0 names the reason.
# Seen: 2026-11-29. Needs Go 1.21 or later, and the Go proxy.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
export GOPATH="$tmp/go" GOCACHE="$tmp/cache" GOFLAGS=-mod=mod
program() {
    mkdir "$1" && cd "$1"
    cat > main.go <<GO
package main

import "$2/ddtrace/tracer"

func main() {
	tracer.Start(tracer.WithAgentAddr("127.0.0.1:9"), tracer.WithLogStartup(false))
	span := tracer.StartSpan("one")
	span.Finish()
	tracer.Stop()
}
GO
    go mod init example.com/program >/dev/null 2>&1
    go get "$2@$3" >/dev/null 2>&1
    go mod tidy >/dev/null 2>&1
    go build -o program .
    DD_INSTRUMENTATION_TELEMETRY_ENABLED=false DD_REMOTE_CONFIGURATION_ENABLED=false timeout -s KILL 60 ./program 2>&1 |
        grep -o 'lost [0-9]* traces: .*' | sed 's/ (occurred.*//; s/, additional.*//'
    cd ..
}
old=$(program 1 gopkg.in/DataDog/dd-trace-go.v1 v1.54.1)
new=$(program 2 github.com/DataDog/dd-trace-go/v2 v2.12.0)
printf '1.54.1: %s\n2.12.0: %s\n' "$old" "$new"
# Seen:
[ "$old" = "lost 1 traces: <nil>" ]
grep -q 'connection refused' <<<"$new"
