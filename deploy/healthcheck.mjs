// The health check of the image: whether the application is alive, as its own probe says.
import http from 'node:http'
import https from 'node:https'

const port = process.env.MILLRACE_HTTP?.split(':').at(-1)
const isEncrypted = process.env.MILLRACE_HTTP_CERT !== undefined
// The certificate is for the name that the instance advertises, and this is none of its clients.
const options = { host: '127.0.0.1', port, path: '/livez', timeout: 4000, rejectUnauthorized: false }
const request = (isEncrypted ? https : http).get(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
request.on('timeout', () => request.destroy())
request.on('error', () => process.exit(1))
