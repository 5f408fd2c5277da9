import { z } from '@hono/zod-openapi'
import type { Health, ProbeResult } from '../../health/health.ts'
import { route, type Answer, type Family, type Route } from '../http/route.ts'

const query = {
  verbose: z.enum(['', '1', 'true']).optional().describe('each check on a line of its own'),
}

const PROBES: readonly { readonly name: string; readonly of: keyof Health; readonly summary: string }[] = [
  { name: 'livez', of: 'live', summary: 'Whether the application is alive: if not, restart it' },
  { name: 'readyz', of: 'ready', summary: 'Whether it is ready: if not, send requests elsewhere' },
  { name: 'startupz', of: 'startup', summary: 'Whether it has started: if not, wait' },
]

/** What Kubernetes asks, shown as its own API server does. Everybody may ask: a kubelet has no token. */
export const probes: Family = ({ streams }): readonly Route[] =>
  PROBES.map(({ name, of, summary }) =>
    route({
      method: 'get',
      path: `/${name}`,
      needs: 'nothing',
      summary,
      query,
      answers: { 200: textAnswer('it is'), 503: textAnswer('it is not, and why') },
      answer({ query: { verbose }, context }) {
        const result = streams.health()[of]
        const isShort = result.ok && verbose === undefined
        return context.text(isShort ? 'ok\n' : linesOf(name, result), result.ok ? 200 : 503)
      },
    }),
  )

function linesOf(name: string, { ok, checks }: ProbeResult): string {
  const lines = checks.map((check) => `[${check.ok ? '+' : '-'}]${check.name} ${check.message}`)
  return [...lines, `${name} check ${ok ? 'passed' : 'failed'}`, ''].join('\n')
}

function textAnswer(description: string): Answer {
  return { description, content: { 'text/plain': z.string() } }
}
