#!/usr/bin/env bash
# One expects: an item that `span.setBaggageItem` sets goes to other services in the header `baggage`.
# What happens: dd-trace 5.132.0 (Node.js) injects only items of `tracer.setBaggageItem`, which belong to the running
# asynchronous context and not to a span. Items of spans leave only as `ot-baggage-…` of its former style.
# Seen: 2026-11-29. Needs Node.js 18 or later with npm.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm install --silent --prefix . --omit=optional --ignore-scripts --no-audit --no-fund --no-package-lock dd-trace@5.132.0
cat > program.js <<'JS'
const tracer = require('dd-trace').init({ plugins: false, startupLogs: false, url: 'http://127.0.0.1:9' })
const span = tracer.startSpan('one')
const baggage = () => {
  const headers = {}
  tracer.inject(span, 'http_headers', headers)
  return headers.baggage
}
span.setBaggageItem('of.span', '1')
console.log('after span.setBaggageItem, baggage:', baggage())
tracer.setBaggageItem('of.tracer', '2')
console.log('after tracer.setBaggageItem, baggage:', baggage())
process.exit(0)
JS
timeout -s KILL 60 node program.js | tee seen.txt
# Seen:
diff seen.txt - <<'X'
after span.setBaggageItem, baggage: undefined
after tracer.setBaggageItem, baggage: of.tracer=2
X
echo "As described: the item of the span is not in the header."
