const LONG = 60_000

/** Keeps the process alive until `release` is called: sockets, waiting promises and timers of the clock do not. */
export class KeptAlive {
  readonly #timer = setInterval(() => {}, LONG)

  release(): void {
    clearInterval(this.#timer)
  }
}

/** Keeps the process alive until a promise has settled. */
export async function whileWaiting<T>(work: Promise<T>): Promise<T> {
  const alive = new KeptAlive()
  try {
    return await work
  } finally {
    alive.release()
  }
}
