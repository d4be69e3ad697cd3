// Starts two traces of two spans each. Arguments: the folder of dd-trace, and seconds to stay.
'use strict'

const tracer = require(process.argv[2]).init()

for (let n = 0; n < 2; n++) {
  const root = tracer.startSpan('checkout', { tags: { 'resource.name': 'GET /cart', 'span.type': 'web' } })
  root.setTag('http.method', 'GET')
  root.setTag('http.status_code', 200)
  const child = tracer.startSpan('db.query', { childOf: root, tags: { 'resource.name': 'SELECT item' } })
  child.setTag('db.rows', 3)
  if (n === 1) child.setTag('error', new Error('no such item'))
  child.finish()
  root.finish()
}
setTimeout(() => console.log('application: done'), Number(process.argv[3]) * 1000)
