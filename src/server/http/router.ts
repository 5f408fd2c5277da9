import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { Logger } from '../../application/application.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import { PACKAGE_VERSION } from '../../platform/package-version.ts'
import type { Access, Via } from '../access/access.ts'
import type { Needed } from '../access/role.ts'
import { readJsonText } from './body.ts'
import { badRequest, Problem, problemOf, PROBLEM_TYPE } from './problem.ts'
import { jsonAnswer, route, type Parameters, type Route } from './route.ts'

export interface RouterOptions {
  readonly routes: readonly Route[]
  readonly access: Access
  /** Bytes of a body. */
  readonly mostBody: number
  /** Origins of web pages that may call. */
  readonly origins: readonly string[]
  readonly logger: Logger
}

/** Headers of responses that pages of other origins may read. */
const EXPOSED = ['ETag', 'Millrace-Position', 'Retry-After']

interface Env {
  readonly Bindings: { readonly via: Via }
}

/** Handles requests by a table of routes, and describes the table as OpenAPI. */
export class Router {
  readonly #options: RouterOptions
  readonly #app: OpenAPIHono<Env>
  #document: object | undefined

  constructor(options: RouterOptions) {
    this.#options = options
    this.#app = new OpenAPIHono<Env>({ defaultHook: requireValid })
    const { origins, access, logger } = options
    if (origins.length > 0) this.#app.use(cors({ origin: [...origins], maxAge: 600, exposeHeaders: EXPOSED }))
    this.#app.use(this.#catch)
    if (access.needsToken) {
      this.#app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
    }
    const routes = [...options.routes, this.#openapi()]
    // The first path that fits a request is the one that answers it, whatever the method.
    for (const [path, each] of Map.groupBy(routes, ({ path }) => path)) {
      for (const one of each) if (one.off === undefined) this.#add(one)
      this.#refuseOtherMethods(path, each)
    }
    this.#app.notFound((context) => this.#noRoute(context, 'GET /openapi.json has all routes.'))
    this.#app.onError((error) => problemOf(error, logger))
  }

  async handle(request: Request, via: Via): Promise<Response> {
    const response = await this.#response(request, via)
    response.headers.set('cache-control', 'no-store')
    response.headers.set('x-content-type-options', 'nosniff')
    return response
  }

  /**
   * Makes a problem of what Hono does not handle, for pages of other origins to read as well: what is thrown for an
   * unknown path, and what is no error, since functions of users may throw anything.
   */
  readonly #catch: MiddlewareHandler<Env> = async (_context, next) => {
    try {
      await next()
      return undefined
    } catch (thrown) {
      return problemOf(thrown, this.#options.logger)
    }
  }

  /** Whatever is thrown, and wherever, is answered by a problem. */
  async #response(request: Request, via: Via): Promise<Response> {
    try {
      return await this.#app.fetch(request, { via })
    } catch (thrown) {
      return problemOf(thrown, this.#options.logger)
    }
  }

  #add(spec: Route): void {
    const { method, path, summary, needs, hidden = false, parameters = {}, query = {}, body, answers } = spec
    const { access } = this.#options
    const middleware: MiddlewareHandler<Env>[] = [
      async (context, next) => {
        await access.require(needs, context.req.raw, context.env.via)
        requireEncoding(context.req.raw.url)
        await next()
      },
    ]
    if (body !== undefined) middleware.push(readBody(spec.mostBody ?? this.#options.mostBody))
    const definition = createRoute({
      method,
      path,
      summary,
      hide: hidden,
      middleware,
      security: access.needsToken && needs !== 'nothing' ? [{ token: [] }] : [],
      request: {
        params: objectOf(parameters),
        query: objectOf(query),
        ...(body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } }),
      },
      responses: {
        ...Object.fromEntries(
          Object.entries(answers).map(([status, { description, content }]) => [
            status,
            {
              description,
              content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }])),
            },
          ]),
        ),
        default: { description: 'what is wrong', content: { [PROBLEM_TYPE]: { schema: Problem } } },
      },
    })
    this.#app.openapi(definition, (context) => spec.answer(context) as never)
  }

  #refuseOtherMethods(path: string, routes: readonly Route[]): void {
    const methods = routes.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    const needs: Needed = routes.every((each) => each.needs === 'nothing') ? 'nothing' : 'any role'
    const off = routes.find((each) => each.off !== undefined)?.off
    this.#app.all(path.replaceAll(/\{(.+?)\}/g, ':$1'), async (context) => {
      if (off !== undefined) return this.#noRoute(context, off)
      const { access, logger } = this.#options
      await access.require(needs, context.req.raw, context.env.via)
      const error = new MillraceError('MR_SERVER_METHOD', `${path} has no ${context.req.method}`, {
        hint: `Its methods are: ${methods.join(', ')}.`,
      })
      const response = problemOf(error, logger)
      response.headers.set('allow', methods.join(', '))
      return response
    })
  }

  async #noRoute(context: Context<Env>, hint: string): Promise<never> {
    // A later version may ask what this one does not know. It must hear that, and not that it is a stranger.
    const needs = context.req.path.startsWith('/internal/') ? 'peer' : 'any role'
    await this.#options.access.require(needs, context.req.raw, context.env.via)
    throw new MillraceError('MR_SERVER_ROUTE', `there is no ${context.req.path}`, { hint })
  }

  #openapi(): Route {
    return route({
      method: 'get',
      path: '/openapi.json',
      needs: 'read',
      summary: 'All routes, as OpenAPI 3.1',
      answers: { 200: jsonAnswer('the document', z.looseObject({ openapi: z.string() })) },
      answer: () => Response.json((this.#document ??= this.#describe())),
    })
  }

  #describe(): object {
    return this.#app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: { title: 'Millrace', version: PACKAGE_VERSION },
    })
  }
}

/** @param most bytes */
function readBody(most: number): MiddlewareHandler<Env> {
  return async (context, next) => {
    const { raw } = context.req
    const body = await readJsonText(raw, most)
    context.req.raw = new Request(raw.url, { method: raw.method, headers: raw.headers, signal: raw.signal, body })
    await next()
  }
}

/** Refuses what would reach a route undecoded, and be taken for something else. */
function requireEncoding(url: string): void {
  try {
    decodeURIComponent(url)
  } catch {
    throw badRequest('the URL is not encoded as UTF-8', 'Write %25 for a percent sign.')
  }
}

/** Parameters that are not in the table are refused: a misspelt one would be ignored in silence. */
function objectOf(parameters: Parameters): z.ZodObject {
  return z.strictObject({ ...parameters })
}

interface Checked {
  readonly success: boolean
  readonly target: string
  readonly data?: unknown
  readonly error?: z.ZodError
}

/** Refuses parameters and bodies that do not fit their schema, and says where. */
function requireValid({ success, target, data, error }: Checked): void {
  if (success) return
  const issue = error?.issues[0]
  const where = issue?.path.map(String).join('.') ?? ''
  const place = where === '' ? '' : ` at ${where}`
  if (target === 'json') throw badRequest(`the body does not fit${place}: ${issue?.message}`)
  const value: unknown = Reflect.get(Object(data), where)
  if (Array.isArray(value)) throw badRequest(`the parameter ${where} is given ${value.length} times`, 'Give it once.')
  if (issue?.code === 'unrecognized_keys') {
    throw badRequest(`there is no parameter ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`)
  }
  throw badRequest(`the parameter ${where} does not fit: ${issue?.message}`)
}
