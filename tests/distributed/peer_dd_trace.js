// A hop that is traced by Datadog's tracer for Node. See hop.py for what a hop does.
'use strict'
const http = require('http')
const tracer = require('dd-trace').init({ flushInterval: 0, plugins: false, startupLogs: false })

const ofAContext = name => name.startsWith('x-datadog-') || ['traceparent', 'tracestate', 'baggage'].includes(name)

function call (path, headers) {
  const [, port, ...rest] = path.split('/')
  if (!port) return Promise.resolve([])
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/' + rest.join('/'), headers, agent: false }
    http.get(options, answer => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', text => { body += text })
      answer.on('end', () => { try { resolve(JSON.parse(body)) } catch (error) { reject(error) } })
    }).on('error', reject)
  })
}

http.createServer(async (request, response) => {
  const context = tracer.extract('http_headers', request.headers)
  const span = tracer.startSpan('hop', { childOf: context })
  // The style `baggage` sends the tracer's items. Those of a span are of the style that came before it.
  if (!context) tracer.setBaggageItem('begun.by', 'dd-trace')
  const outgoing = {}
  tracer.inject(span, 'http_headers', outgoing)
  const own = span.context()
  const said = {
    by: 'dd-trace',
    trace_id: own.toTraceId(true),
    span_id: own.toSpanId(),
    parent_id: context ? context.toSpanId() : '0',
    baggage: { ...tracer.getAllBaggageItems() },
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => ofAContext(name)))
  }
  let later
  try {
    later = await call(request.url, outgoing)
  } catch (error) {
    response.writeHead(500)
    return response.end(String(error))
  } finally {
    span.finish()
  }
  response.end(JSON.stringify([said, ...later]))
}).listen(process.env.PORT, '127.0.0.1')
