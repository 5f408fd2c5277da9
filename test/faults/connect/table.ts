import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { NextOffset } from 'millrace/connect'

type Partition = Pick<NextOffset, 'topic' | 'partition'>

/** Partitions that were taken over: by topic and number, the epoch of each, and where they go on. */
interface Claimed {
  readonly epochs: ReadonlyMap<string, number>
  readonly offsets: NextOffset[]
}

/** ms to wait for another process that writes, which may be frozen. */
const PATIENCE = 500

/** A table that keeps its rows and the offsets behind them in one transaction, and refuses who has lost a partition. */
export class Table {
  readonly #database: DatabaseSync
  readonly #full: string

  /** @param full while this file exists, the table may not grow: SQLite says that the disk is full */
  constructor(file: string, full: string) {
    this.#full = full
    this.#database = new DatabaseSync(file)
    this.#database.exec(`
      pragma busy_timeout = ${PATIENCE};
      pragma journal_mode = wal;
      create table if not exists numbers (value text);
      create table if not exists offsets (place text primary key, next integer, epoch integer);
    `)
  }

  /** Takes partitions over from whoever has them. */
  claim(partitions: readonly Partition[]): Claimed {
    const epochs = new Map<string, number>()
    const offsets: NextOffset[] = []
    this.#inTransaction(() => {
      const raise = this.#database.prepare(
        'insert into offsets values (?, 0, 1) on conflict do update set epoch = epoch + 1 returning next, epoch',
      )
      for (const { topic, partition } of partitions) {
        const row = raise.get(`${topic}/${partition}`)
        epochs.set(`${topic}/${partition}`, Number(row?.['epoch']))
        offsets.push({ topic, partition, offset: Number(row?.['next']) })
      }
    })
    return { epochs, offsets }
  }

  write(epochs: ReadonlyMap<string, number>, values: readonly string[], offsets: readonly NextOffset[]): void {
    const pages = Number(this.#database.prepare('pragma page_count').get()?.['page_count'])
    this.#database.exec(`pragma max_page_count = ${existsSync(this.#full) ? pages : 1_000_000}`)
    this.#inTransaction(() => {
      const insert = this.#database.prepare('insert into numbers values (?)')
      for (const value of values) insert.run(value)
      const move = this.#database.prepare('update offsets set next = ? where place = ? and epoch = ?')
      for (const { topic, partition, offset } of offsets) {
        const place = `${topic}/${partition}`
        const { changes } = move.run(offset, place, epochs.get(place) ?? -1)
        if (changes !== 1) throw new Error(`another instance has taken ${place} over`)
      }
    })
  }

  values(): string[] {
    return this.#database
      .prepare('select value from numbers')
      .all()
      .map(({ value }) => String(value))
  }

  count(): number {
    return Number(this.#database.prepare('select count(*) as count from numbers').get()?.['count'])
  }

  close(): void {
    this.#database.close()
  }

  #inTransaction(act: () => void): void {
    this.#database.exec('begin immediate')
    try {
      act()
      this.#database.exec('commit')
    } catch (error) {
      // A full disk may have rolled back already.
      if (this.#database.isTransaction) this.#database.exec('rollback')
      throw error
    }
  }
}
