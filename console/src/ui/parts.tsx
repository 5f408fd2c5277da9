import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { giveToken, type Problem, type Scope } from '../data/api.ts'
import { Icon } from './icons.tsx'

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'accent'

export function Badge({ tone = 'plain', children }: { readonly tone?: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>
}

/** A part of a whole, as a bar. @param share from 0 to 1; undefined: unknown */
export function Meter({ share, label, tone = 'accent' }: { share: number | undefined; label: string; tone?: Tone }) {
  const percent = Math.round((share ?? 0) * 100)
  return (
    <span
      class={`meter ${tone}`}
      role="meter"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ inlineSize: `${percent}%` }} />
    </span>
  )
}

export function Panel(props: {
  readonly title: string
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
  readonly class?: string
}): JSX.Element {
  return (
    <section class={`panel ${props.class ?? ''}`}>
      <header>
        <h2>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  )
}

/** Says what there would be, and why there is nothing. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  )
}

export function ProblemNote({ problem }: { readonly problem: Pick<Problem, 'code' | 'message' | 'hint'> }) {
  return (
    <div class="note bad" role="alert">
      <Icon name="alert" />
      <div>
        <p>{sentence(problem.message)}</p>
        {problem.hint === undefined ? null : <p class="hint">{problem.hint}</p>}
      </div>
      {problem.code === '' ? null : <code>{problem.code}</code>}
    </div>
  )
}

export function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}

/** Asks for a token, which is kept until the page is left. */
export function TokenForm(props: {
  readonly scope: Scope
  readonly problem: Problem
  readonly onToken: () => void
}): JSX.Element {
  const [token, setToken] = useState('')
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault()
        giveToken(props.scope, token.trim())
        props.onToken()
      }}
    >
      <Icon name="lock" size={28} />
      <h2>{props.scope === 'data' ? 'This server wants a token' : 'Dead letters want a token of their own'}</h2>
      <p>{sentence(props.problem.message)} It stays in the memory of this page.</p>
      <label>
        Token
        <input
          ref={field}
          type="password"
          autocomplete="off"
          required
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Go on
      </button>
    </form>
  )
}

/** Copies text, and says so. */
export function CopyButton({ text, children }: { readonly text: () => string; readonly children: string }) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = (): void => {
    void navigator.clipboard.writeText(text()).then(() => setCopied(true))
  }
  return (
    <button type="button" class="small" onClick={copy}>
      <Icon name="copy" size={13} />
      <span aria-live="polite">{isCopied ? 'copied' : children}</span>
    </button>
  )
}
