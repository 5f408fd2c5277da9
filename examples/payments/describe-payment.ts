import type { Payment } from './topics.ts'

/** The event in a sentence: `Alice made a payment of $200 to Bob`. */
export function describePayment({ from, to, cents }: Payment): string {
  return `${from} made a payment of ${dollars(cents)} to ${to}`
}

/** `$200`, `$1,234.50`, `-$3` */
export function dollars(cents: number): string {
  const [whole = '', rest = ''] = (Math.abs(cents) / 100).toFixed(2).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return `${cents < 0 ? '-' : ''}$${grouped}${rest === '00' ? '' : `.${rest}`}`
}
