import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { ConsoleLogger } from '../../src/cli/console-logger.ts'
import { RestoreReport } from '../../src/cli/restore-progress.ts'
import { Terminal } from '../../src/cli/terminal.ts'

class Output extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

function plainTerminal(): { output: Output; terminal: Terminal } {
  const output = new Output()
  return { output, terminal: new Terminal(output) }
}

test('on a terminal the status stays below the lines, and is cut to its width', () => {
  const output = Object.assign(new Output(), { isTTY: true, columns: 30 })
  const terminal = new Terminal(output)
  terminal.status('one')
  terminal.line('something happened')
  terminal.status('x'.repeat(50))
  terminal.clearStatus()
  const erased = '\r\u001b[2K'
  expect(output.text).toBe(`one${erased}something happened\none${erased}${'x'.repeat(29)}${erased}`)
})

test('elsewhere every status is a line, without control characters', () => {
  const { output, terminal } = plainTerminal()
  terminal.status('one')
  terminal.line('something happened')
  terminal.status('two')
  terminal.clearStatus()
  expect(output.text).toBe('one\nsomething happened\ntwo\n')
})

test('a restore is shown with its progress and its end; a restore that replays nothing is not shown', () => {
  const { output, terminal } = plainTerminal()
  const report = new RestoreReport(terminal, undefined)
  const store = (name: string, position: number, end: number, records: number) => ({
    task: '0_0',
    store: name,
    topic: `app-${name}-changelog`,
    partition: 0,
    from: 0,
    end,
    position,
    records,
  })
  report.listener('start', store('empty', 0, 0, 0))
  report.listener('end', store('empty', 0, 0, 0))
  expect(output.text).toBe('')
  report.listener('start', store('totals', 0, 100, 0))
  expect(output.text).toBe('restoring: 0 of 100 offsets, 1 stores to go\n')
  report.listener('end', store('totals', 100, 100, 90))
  expect(output.text).toContain('restored: 90 records\n')
})

test('an error that ends the run is left to the code that ends it; others are printed', () => {
  const { output, terminal } = plainTerminal()
  const logger = new ConsoleLogger(terminal, 'text')
  const fatal = new Error('the end')
  logger.warn({ err: new Error('a hiccup') }, 'commit failed')
  logger.error({ err: fatal, thread: 't-1' }, 'stream thread failed')
  logger.info({ tasks: ['0_0'] }, 'tasks assigned')
  expect(output.text).toBe('tasks assigned tasks=["0_0"]\n')
  logger.flush(fatal)
  expect(output.text).toBe('tasks assigned tasks=["0_0"]\nwarn: commit failed err="a hiccup"\n')
})

test('an error that ends the run is printed once, even if a status line comes in between', () => {
  const { output, terminal } = plainTerminal()
  const logger = new ConsoleLogger(terminal, 'text')
  const fatal = new Error('the end')
  logger.warn({ err: new Error('a hiccup') }, 'commit failed')
  logger.tick()
  logger.error({ err: fatal }, 'stream thread failed')
  logger.tick()
  expect(output.text).toBe('warn: commit failed err="a hiccup"\n')
  logger.flush(fatal)
  expect(output.text).toBe('warn: commit failed err="a hiccup"\n')
})
