import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import { InstanceClient, LOCAL_URL } from './instance-client.ts'
import { kafkaOptions } from './kafka-access.ts'
import { instancesOfGroup, type GroupChoice } from './instances-command.ts'

/** Errors of an instance after which another one may have the answer. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'MR_CLI_UNREACHABLE',
  'MR_CLOSED',
  'MR_QUERY_NOT_OWNER',
  'MR_QUERY_PEER',
  'MR_QUERY_PEER_AUTH',
])

/** Asks one instance after the other, until one has the answer. */
export async function askAny<T>(choice: GroupChoice, ask: (client: InstanceClient) => Promise<T>): Promise<T> {
  let failure: unknown
  for (const url of await urlsOf(choice)) {
    try {
      return await ask(new InstanceClient({ ...choice, url }))
    } catch (error) {
      if (!isMillraceError(error) || !ELSEWHERE.has(error.code)) throw error
      failure = error
    }
  }
  throw failure
}

async function urlsOf(choice: GroupChoice): Promise<readonly string[]> {
  const { url = LOCAL_URL, app, timeout } = choice
  const kafka = kafkaOptions(choice)
  if (kafka === undefined || app === undefined) return [url]
  const endpoints = (await instancesOfGroup(kafka, app, timeout)).map(({ endpoint }) => endpoint)
  const urls = endpoints.filter((endpoint) => endpoint !== null).map((endpoint) => `http://${endpoint}`)
  if (urls.length > 0) return urls
  throw new MillraceError('MR_CLI_UNREACHABLE', `no instance of ${app} says where it is reached`, {
    hint: 'Start the application with --http and --advertise, or give --url.',
  })
}
