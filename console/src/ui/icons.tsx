import type { JSX } from 'preact'

const PATHS = {
  topology: 'M8 2.5v3M8 5.5c-4 0-4.5 1.5-4.5 4M8 5.5c4 0 4.5 1.5 4.5 4M2 10.5h3v3H2zM11 10.5h3v3h-3zM6.5 1h3v3h-3z',
  tasks: 'M2 3h5v4H2zM9 3h5v4H9zM2 9.5h5v4H2zM9 9.5h5v4H9z',
  stores:
    'M3 4c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2zM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2',
  topics: 'M2 4h9M2 8h12M2 12h6M13 2.5 14.5 4 13 5.5',
  letters: 'M2 3.5h12v9H2zM2 4l6 5 6-5',
  health: 'M1.5 8.5h3l2-5 3 9 2-4h3',
  sun:
    'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6' +
    'M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1',
  moon: 'M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z',
  store: 'M2.5 4c0-.9 1.8-1.6 4-1.6s4 .7 4 1.6-1.8 1.6-4 1.6-4-.7-4-1.6zM2.5 4v5c0 .9 1.8 1.6 4 1.6s4-.7 4-1.6V4',
  drop: 'M6.5 2.5v7M3.5 6.8l3 3 3-3',
  close: 'M4 4l8 8M12 4l-8 8',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.4 10.4 14 14',
  fold: 'M4 6l4 4 4-4',
  minus: 'M3.5 8h9',
  plus: 'M3.5 8h9M8 3.5v9',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  lock: 'M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  alert: 'M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.6v.2',
} as const

export type IconName = keyof typeof PATHS

/** A drawing beside words that say the same. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}

const WATER =
  'M3 28.4c2.2 0 2.2-1.6 4.3-1.6s2.2 1.6 4.4 1.6 2.1-1.6 4.3-1.6' + 's2.2 1.6 4.3 1.6 2.2-1.6 4.4-1.6 2.1 1.6 4.3 1.6'

/** The wheel of a mill over its race. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <g class="wheel">
        <circle cx="16" cy="13.5" r="7.2" />
        <path d="M16 2.6v21.8M6.6 8.1l18.8 10.8M6.6 18.9 25.4 8.1" />
      </g>
      <path d={WATER} />
    </svg>
  )
}
