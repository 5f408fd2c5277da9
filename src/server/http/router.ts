import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { cors } from 'hono/cors'
import type { Logger } from '../../application/application.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import { preciseTime } from '../../platform/clock.ts'
import { PACKAGE_VERSION } from '../../platform/package-version.ts'
import type { Access, Via } from '../access/access.ts'
import type { Needed } from '../access/role.ts'
import { readJsonText, readText, type BodyText } from './body.ts'
import { badRequest, Problem, problemOf, PROBLEM_TYPE } from './problem.ts'
import { Reply } from './reply.ts'
import { jsonAnswer, route, type Answer, type Failures, type Parameters, type Route } from './route.ts'

export interface RouterOptions {
  readonly routes: readonly Route[]
  readonly access: Access
  /** Bytes of a body. */
  readonly mostBody: number
  /** Origins of web pages that may call. */
  readonly origins: readonly string[]
  readonly logger: Logger
  /** Is called with the head of each response. The route is as in the table, `none` for other paths. */
  readonly count: (route: string, method: string, status: number, ms: number) => void
}

/** Headers of every response. */
const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
/** Headers of responses that pages of other origins may read. */
const EXPOSED = ['ETag', 'Millrace-Position', 'Retry-After']

interface Env {
  readonly Bindings: {
    readonly via: Via
    /** What was answered in place of the response, whose headers count as well. */
    reply: Reply | undefined
    /** The path of the row of the table that answers. */
    route: string
  }
}

const PROBLEMS: Answer = { description: 'what is wrong', content: { [PROBLEM_TYPE]: Problem } }
const NOTHING: BodyText = { type: '', text: '' }

/** Stands for a reply where Hono wants a response. */
const ELSEWHERE = new Response()

/** Handles requests by a table of routes, and describes the table as OpenAPI. */
export class Router {
  readonly #options: RouterOptions
  readonly #app: OpenAPIHono<Env>
  #document: object | undefined

  constructor(options: RouterOptions) {
    this.#options = options
    this.#app = new OpenAPIHono<Env>()
    const { origins, access, logger } = options
    if (origins.length > 0) this.#app.use(cors({ origin: [...origins], maxAge: 600, exposeHeaders: EXPOSED }))
    if (access.needsToken) {
      this.#app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
    }
    const routes = [...options.routes, this.#openapi()]
    // The first path that fits a request is the one that answers it, whatever the method.
    for (const [path, each] of Map.groupBy(routes, ({ path }) => path)) {
      for (const one of each) if (one.off === undefined) this.#add(one)
      this.#refuseOtherMethods(path, each)
    }
    this.#app.notFound(this.#guarded((context) => this.#noRoute(context, 'GET /openapi.json has all routes.')))
    this.#app.onError((error) => problemOf(error, logger))
  }

  /** Responds to a request that did not come by a socket. */
  async handle(request: Request, via: Via): Promise<Response> {
    const answer = await this.answer(request, via)
    return answer instanceof Reply ? answer.response(request.method) : answer
  }

  async answer(request: Request, via: Via): Promise<Reply | Response> {
    const env: Env['Bindings'] = { via, reply: undefined, route: 'none' }
    const begin = preciseTime()
    const response = await this.#response(request, env)
    const { reply, route } = env
    this.#options.count(route, request.method, (reply ?? response).status, preciseTime() - begin)
    if (reply === undefined) {
      for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value)
      return response
    }
    // A route may know better for how long its response is true.
    for (const [name, value] of Object.entries(HEADERS)) reply.headers[name] ??= value
    if (response !== ELSEWHERE) for (const [name, value] of response.headers) reply.headers[name] = value
    return reply
  }

  /** Whatever is thrown, and wherever, is answered by a problem. */
  async #response(request: Request, env: Env['Bindings']): Promise<Response> {
    try {
      return await this.#app.fetch(request, env)
    } catch (thrown) {
      return problemOf(thrown, this.#options.logger)
    }
  }

