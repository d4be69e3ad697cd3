#!/usr/bin/env bash
# One expects: the log in a flare of dd-trace (Node.js) has the messages that the tracer logs, such as
# "Error sending payload to the agent (status code: 413)".
# What happens: in dd-trace 5.132.0 each message of level error is the word "undefined" there. Only the stack of the error
# that belongs to it, if there is one, stays on the next line.
# Seen: 2026-11-29. Needs Node.js 18 or later with npm.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm install --silent --prefix . --omit=optional --ignore-scripts --no-audit --no-fund --no-package-lock dd-trace@5.132.0
cat > shop.js <<'JS'
const tracer = require('dd-trace').init({ plugins: false, startupLogs: false })
setTimeout(() => tracer.trace('checkout', () => {}), 1500)
setTimeout(() => process.exit(0), 20000)
JS
cat > agent.js <<'JS'
// Answers as an Agent whose user has asked for a flare, and prints what the flare's log says of refused traces.
const http = require('http')
const crypto = require('crypto')
const level = 'datadog/2/AGENT_CONFIG/flare-log-level.debug/config'
const order = 'datadog/2/AGENT_CONFIG/configuration_order/config'
const task = 'datadog/2/AGENT_TASK/task/config'
const files = {
  [level]: { name: 'flare-log-level.debug', config: { log_level: 'debug' } },
  [order]: { internal_order: ['flare-log-level.debug'], order: [] }
}
const base64 = text => Buffer.from(text).toString('base64')
let version = 1
const configuration = () => {
  const targets = {}
  const target_files = []
  for (const [path, content] of Object.entries(files)) {
    const raw = JSON.stringify(content)
    const sha256 = crypto.createHash('sha256').update(raw).digest('hex')
    targets[path] = { custom: { v: version }, hashes: { sha256 }, length: raw.length }
    target_files.push({ path, raw: base64(raw) })
  }
  const signed = { version, custom: { opaque_backend_state: '' }, targets }
  return { targets: base64(JSON.stringify({ signed })), target_files, client_configs: Object.keys(files) }
}
let refused = 0
let shop
http.createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const answer = (status, body) => { response.writeHead(status, { 'Content-Type': 'application/json' }); response.end(JSON.stringify(body)) }
    if (request.url === '/info') return answer(200, { endpoints: ['/v0.4/traces', '/v0.7/config', '/tracer_flare/v1'] })
    if (request.url === '/v0.7/config') return answer(200, configuration())
    if (request.url.endsWith('/traces')) {
      refused += 1
      if (refused === 1) setTimeout(() => {
        files[task] = { uuid: 'one', task_type: 'tracer_flare', args: { case_id: '123', hostname: 'shop', user_handle: 'one@example.com' } }
        version += 1
      }, 500)
      return answer(413, {})
    }
    if (request.url === '/tracer_flare/v1') {
      const body = Buffer.concat(parts).toString()
      if (body.includes('tracer_logs.txt')) {
        const lines = body.split(/\r?\n/)
        const some = test => lines.some(test) ? 'some' : 'none'
        console.log('lines "undefined":', some(line => line === 'undefined'))
        console.log('lines with the message:', some(line => line.startsWith('Error sending payload to the agent')))
        console.log('lines with the stack:', some(line => line.startsWith('Error: Error from ') && line.includes(' 413 ')))
        answer(200, {})
        setTimeout(() => { shop.kill(); process.exit(0) }, 200)
        return
      }
    }
    answer(200, {})
  })
}).listen(+process.argv[2], '127.0.0.1', () => { shop = require('child_process').spawn(process.execPath, ['shop.js']) })
JS
port=$(node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })")
export DD_TRACE_AGENT_URL=http://127.0.0.1:$port DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS=0.2
export DD_INSTRUMENTATION_TELEMETRY_ENABLED=false
timeout -s KILL 60 node agent.js "$port" | tee seen.txt
# Seen:
diff seen.txt - <<'S'
lines "undefined": some
lines with the message: none
lines with the stack: some
S
echo "As described: the messages of errors are missing in the flare's log."
