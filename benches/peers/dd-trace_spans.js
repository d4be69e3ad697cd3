// The drive of benches/peers/src/lib.rs with dd-trace: FOLDER MODE THREADS TRACES RATE HOST:PORT, where FOLDER has
// node_modules. Node makes spans and sends them on one thread: THREADS is 1. It needs pauses to send, so that flat out it gets
// one after every 1,000 spans. The CPU of the thread is the time that the loop takes.
'use strict'

const fs = require('fs')
const [, , folder, mode, , tracesGiven, rateGiven, host] = process.argv
const traces = Number(tracesGiven)
const rate = Number(rateGiven)
Object.assign(process.env, {
  DD_TRACE_AGENT_URL: `http://${host}`,
  DD_SERVICE: 'bench-service',
  DD_TRACE_RATE_LIMIT: '-1',
  DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
  DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  DD_TRACE_STARTUP_LOGS: 'false',
  DD_TRACE_ENABLED: String(mode !== 'disabled'),
  DD_TRACE_DEBUG: String(mode === 'debug')
})
const nowhere = fs.openSync('/dev/null', 'w')
const write = (what) => fs.writeSync(nowhere, require('util').format(what) + '\n')
const logger = mode === 'debug' ? { debug: write, info: write, warn: write, error: write } : undefined
const tracer = require(folder + '/node_modules/dd-trace').init({ plugins: false, ...(logger && { logger }) })

const NAMES = ['web.request', 'app.handler', 'db.query']
const RESOURCES = ['GET /users/{id}', 'UsersController#show', 'SELECT name FROM users WHERE id = ?']
const TYPES = ['web', 'worker', 'sql']
const WARM = 2000

function start (kind, parent) {
  const span = tracer.startSpan(NAMES[kind], { childOf: parent })
  span.setTag('service.name', 'bench-service')
  span.setTag('resource.name', RESOURCES[kind])
  span.setTag('span.type', TYPES[kind])
  span.setTag('component', 'rack')
  span.setTag('http.url', 'https://example.com/users/1234567?page=2')
  span.setTag('span.kind', 'server')
  span.setTag('bench.rows', 42.5)
  return span
}

function trace10 () {
  const root = start(0)
  for (let i = 0; i < 3; i++) {
    const child = start(1, root)
    for (let j = 0; j < 2; j++) start(2, child).finish()
    child.finish()
  }
  root.finish()
}

const [make, spansEach] = mode === 'span1' ? [() => tracer.startSpan(NAMES[0]).finish(), 1] : [trace10, 10]
const now = () => Number(process.hrtime.bigint())
const cpuNow = () => { const used = process.cpuUsage(); return (used.user + used.system) * 1000 }
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const chunk = 1000 / spansEach

async function main () {
  for (let i = 0; i < WARM / chunk; i++) {
    for (let j = 0; j < chunk; j++) make()
    await sleep(5)
  }
  await sleep(2500) // it sends every 2 seconds
  const cpuBefore = cpuNow()
  const begin = now()
  let wall = 0
  for (let made = 0, tick = 1; made < traces; tick++) {
    const count = Math.min(rate ? Math.floor(rate * tick / 100) - made : chunk, traces - made)
    const before = now()
    for (let i = 0; i < count; i++) make()
    wall += now() - before
    made += count
    const left = begin + tick * 1e7 - now()
    if (rate) await sleep(Math.max(0, left / 1e6))
    else await new Promise(setImmediate)
  }
  const made = now()
  await sleep(2500)
  const spans = traces * spansEach
  console.log(JSON.stringify({
    peer: 'dd-trace', mode, threads: 1, rate, spans, warm_spans: WARM * spansEach, tcpu_ns: wall / spans, wall_ns: wall / spans,
    cpu_ns: (cpuNow() - cpuBefore) / spans, elapsed_ms: (made - begin) / 1e6, flush_ms: (now() - made) / 1e6,
    rss_kb: Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status'))[1])
  }))
  process.exit(0)
}

main()