  /** Makes a problem of whatever is thrown where Hono goes on with it: pages of other origins may read it as well. */
  #guarded(
    answer: (context: Context<Env>) => Promise<Reply | Response>,
    failures?: Failures,
  ): (context: Context<Env>) => Promise<Response> {
    return async (context) => {
      try {
        const answered = await answer(context)
        if (!(answered instanceof Reply)) return answered
        context.env.reply = answered
        return ELSEWHERE
      } catch (thrown) {
        return failures === undefined ? problemOf(thrown, this.#options.logger) : failures.respond(thrown)
      }
    }
  }

  #add(spec: Route): void {
    const { method, path, needs, parameters = {}, query = {}, body, bodies } = spec
    const { mostBody = this.#options.mostBody, failures } = spec
    const types = bodies === undefined ? [] : Object.keys(bodies)
    const { access } = this.#options
    const [params, queries] = [objectOf(parameters), objectOf(query)]
    if (spec.hidden !== true) this.#describePath(spec, params, queries)
    const answer = async (context: Context<Env>): Promise<Reply | Response> => {
      context.env.route = path
      const { raw } = context.req
      const rights = await access.require(needs, raw, context.env.via)
      requireEncoding(raw.url)
      const json = body === undefined ? undefined : parsedJson(await readJsonText(raw, mostBody))
      return spec.answer({
        query: validated(queries, queryOf(context), 'query'),
        path: validated(params, context.req.param(), 'path'),
        body: body === undefined ? undefined : validated(body, json, 'body'),
        sent: bodies === undefined ? NOTHING : await readText(raw, types, mostBody),
        rights,
        context,
      })
    }
    this.#app[method](routingPath(path), this.#guarded(answer, failures))
  }

  #describePath(route: Route, params: z.ZodObject, query: z.ZodObject): void {
    const { method, path, summary, needs, body, answers } = route
    const { bodies = body === undefined ? undefined : { 'application/json': body } } = route
    const { failures } = route
    this.#app.openAPIRegistry.registerPath({
      method,
      path,
      summary,
      security: this.#options.access.needsToken && needs !== 'nothing' ? [{ token: [] }] : [],
      request: {
        params,
        query,
        ...(bodies === undefined ? {} : { body: { required: true, content: contentOf(bodies) } }),
      },
      responses: {
        ...Object.fromEntries(
          Object.entries(answers).map(([status, answer]) => [status, describedAs(answer)] as const),
        ),
        default: describedAs(failures?.answer ?? PROBLEMS),
      },
    })
  }

  #refuseOtherMethods(path: string, routes: readonly Route[]): void {
    const methods = routes.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    const needs: Needed = routes.every((each) => each.needs === 'nothing') ? 'nothing' : 'any role'
    const off = routes.find((each) => each.off !== undefined)?.off
    const refuse = async (context: Context<Env>): Promise<Response> => {
      if (off !== undefined) return this.#noRoute(context, off)
      const { access, logger } = this.#options
      await access.require(needs, context.req.raw, context.env.via)
      const error = new MillraceError('MR_SERVER_METHOD', `${path} has no ${context.req.method}`, {
        hint: `Its methods are: ${methods.join(', ')}.`,
      })
      const response = problemOf(error, logger)
      response.headers.set('allow', methods.join(', '))
      return response
    }
    this.#app.all(routingPath(path), this.#guarded(refuse))
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
      answer: () => Reply.json((this.#document ??= this.#describe())),
    })
  }

  #describe(): object {
    return this.#app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: { title: 'Millrace', version: PACKAGE_VERSION },
    })
  }
}

function describedAs({ description, content }: Answer) {
  return { description, content: contentOf(content) }
}

function contentOf(schemas: Readonly<Record<string, z.ZodType>>) {
  return Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]))
}

/** Writes a path of OpenAPI as Hono does. */
function routingPath(path: string): string {
  return path.replaceAll(/\{(.+?)\}/g, ':$1')
}

/** Refuses what would reach a route undecoded, and be taken for something else. */
function requireEncoding(url: string): void {
  if (!url.includes('%')) return
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

/** Returns the parameters after `?`. One that is given several times is an array. */
function queryOf({ req }: Context): Readonly<Record<string, unknown>> {
  if (!req.raw.url.includes('?')) return NONE
  return Object.fromEntries(
    Object.entries(req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
}

const NONE = {}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('the body is no JSON')
  }
}

/** Returns what the schema makes of a part of a request. Refuses what does not fit, and says where. */
function validated<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  part: 'path' | 'query' | 'body',
): z.output<Schema> {
  const { success, data, error } = schema.safeParse(given)
  if (success) return data
  const issue = error.issues[0]
  const where = issue?.path.map(String).join('.') ?? ''
  const place = where === '' ? '' : ` at ${where}`
  if (part === 'body') throw badRequest(`the body does not fit${place}: ${issue?.message}`)
  const value: unknown = Reflect.get(Object(given), where)
  if (Array.isArray(value)) throw badRequest(`the parameter ${where} is given ${value.length} times`, 'Give it once.')
  if (issue?.code === 'unrecognized_keys') {
    throw badRequest(`there is no parameter ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`)
  }
  throw badRequest(`the parameter ${where} does not fit: ${issue?.message}`)
}
