import { join } from 'node:path'
import { readTopic } from 'millrace'
import { runDemo } from '../kit/demo.ts'
import { feed } from '../kit/generator.ts'
import { readAll } from '../kit/read-all.ts'
import { createTopics } from '../kit/topics.ts'
import app from './app.ts'
import { paymentGenerator } from './generator.ts'
import { startScoringService } from './scoring-service.ts'
import { accounts, frauds, payments, scores, volumes } from './topics.ts'
import { BankView } from './view.ts'

const ACCOUNTS = 40
const view = new BankView()
const service = await startScoringService()
process.env['SCORING_URL'] ??= service.url

await runDemo({
  app,
  view,
  rate: 500,
  page: { name: 'board', source: join(import.meta.dirname, 'page') },
  question: '/v1/stores/accounts/entries/Alice',
  prepare: (log) => createTopics(log, [payments, volumes, frauds, scores], [accounts]),
  feed: (log, { rate, seed, signal }) => feed(log, paymentGenerator({ seed, accounts: ACCOUNTS }), { rate, signal }),
  watch: (log, signal) =>
    Promise.all([
      readAll(readTopic(log, accounts, { signal }), (record) => view.onAccount(record)),
      readAll(readTopic(log, volumes, { signal }), (record) => view.onVolume(record)),
      readAll(readTopic(log, frauds, { signal }), (record) => view.onFraud(record)),
      readAll(readTopic(log, scores, { signal }), (record) => view.onScore(record)),
    ]),
})
await service.stop()
