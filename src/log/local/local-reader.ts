import { MillraceError } from '../../errors/millrace-error.ts'
import { PartitionMap, type LogReader, type Quiet, type RecordCursor } from '../log.ts'
import { assertWithin } from './partition-data.ts'
import { placeOf, RunCursor, type RunPlace } from './run-cursor.ts'
import type { Run } from './run.ts'
import type { LocalPartition, LocalTopic, PartitionListener } from './local-topic.ts'

/** Least bytes of one partition that one poll hands over, if it has them. */
const POLL_BYTES = 256 * 1024

/** A local log knows its ends at any time. */
const QUIET: Quiet = { since: 0, until: Infinity }

/**
 * Reads local partitions. The `onReady` callback is called synchronously, after new records have become visible. It
 * must not call into the log, but make someone poll.
 */
export class LocalReader implements LogReader {
  readonly #findTopic: (name: string) => LocalTopic | undefined
  readonly #assignments = new PartitionMap<AssignedPartition>()
  /** Assignments that may have something to hand over. */
  readonly #candidates = new Set<AssignedPartition>()
  readonly #runs: Run[] = []
  #wake: (() => void) | undefined

  constructor(findTopic: (name: string) => LocalTopic | undefined) {
    this.#findTopic = findTopic
  }

  assign(topic: string, partition: number, offset: number): void {
    this.unassign(topic, partition)
    const assignment = new AssignedPartition(
      topic,
      partition,
      offset,
      this.#findTopic(topic)?.partitions[partition],
      () => this.#arrived(assignment),
    )
    this.#assignments.set(topic, partition, assignment)
    this.#arrived(assignment)
  }

  unassign(topic: string, partition: number): void {
    const assignment = this.#assignments.get(topic, partition)
    if (assignment === undefined) return
    assignment.source?.listeners.delete(assignment)
    this.#assignments.delete(topic, partition)
    this.#candidates.delete(assignment)
  }

  pause(topic: string, partition: number): void {
    const assignment = this.#assignments.get(topic, partition)
    if (assignment === undefined) return
    assignment.paused = true
    this.#candidates.delete(assignment)
  }

  resume(topic: string, partition: number): void {
    const assignment = this.#assignments.get(topic, partition)
    if (assignment === undefined) return
    assignment.paused = false
    this.#arrived(assignment)
  }

  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number {
    let cursors = 0
    for (const assignment of this.#candidates) {
      const source = assignment.source
      if (source === undefined) throw unknownTopic(assignment)
      assertWithin(source.data, assignment.topic, assignment.partition, assignment.position)
      cursors += this.#hand(assignment, source, receive)
      if (assignment.position >= source.data.endOffset) this.#candidates.delete(assignment)
    }
    return cursors
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake
    if (this.#candidates.size > 0) wake?.()
  }

  position(topic: string, partition: number): number | undefined {
    return this.#assignments.get(topic, partition)?.position
  }

  endOffset(topic: string, partition: number): number | undefined {
    return this.#assignments.get(topic, partition)?.source?.data.endOffset
  }

  quiet(topic: string, partition: number): Quiet | undefined {
    const assignment = this.#assignments.get(topic, partition)
    const end = assignment?.source?.data.endOffset
    return assignment !== undefined && end !== undefined && assignment.position >= end ? QUIET : undefined
  }

  close(): void {
    for (const [, , assignment] of this.#assignments.entries()) assignment.source?.listeners.delete(assignment)
    this.#assignments.clear()
    this.#candidates.clear()
    this.#wake = undefined
  }

  #arrived(assignment: AssignedPartition): void {
    if (assignment.paused || !assignment.isReady) return
    this.#candidates.add(assignment)
    this.#wake?.()
  }

  #hand(
    assignment: AssignedPartition,
    source: LocalPartition,
    receive: (topic: string, partition: number, cursor: RecordCursor) => void,
  ): number {
    const runs = this.#runs
    runs.length = 0
    source.data.readRuns(assignment.position, POLL_BYTES, runs)
    if (runs.length === 0) assignment.position = source.data.endOffset
    let cursors = 0
    for (const run of runs) {
      if (!this.#candidates.has(assignment)) break
      const cursor = new RunCursor(assignment.placeIn(run))
      assignment.passed(run)
      if (cursor.remaining === 0) continue
      receive(assignment.topic, assignment.partition, cursor)
      cursors++
    }
    return cursors
  }
}

class AssignedPartition implements PartitionListener {
  readonly topic: string
  readonly partition: number
  readonly source: LocalPartition | undefined
  readonly arrived: () => void
  position: number
  paused = false
  /** Place where the last cursor ended, so that a run that grows is not searched from its start again. */
  #reached: RunPlace | undefined

  constructor(
    topic: string,
    partition: number,
    position: number,
    source: LocalPartition | undefined,
    arrived: () => void,
  ) {
    this.topic = topic
    this.partition = partition
    this.position = position
    this.source = source
    this.arrived = arrived
    source?.listeners.add(this)
  }

  /** True if a poll would hand something over or throw. */
  get isReady(): boolean {
    const data = this.source?.data
    return data === undefined || this.position !== data.endOffset
  }

  placeIn(run: Run): RunPlace {
    if (this.#reached?.run === run) return this.#reached
    return this.position <= run.base ? { run, at: run.start, index: 0 } : placeOf(run, this.position)
  }

  passed(run: Run): void {
    this.position = run.base + run.span
    this.#reached = { run, at: run.end, index: run.count }
  }
}

function unknownTopic(assignment: AssignedPartition): MillraceError {
  return new MillraceError('MR_TOPIC_UNKNOWN', 'there is no such partition', {
    topic: assignment.topic,
    partition: assignment.partition,
    hint: 'Create the topic before you read it.',
  })
}
