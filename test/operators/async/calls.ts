import type { CallContext } from '../../../src/index.ts'
import type { TopologyTestDriver } from '../../../src/testing/index.ts'

interface OpenCall {
  readonly name: string
  readonly context: CallContext
  readonly promise: PromiseWithResolvers<string>
}

/** A service whose calls a test ends one by one, by `<key>=<value>`. */
export class Calls {
  made = 0
  readonly #calls: OpenCall[] = []
  #open: OpenCall[] = []

  readonly call = (value: string, key: string, context: CallContext): Promise<string> => {
    const call = { name: `${key}=${value}`, context, promise: Promise.withResolvers<string>() }
    this.made++
    this.#calls.push(call)
    this.#open.push(call)
    context.signal.addEventListener('abort', () => (this.#open = this.#open.filter((open) => open !== call)))
    return call.promise.promise
  }

  get open(): readonly string[] {
    return this.#open.map(({ name }) => name)
  }

  /** Returns the context of the last call of that name. */
  contextOf(name: string): CallContext {
    return this.#find(this.#calls, name).context
  }

  resolve(name: string): void {
    this.#take(name).resolve(`${name.slice(name.indexOf('=') + 1)}!`)
  }

  /** Ends the last call of that name, which nobody waits for any more. */
  resolveLate(name: string): void {
    this.#find(this.#calls, name).promise.resolve('too late')
  }

  rejectLate(name: string, error: unknown): void {
    this.#find(this.#calls, name).promise.reject(error)
  }

  reject(name: string, error: unknown): void {
    this.#take(name).reject(error)
  }

  /** Lets the driver process what has ended by now. */
  async turn(driver: TopologyTestDriver): Promise<void> {
    await new Promise(setImmediate)
    driver.advanceWallClock(0)
  }

  #take(name: string): PromiseWithResolvers<string> {
    const call = this.#find(this.#open, name)
    this.#open = this.#open.filter((open) => open !== call)
    return call.promise
  }

  #find(calls: readonly OpenCall[], name: string): OpenCall {
    const call = calls.findLast((one) => one.name === name)
    if (call === undefined) throw new Error(`there is no call ${name}`)
    return call
  }
}
