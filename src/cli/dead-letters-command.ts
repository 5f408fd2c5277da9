import { isUtf8 } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Application } from '../application/application.ts'
import { letterJson, replayJson } from '../dead-letters/letter-json.ts'
import { jsonOf } from '../serde/json-of.ts'
import { parseLetterId } from '../dead-letters/letter-id.ts'
import type { DeadLetter, DeadLetterPart, NoDeadLetter } from '../dead-letters/letter.ts'
import type { DeadLetterPatch } from '../dead-letters/patch.ts'
import { readDeadLetters } from '../dead-letters/read-dead-letters.ts'
import { notAnId, replayAll, replayDeadLetters, unknownLetter } from '../dead-letters/replay-dead-letters.ts'
import type { DeadLetterReplay } from '../dead-letters/replayed-record.ts'
import { topicOfLetters } from '../dead-letters/topic-of-letters.ts'
import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import type { Log } from '../log/log.ts'
import type { LogFormat } from '../application/log-line.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { loadApp } from './load-app.ts'
import { openLog } from './open-log.ts'
import { namedLines, printable, timeText } from './text.ts'

interface LettersOptions extends KafkaAccess {
  readonly data: string
  readonly json?: boolean
  readonly logFormat: LogFormat
}

export interface ListLettersOptions extends LettersOptions {
  readonly topic?: string
  readonly from?: string
  readonly limit: number
}

export type ShowLetterOptions = LettersOptions

export interface ReplayLettersOptions extends LettersOptions {
  readonly topic?: string
  readonly all?: boolean
  readonly patch?: string
  readonly to?: readonly string[]
  readonly again?: boolean
  readonly dryRun?: boolean
}

/** Runs `millrace dead-letters ls`: a dead letter a line. Errors as those of `readDeadLetters` and `openLog`. */
export async function listLetters(file: string, options: ListLettersOptions): Promise<void> {
  const app = await loadApp(file)
  const { from, limit } = options
  const topic = topicOfLetters(app, options.topic ?? parseLetterId(from ?? '')?.topic)
  await withLog(options, topic, async (log) => {
    let shown = 0
    // One more than asked for shows where to go on.
    for await (const letter of readDeadLetters(app, log, { topic, limit: limit + 1, ...(from && { from }) })) {
      if (shown++ === limit) console.error(`more: --from ${letter.id}`)
      else console.log(options.json === true ? JSON.stringify(letterJson(letter)) : lineOf(letter))
    }
    if (shown === 0) console.error(`no dead letters in ${topic}`)
  })
}

/** Runs `millrace dead-letters show`. @throws MR_DEAD_LETTER_UNKNOWN; otherwise as `listLetters` */
export async function showLetter(file: string, id: string, options: ShowLetterOptions): Promise<void> {
  const app = await loadApp(file)
  const place = parseLetterId(id)
  if (place === undefined) throw notAnId(id)
  await withLog(options, place.topic, async (log) => {
    for await (const letter of readDeadLetters(app, log, { from: id, limit: 1 })) {
      if (letter.id !== id) break
      console.log(options.json === true ? JSON.stringify(letterJson(letter), undefined, 2) : textOf(letter))
      return
    }
    throw unknownLetter(place)
  })
}

/**
 * Runs `millrace dead-letters replay`: prints each record that was written. With `--all`, dead letters that cannot go
 * back are named on standard error, and are the error in the end.
 *
 * @throws MR_CLI_USAGE for ids and `--all`, and for neither; MR_STATE_LOCKED while an application has the log open;
 * otherwise as `replayDeadLetters`
 */
export async function replayLetters(
  file: string,
  ids: readonly string[],
  options: ReplayLettersOptions,
): Promise<void> {
  const { all = false, again = false, dryRun = false, to = [], json = false } = options
  if (all === ids.length > 0) {
    throw new MillraceError('MR_CLI_USAGE', all ? 'both ids and --all were given' : 'no dead letter was named', {
      hint: 'Give the ids of dead letters, or --all.',
    })
  }
  const app = await loadApp(file)
  const choice = { again, dryRun, to, patch: options.patch === undefined ? {} : readPatch(options.patch) }
  const show = (replays: readonly DeadLetterReplay[]): void => {
    for (const replay of replays) console.log(json ? JSON.stringify(replayJson(replay)) : replayLine(replay, dryRun))
  }
  if (all) return replayTopic(app, options, choice, show)
  const topic = parseLetterId(ids[0] ?? '')?.topic
  await withLog(options, topic, async (log) => {
    if (!dryRun) await holdForTransactions(log)
    show(await replayDeadLetters(app, log, ids, choice))
  })
}

