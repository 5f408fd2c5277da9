import { Windowed } from '../../windowing/windows.ts'
import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `print` of a stream: one line a record. */
export class Print extends SpecOperator<'print'> {
  override process(key: unknown, value: unknown): void {
    const { label, mapper, write } = this.spec
    const text =
      mapper === undefined ? `${show(key)}, ${show(value)}` : show(settled(mapper(value, key), this.context) ?? null)
    settled(write(`[${label}]: ${text}`), this.context)
  }
}

function show(value: unknown): string {
  if (value === null || typeof value !== 'object' || value instanceof Windowed) return String(value)
  return JSON.stringify(value)
}
