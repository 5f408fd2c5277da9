import { defineApp, describeJson, json, long, planUpgrade, string, topic, tumbling } from 'millrace'
import type { AppConfig, Application, StoreShape, UpgradeChange, UpgradePlan } from 'millrace'
import { describe, expect, test } from 'vitest'

const words = topic('words', { key: string(), value: string() })
const others = topic('others', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })

type Build = AppConfig['build']

function app(build: Build, rest: Partial<AppConfig> = {}): Application {
  return defineApp({ id: 'words', build, ...rest })
}

function plan(before: Build, after: Build): UpgradePlan {
  return planUpgrade(app(before), app(after))
}

/** What is not kept, but for the texts. */
function news({ changes }: UpgradePlan): Partial<UpgradeChange>[] {
  return changes
    .filter(({ change }) => change !== 'kept')
    .map(({ subject, change, before, after, losesState }) => ({ subject, change, before, after, losesState }))
}

const counting =
  (store?: string): Build =>
  (builder) => {
    builder
      .stream(words)
      .groupByKey()
      .count(store === undefined ? {} : { store })
      .toStream()
      .to(counts)
  }

const peeking =
  (store?: string): Build =>
  (builder) => {
    builder
      .stream(words)
      .peek(() => {})
      .groupByKey()
      .count(store === undefined ? {} : { store })
      .toStream()
      .to(counts)
  }

describe('names', () => {
  test('an equal version keeps everything, and its instances share the group', () => {
    const same = plan(counting('totals'), counting('totals'))
    expect(news(same)).toEqual([])
    expect(same).toMatchObject({
      losesState: false,
      sideBySide: true,
      application: { before: 'words', after: 'words' },
    })
    expect(same.changes).toContainEqual(
      expect.objectContaining({ subject: 'store', change: 'kept', after: 'totals', topic: 'words-totals-changelog' }),
    )
  })

  test('an operator in front moves a generated name, and the hint says what to write', () => {
    const moved = plan(counting(), peeking())
    expect(moved).toMatchObject({ losesState: true, sideBySide: false })
    expect(moved.changes).toContainEqual({
      subject: 'store',
      change: 'renumbered',
      before: 'KSTREAM-AGGREGATE-STATE-STORE-0000000001',
      after: 'KSTREAM-AGGREGATE-STATE-STORE-0000000002',
      topic: 'words-KSTREAM-AGGREGATE-STATE-STORE-0000000001-changelog',
      losesState: true,
      text:
        'it is called KSTREAM-AGGREGATE-STATE-STORE-0000000002 now: it begins empty, and ' +
        'words-KSTREAM-AGGREGATE-STATE-STORE-0000000001-changelog stays behind',
      hint:
        'Name the store of the operator KSTREAM-AGGREGATE-0000000003 (aggregate) as it was: ' +
        "store: 'KSTREAM-AGGREGATE-STATE-STORE-0000000001'.",
    })
    // The hint is true.
    expect(plan(counting(), peeking('KSTREAM-AGGREGATE-STATE-STORE-0000000001')).losesState).toBe(false)
  })

  test('a named store does not mind an operator in front, and both versions share the group', () => {
    const moved = plan(counting('totals'), peeking('totals'))
    expect(moved).toMatchObject({ losesState: false, sideBySide: true })
    expect(news(moved)).toEqual([])
  })

  test('a generated name that another operator has now is not taken for the same', () => {
    const first: Build = (builder) => {
      builder.stream(words).groupByKey().count().toStream().to(counts)
    }
    const second: Build = (builder) => {
      builder.stream(others).groupByKey().count()
      builder.stream(words).groupByKey().count().toStream().to(counts)
    }
    const { losesState, changes } = plan(first, second)
    expect(losesState).toBe(true)
    const stores = changes.filter(({ subject }) => subject === 'store')
    expect(stores.map(({ change, before, after }) => [change, before?.slice(-2), after?.slice(-2)])).toEqual([
      ['renumbered', '01', '04'],
      ['added', undefined, '01'],
    ])
    expect(stores[1]?.text).toContain('it would take the rows of the old one for its own')
  })

  test('a name that was given and is another now is taken for the same store', () => {
    expect(news(plan(counting('totals'), counting('sums')))).toEqual([
      { subject: 'store', change: 'renamed', before: 'totals', after: 'sums', losesState: true },
    ])
  })

  test('a store that is gone is lost, and one that is new begins empty', () => {
    const two: Build = (builder) => {
      counting('totals')(builder)
      builder.stream(others).groupByKey().count({ store: 'more' })
    }
    expect(news(plan(two, counting('totals')))).toEqual([
      { subject: 'store', change: 'lost', before: 'more', after: null, losesState: true },
      { subject: 'sub-topology', change: 'lost', before: '1', after: null, losesState: false },
      { subject: 'source topic', change: 'lost', before: 'others', after: null, losesState: false },
    ])
    const growing = plan(counting('totals'), two)
    expect(growing).toMatchObject({ losesState: false, sideBySide: false })
    expect(news(growing).map(({ subject, change, after }) => [subject, change, after])).toEqual([
      ['store', 'added', 'more'],
      ['sub-topology', 'added', '1'],
      ['source topic', 'added', 'others'],
    ])
  })

  test('another application id is another application', () => {
    const moved = planUpgrade(app(counting('totals')), app(counting('totals'), { id: 'words-2' }))
    expect(moved).toMatchObject({ losesState: true, application: { before: 'words', after: 'words-2' } })
    expect(news(moved)).toEqual([
      { subject: 'application', change: 'renamed', before: 'words', after: 'words-2', losesState: true },
    ])
  })
})