async function replayTopic(
  app: Application,
  options: ReplayLettersOptions,
  choice: Parameters<typeof replayAll>[3],
  show: (replays: readonly DeadLetterReplay[]) => void,
): Promise<void> {
  const topic = topicOfLetters(app, options.topic)
  let first: MillraceError | undefined
  let left = 0
  await withLog(options, topic, async (log) => {
    if (options.dryRun !== true) await holdForTransactions(log)
    await replayAll(app, log, topic, choice, show, (id, error) => {
      console.error(`left ${id}: ${error.message}`)
      first ??= error
      left++
    })
  })
  if (first === undefined) return
  throw new MillraceError(first.code, `${left} dead letters cannot go back, and were left: ${first.message}`, {
    hint: first.hint,
  })
}

/** Takes an embedded log from another tool: replays are transactions, which run only where the log is open. */
async function holdForTransactions(log: Log): Promise<void> {
  await log.hold?.({ attach: true })
}

async function withLog(
  options: LettersOptions,
  topic: string | undefined,
  act: (log: Log) => Promise<void>,
): Promise<void> {
  const { data, kafka } = options
  if (kafka === undefined && !existsSync(join(data, 'log'))) {
    throw new MillraceError('MR_TOPIC_UNKNOWN', `there is no embedded log in ${data}`, {
      hint: 'Give the directory of the application by --data, or brokers by --kafka.',
    })
  }
  const log = await openLog(options, topic === undefined ? [] : [topic])
  try {
    await act(log)
  } finally {
    await log.close()
  }
}

function readPatch(file: string): DeadLetterPatch {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DeadLetterPatch
  } catch (cause) {
    throw new MillraceError('MR_DEAD_LETTER_PATCH', `the file ${file} holds no patch: ${messageOf(cause)}`, {
      cause,
      hint: 'A patch is JSON, as in { "value": { "cents": 200 } }.',
    })
  }
}

function lineOf(letter: DeadLetter | NoDeadLetter): string {
  if (letter.kind === 'other') return printable(`${letter.id}  no dead letter: ${letter.reason}`)
  const { id, origin, code, exception, message, replayed } = letter
  const [reason = ''] = message.split('\n')
  const parts = [id, timeText(origin.timestamp), originText(letter), code ?? exception, reason]
  return printable(`${parts.join('  ')}${replayed === true ? '  (replayed)' : ''}`)
}

function textOf(letter: DeadLetter | NoDeadLetter): string {
  const headers = Array.from(letter.headers, ({ name, value }) => ['header', `${name}: ${bytesText(value)}`])
  if (letter.kind === 'other') {
    const { id, reason, timestamp, key, value } = letter
    return namedLines([
      ['id', id],
      ['no dead letter', reason],
      ['time', timeText(timestamp)],
      ...headers,
      ['key', bytesText(key)],
      ['value', bytesText(value)],
    ])
  }
  const { id, origin, code, node, task, exception, message, stack, key, value, replayed } = letter
  return namedLines([
    ['id', id],
    ['replayed', replayed === true ? 'yes' : 'no'],
    ['from', `${originText(letter)} of ${timeText(origin.timestamp)}`],
    ['error', `${code === undefined ? '' : `${code}: `}${exception}: ${message}`],
    ['node', node ?? 'unknown'],
    ['task', task ?? 'unknown'],
    ...headers,
    ['key', partText(key)],
    ['value', partText(value)],
    ['stack', stack],
  ])
}

function originText({ origin: { topic, partition, offset } }: DeadLetter): string {
  return topic === null ? 'a punctuator' : `${topic}/${partition}@${offset}`
}

function replayLine({ id, topic, partition, key, value, headers }: DeadLetterReplay, dryRun: boolean): string {
  if (!dryRun) return `${id} -> ${topic}/${partition}`
  const names = Array.from(headers, ({ name, value: text }) => ['header', `${name}: ${bytesText(text)}`])
  const rows = [
    ['id', id],
    ['to', `${topic}/${partition}`],
    ...names,
    ['key', bytesText(key)],
    ['value', bytesText(value)],
  ]
  return `${namedLines(rows)}\n`
}

function partText({ bytes, value, error }: DeadLetterPart): string {
  return error === undefined ? JSON.stringify(jsonOf(value)) : `${bytesText(bytes)}\n(${error})`
}

function bytesText(bytes: Buffer | null): string {
  if (bytes === null) return 'null'
  return isUtf8(bytes) ? bytes.toString('utf8') : `${bytes.toString('hex')} (hex)`
}
