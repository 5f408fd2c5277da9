/** Hands every record to `receive` until there are no more. */
export async function readAll<R>(records: AsyncIterable<R>, receive: (record: R) => void): Promise<void> {
  for await (const record of records) receive(record)
}
