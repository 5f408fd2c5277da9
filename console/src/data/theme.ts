import { effect, signal } from '@preact/signals'

export type Theme = 'dark' | 'light'

const KEY = 'millrace-theme'
const light = matchMedia('(prefers-color-scheme: light)')

/** What the user chose; undefined: as the system has it. */
const chosen = signal<Theme | undefined>(read())
const system = signal<Theme>(light.matches ? 'light' : 'dark')

export const theme = signal<Theme>(chosen.value ?? system.value)

/** Shows the theme on the page from now on. */
export function applyTheme(): void {
  light.addEventListener('change', () => {
    system.value = light.matches ? 'light' : 'dark'
  })
  effect(() => {
    theme.value = chosen.value ?? system.value
    document.documentElement.dataset['theme'] = theme.value
  })
}

export function chooseOther(): void {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark'
  try {
    localStorage.setItem(KEY, chosen.value)
  } catch {
    // A browser may keep pages from storing anything.
  }
}

function read(): Theme | undefined {
  try {
    const stored = localStorage.getItem(KEY)
    return stored === 'dark' || stored === 'light' ? stored : undefined
  } catch {
    return undefined
  }
}
