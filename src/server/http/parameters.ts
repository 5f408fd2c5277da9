import { z } from '@hono/zod-openapi'
import { parseDuration } from '../../options/options.ts'

/* Parameters that routes of several families have. Each is text in the URL. */

export const flag = z.enum(['', 'true', 'false']).transform((text) => text !== 'false')

export const timeout = z
  .string()
  .regex(/^(?:(?:[0-5]?\d{1,4}|60000)(?:ms)?|(?:[0-5]?\d|60)s)$/, 'ms, or as in 500ms or 5s; at most 60s')
  .transform((text) => parseDuration(/^\d+$/.test(text) ? Number(text) : text, 'timeout'))
  .optional()
  .describe('for how long an answer is waited for: ms, or as in 5s, which is the default; at most 60s')