describe('topics and tasks', () => {
  const grouping =
    (name?: string): Build =>
    (builder) => {
      builder
        .stream(words)
        .groupBy((word) => word, { key: string(), ...(name === undefined ? {} : { name }) })
        .count({ store: 'totals' })
    }

  test('a repartition topic of another name leaves records behind', () => {
    expect(news(plan(grouping('by-word'), grouping('by-text')))).toEqual([
      {
        subject: 'repartition topic',
        change: 'renamed',
        before: 'by-word-repartition',
        after: 'by-text-repartition',
        losesState: true,
      },
    ])
  })

  test('a repartition topic with other partitions moves keys away from their rows', () => {
    const into =
      (partitions?: number): Build =>
      (builder) => {
        builder
          .stream(words)
          .repartition({ name: 'spread', ...(partitions === undefined ? {} : { partitions }) })
          .groupByKey()
          .count({ store: 'totals' })
      }
    expect(news(plan(into(3), into(4)))).toEqual([
      {
        subject: 'repartition topic',
        change: 'changed',
        before: 'spread-repartition',
        after: 'spread-repartition',
        losesState: true,
      },
    ])
    expect(plan(into(3), into()).losesState).toBe(true)
    expect(news(plan(into(3), into(3)))).toEqual([])
  })

  test('tasks are named after sub-topologies: one in front renumbers those behind it, and stores are restored', () => {
    const two: Build = (builder) => {
      builder.stream(others).groupByKey().count({ store: 'more' })
      counting('totals')(builder)
    }
    const { changes, losesState } = plan(counting('totals'), two)
    expect(losesState).toBe(false)
    expect(changes.filter(({ subject }) => subject === 'sub-topology')).toMatchObject([
      { change: 'added', after: '0' },
      { change: 'renumbered', before: '0', after: '1', text: expect.stringContaining('restored from changelogs') },
    ])
  })

  test('a task that reads another topic may get other partitions than its changelogs have', () => {
    const merging: Build = (builder) => {
      builder.stream(words).merge(builder.stream(others)).groupByKey().count({ store: 'totals' }).toStream().to(counts)
    }
    const { changes, losesState } = plan(counting('totals'), merging)
    expect(losesState).toBe(false)
    expect(changes).toContainEqual(
      expect.objectContaining({
        subject: 'sub-topology',
        change: 'changed',
        text: expect.stringContaining('its tasks read others, words now, and read words before'),
      }),
    )
  })

  test('a windowed operator with another generated name forgets its stream time', () => {
    const windows =
      (isPeeking: boolean): Build =>
      (builder) => {
        const stream = builder.stream(words)
        const group = (isPeeking ? stream.peek(() => {}) : stream).groupByKey()
        group.windowedBy(tumbling(1_000)).count({ store: 'minutes' })
      }
    expect(news(plan(windows(false), windows(true)))).toEqual([
      {
        subject: 'operator',
        change: 'renumbered',
        before: 'KSTREAM-AGGREGATE-0000000001',
        after: 'KSTREAM-AGGREGATE-0000000002',
        losesState: false,
      },
    ])
  })
})

