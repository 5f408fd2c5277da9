/** What a stream thread counts: plain numbers that are read by whoever asks for metrics, and by nobody else. */
export class ThreadCounters {
  /** Records processed by tasks that are closed by now, by the id of the task. */
  readonly processedByClosed = new Map<string, number>()

  /** Notes what a task has processed that is being closed. */
  closed(task: string, processed: number): void {
    this.processedByClosed.set(task, (this.processedByClosed.get(task) ?? 0) + processed)
  }
}
