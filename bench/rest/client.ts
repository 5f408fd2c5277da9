/** Writes or reads the records of a topic over HTTP, and prints the ms that it took. See `main.ts`. */
import { Agent, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'

const { WAY: way, URL: url = '', RECORDS, CLIENTS } = process.env
const [records, clients] = [Number(RECORDS), Number(CLIENTS)]
const A_REQUEST = 100
let next = 0
const agent = new Agent({ keepAlive: true, maxSockets: clients })

const begun = performance.now()
if (way === 'POST, JSON' || way === 'POST, NDJSON') await Promise.all(Array.from({ length: clients }, write))
else if (way === 'GET, pages') await readPages()
else await readAll(way === 'GET, NDJSON' ? 'application/x-ndjson' : 'text/event-stream')
process.stdout.write(String(performance.now() - begun))
agent.destroy()

async function write(): Promise<void> {
  while (next < records) {
    const first = next
    next += A_REQUEST
    const lines: string[] = []
    for (let i = first; i < Math.min(records, first + A_REQUEST); i++) {
      const from = `account-${i % 10_000}`
      lines.push(JSON.stringify({ key: from, value: { from, to: 'bob', cents: i, note: 'x'.repeat(40) } }))
    }
    const isJson = way === 'POST, JSON'
    const body = isJson ? `{"records":[${lines.join(',')}]}` : lines.join('\n')
    const headers = { 'content-type': isJson ? 'application/json' : 'application/x-ndjson' }
    await take(await ask('POST', url, headers, body))
  }
}

async function readPages(): Promise<void> {
  let [seen, cursor] = [0, '']
  while (seen < records) {
    const text = await take(await ask('GET', `${url}?limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`))
    const page = JSON.parse(text) as { records: unknown[]; cursor: string }
    seen += page.records.length
    cursor = page.cursor
  }
}

async function readAll(accept: string): Promise<void> {
  const response = await ask('GET', url, { accept })
  const mark = accept === 'text/event-stream' ? 'event: record' : '{"topic"'
  let [seen, rest] = [0, '']
  for await (const part of response) {
    const lines = (rest + String(part)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith(mark)) seen++
    if (seen === records) break
  }
  if (seen !== records) throw new Error(`${seen} records came`)
}

async function ask(method: string, to: string, headers = {}, body = ''): Promise<IncomingMessage> {
  const sent = request(to, { method, headers, agent })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${await take(response)}`)
  return response
}

async function take(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const part of response) text += String(part)
  return text
}
