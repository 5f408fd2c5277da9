import type { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { CompanionHost } from '../../runtime/companion.ts'
import type { Needed, Rights } from '../access/role.ts'
import type { BodyText } from './body.ts'
import { Reply } from './reply.ts'
import type { Watches } from './watches.ts'

/** Parameters by name. Each is text when it is checked. */
export type Parameters = Readonly<Record<string, z.ZodType>>

type Values<Given extends Parameters> = { readonly [Name in keyof Given]: z.output<Given[Name]> }

/** A request whose parameters and body are checked. */
export interface Call<Path extends Parameters, Query extends Parameters, Body> {
  readonly path: Values<Path>
  readonly query: Values<Query>
  readonly body: Body
  /** The body of a route with `bodies`. */
  readonly sent: BodyText
  /** What whoever sent it may do. */
  readonly rights: Rights
  readonly context: Context
}

/** What a response of one status is: a schema for each media type. */
export interface Answer {
  readonly description: string
  readonly content: Readonly<Record<string, z.ZodType>>
}

type Answered = Reply | Response | Promise<Reply | Response>

/** What is checked of a request, and what the OpenAPI document says of a route. */
interface RouteHead<Path extends Parameters, Query extends Parameters, Body extends z.ZodType> {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** As OpenAPI writes it: `/v1/stores/{store}`. */
  readonly path: `/${string}`
  readonly needs: Needed
  /** True: the OpenAPI document is silent about it. */
  readonly hidden?: true
  /** How the route is turned on. It is off then: the path is answered as if it were not there, but for this hint. */
  readonly off?: string | undefined
  readonly summary: string
  /** One for each name in `path`. */
  readonly parameters?: Path
  /** All that may be given after `?`, each once. */
  readonly query?: Query
  /** The JSON that must be given. */
  readonly body?: Body
  /** By media type: what may be sent, instead of `body`. The route reads the text itself, and checks it. */
  readonly bodies?: Readonly<Record<string, z.ZodType>>
  /** Bytes of a body, if it is not what the server allows elsewhere. */
  readonly mostBody?: number
  /** By status. Errors are problems, and stand here only where a status is not one. */
  readonly answers: Readonly<Record<number, Answer>>
  /** How the route shows errors, if not as problems. */
  readonly failures?: Failures
}

/** Errors in a shape of their own. */
export interface Failures {
  readonly answer: Answer
  respond(thrown: unknown): Response
}

/** A row of the table of routes as its family writes it. */
export interface RouteSpec<Path extends Parameters, Query extends Parameters, Body extends z.ZodType> extends RouteHead<
  Path,
  Query,
  Body
> {
  /** Throws a `MillraceError` for what becomes a problem: `problem.ts` has its status. */
  answer(call: Call<Path, Query, z.output<Body>>): Answered
}

/** A row of the table of routes. */
export interface Route extends RouteHead<Parameters, Parameters, z.ZodType> {
  /** Handles a request that was checked by what stands above. */
  answer(call: Call<Parameters, Parameters, unknown>): Answered
}

/** Makes a row of the table of routes. The types of its calls are those of the schemas that the router checks. */
export function route<
  Path extends Parameters = Parameters,
  Query extends Parameters = Parameters,
  Body extends z.ZodType = z.ZodType,
>(spec: RouteSpec<Path, Query, Body>): Route {
  return { ...spec, answer: (call) => spec.answer(call as Call<Path, Query, z.output<Body>>) }
}

/** What routes are made of. */
export interface Served {
  readonly streams: CompanionHost
  /** False: no route shows dead letters. */
  readonly deadLetters: boolean
  readonly watches: Watches
  /** Directories of pages, by the path of the page. */
  readonly pages: Readonly<Record<string, string>>
  /** What the console shows of the server, by name. */
  readonly settings: readonly (readonly [name: string, value: string])[]
  /** Topics that whoever may write, or is on this machine, may write through HTTP. */
  readonly writableTopics: ReadonlySet<string>
  /** Has a function called when no request is handled any more. */
  atClose(end: () => Promise<void>): void
}

/** The routes of one subject: a file of its own in `server/routes`. */
export type Family = (served: Served) => readonly Route[]

/** The answer of a route that returns JSON. */
export function jsonAnswer(description: string, schema: z.ZodType): Answer {
  return { description, content: { 'application/json': schema } }
}

/** Makes a response of the JSON that a route promises. The schema holds the value to it when it is compiled. */
export function respond<Schema extends z.ZodType>(_schema: Schema, value: z.input<Schema>): Reply {
  return Reply.json(value)
}
