// Starts two traces of two spans each. Arguments: the folder of dd-trace; seconds to stay; `on`: makes further traces meanwhile.
'use strict'

const tracer = require(process.argv[2]).init()

function checkout (n) {
  const root = tracer.startSpan('checkout', { tags: { 'resource.name': 'GET /cart', 'span.type': 'web' } })
  root.setTag('http.method', 'GET')
  root.setTag('http.status_code', 200)
  const child = tracer.startSpan('db.query', { childOf: root, tags: { 'resource.name': 'SELECT item' } })
  child.setTag('db.rows', 3)
  if (n === 1) child.setTag('error', new Error('no such item'))
  child.finish()
  root.finish()
}
for (let n = 0; n < 2; n++) checkout(n)
const further = process.argv[4] === 'on' ? setInterval(() => checkout(0), 500) : undefined
setTimeout(() => { clearInterval(further); console.log('application: done') }, Number(process.argv[3]) * 1000)
