// What propagation costs with dd-trace: prints nanoseconds for each round of benches/propagation.c's mode `both`.
'use strict'

const tracer = require(process.argv[2] + '/node_modules/dd-trace').init({ startupLogs: false })
const headers = {
  'x-datadog-trace-id': '11803532876627986230',
  'x-datadog-parent-id': '67667974448284343',
  'x-datadog-sampling-priority': '1',
  'x-datadog-tags': '_dd.p.dm=-1,_dd.p.tid=4bf92f3577b34da6',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'dd=p:00f067aa0ba902b7;s:1;t.dm:-1;t.tid:4bf92f3577b34da6,foo=1'
}
if (process.argv[4] === 'baggage') headers.baggage = 'user.id=17,session.id=abc'
const rounds = Number(process.argv[3])
const span = tracer.startSpan('request', { childOf: tracer.extract('http_headers', headers) })

function both () {
  const out = {}
  tracer.extract('http_headers', headers)
  tracer.inject(span.context(), 'http_headers', out)
  return out
}

if (both()['x-datadog-trace-id'] !== headers['x-datadog-trace-id']) throw new Error(JSON.stringify(both()))
for (let i = 0; i < rounds / 10; i++) both()
const start = process.hrtime.bigint()
for (let i = 0; i < rounds; i++) both()
console.log((Number(process.hrtime.bigint() - start) / rounds).toFixed(1))
process.exit(0)
