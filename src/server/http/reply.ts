import type { ServerResponse } from 'node:http'

/**
 * A response whose body is at hand. A socket writes it as it is: to make a `Response` of it, and to read its body
 * again, takes longer than a query.
 */
export class Reply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string | Buffer

  constructor(status: number, headers: Record<string, string>, body: string | Buffer) {
    this.status = status
    this.headers = headers
    this.body = body
  }

  static json(value: unknown, headers: Record<string, string> = {}): Reply {
    return new Reply(200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
  }

  /** Returns the same for a program. */
  response(method: string): Response {
    const { status, headers, body } = this
    return new Response(method === 'HEAD' ? null : body, { status, headers })
  }

  /** Writes all of it. Node leaves the body out where the request is HEAD. */
  write(response: ServerResponse): void {
    const { status, headers, body } = this
    headers['content-length'] = String(typeof body === 'string' ? Buffer.byteLength(body) : body.length)
    response.writeHead(status, headers)
    response.end(body)
  }
}
