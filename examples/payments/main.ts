import { readTopic } from 'millrace'
import { runDemo } from '../kit/demo.ts'
import { feed } from '../kit/generator.ts'
import { readAll } from '../kit/read-all.ts'
import { createTopics } from '../kit/topics.ts'
import app from './app.ts'
import { paymentGenerator } from './generator.ts'
import { accounts, frauds, payments, volumes } from './topics.ts'
import { BankView } from './view.ts'

const ACCOUNTS = 40
const view = new BankView()

await runDemo({
  app,
  view,
  rate: 500,
  prepare: (log) => createTopics(log, [payments, volumes, frauds], [accounts]),
  feed: (log, { rate, seed, signal }) => feed(log, paymentGenerator({ seed, accounts: ACCOUNTS }), { rate, signal }),
  watch: (log, signal) =>
    Promise.all([
      readAll(readTopic(log, accounts, { signal }), (record) => view.onAccount(record)),
      readAll(readTopic(log, volumes, { signal }), (record) => view.onVolume(record)),
      readAll(readTopic(log, frauds, { signal }), (record) => view.onFraud(record)),
    ]),
})