describe('the shape of a store', () => {
  const changed = (before: Build, after: Build): UpgradeChange | undefined =>
    plan(before, after).changes.find(({ subject }) => subject === 'store')

  const windows =
    (size: number, retention: number): Build =>
    (builder) => {
      builder
        .stream(words)
        .groupByKey()
        .windowedBy(tumbling(size))
        .count({ store: { name: 'totals', retention } })
    }

  test.each<[string, Build, Build, boolean, string]>([
    [
      'windows of another size',
      windows(10, 90_000),
      windows(20, 90_000),
      true,
      'windows were 10 ms long and are 20 ms',
    ],
    ['another retention', windows(10, 90_000_000), windows(10, 99_000_000), false, 'restored from its changelog'],
    ['another kind', counting('totals'), windows(10, 90_000), true, 'it was of kind keyValue and is of kind window'],
    [
      'values of another serde',
      (builder) => void builder.table(words, { store: 'totals' }),
      (builder) => void builder.stream(words).toTable({ store: 'totals', value: json<string>() }),
      true,
      'values were written by the serde string and are by json',
    ],
    [
      'no changelog',
      counting('totals'),
      (builder) =>
        void builder
          .stream(words)
          .groupByKey()
          .count({ store: { name: 'totals', logging: false } }),
      false,
      'lost with its disk',
    ],
    [
      'a changelog where there was none',
      (builder) =>
        void builder
          .stream(words)
          .groupByKey()
          .count({ store: { name: 'totals', logging: false } }),
      counting('totals'),
      true,
      'which does not have its rows',
    ],
  ])('%s', (_what, before, after, losesState, text) => {
    expect(changed(before, after)).toMatchObject({ change: 'changed', losesState, text: expect.stringContaining(text) })
  })

  const shaped =
    (shape: StoreShape<number>): Build =>
    (builder) =>
      void builder
        .stream(words)
        .groupByKey()
        .count({ store: { name: 'totals', ...shape } })
  const migrate = (): number => 0

  test.each<[string, StoreShape<number>, StoreShape<number>, boolean, string, string | null]>([
    ['a first version', {}, { version: 1, migrate }, false, 'values of version 0 are migrated', 'readsUpTo: 1 first'],
    [
      'a version that the old one reads',
      { version: 1, readsUpTo: 2, migrate },
      { version: 2, migrate },
      false,
      'values of version 1 are migrated to version 2 whenever they are read',
      null,
    ],
    ['a version that is not read', { version: 2 }, { version: 1 }, true, 'does not read them', 'version 3'],
    ['no version any more', { version: 2 }, {}, true, 'does not read them', 'version 3'],
    [
      'an earlier version that reads the later one',
      { version: 2 },
      { version: 1, readsUpTo: 2, migrate },
      false,
      'values of version 2 are migrated to version 1',
      null,
    ],
  ])('%s', (_what, before, after, losesState, text, hint) => {
    expect(changed(shaped(before), shaped(after))).toMatchObject({
      change: 'changed',
      losesState,
      text: expect.stringContaining(text),
      hint: hint === null ? null : expect.stringContaining(hint),
    })
    expect(plan(shaped(before), shaped(after)).sideBySide).toBe(true)
  })

  test('a table that gets a changelog of its own begins empty, and one that is rebuilt from its topic does not', () => {
    const table = (optimize: AppConfig['optimize']): Application =>
      app((builder) => void builder.table(words, { store: 'totals' }), optimize === undefined ? {} : { optimize })
    const old = table('all')
    expect(planUpgrade(old, table(undefined)).losesState).toBe(true)
    expect(planUpgrade(table(undefined), old)).toMatchObject({ losesState: false })
  })
})

describe('descriptions', () => {
  test('what was saved by an earlier version stands for it, and what it does not say is not compared', () => {
    const windowed = app((builder) => void builder.stream(words).groupByKey().windowedBy(tumbling(10)).count())
    const { application: _id, stores, ...rest } = JSON.parse(JSON.stringify(describeJson(windowed.topology(), 'words')))
    for (const store of stores) for (const name of ['timestamped', 'windowSize', 'retention']) delete store[name]
    const saved = { ...rest, stores }
    expect(news(planUpgrade(saved, windowed))).toEqual([])
    expect(planUpgrade(saved, windowed)).toMatchObject({ sideBySide: true, application: { before: null } })
  })

  test.each([
    undefined,
    null,
    7,
    {},
    { subtopologies: [{}], stores: [] },
    { subtopologies: [], stores: [{ name: 1 }] },
  ])('refuses %j', (given) => {
    expect(() => planUpgrade(given as never, app(counting('totals')))).toThrow(
      expect.objectContaining({ code: 'MR_UPGRADE_DESCRIPTION', message: expect.stringContaining('the old version') }),
    )
  })
})
