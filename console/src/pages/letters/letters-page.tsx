import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { askJson, asProblem, type Problem } from '../../data/api.ts'
import { hrefOf, place } from '../../data/location.ts'
import { timeText } from '../../data/text.ts'
import { Badge, Empty, ProblemNote, TokenForm } from '../../ui/parts.tsx'
import { LetterDetails } from './letter-details.tsx'
import type { Letter, LetterPage } from './letter.ts'

const PAGE = 50

/** What the application put aside, and a way back for it. */
export function LettersPage(): JSX.Element {
  const [letters, setLetters] = useState<readonly Letter[] | undefined>(undefined)
  const [next, setNext] = useState<string | null>(null)
  const [problem, setProblem] = useState<Problem | undefined>(undefined)
  const load = async (cursor?: string): Promise<void> => {
    try {
      const query = new URLSearchParams({ limit: String(PAGE), ...(cursor === undefined ? {} : { cursor }) })
      const page = await askJson<LetterPage>(`v1/dead-letters?${query}`, { scope: 'dead-letters' })
      setLetters(cursor === undefined ? page.rows : [...(letters ?? []), ...page.rows])
      setNext(page.next)
      setProblem(undefined)
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  useEffect(() => void load(), [])
  if (problem?.isAboutTokens === true) {
    return <TokenForm scope="dead-letters" problem={problem} onToken={() => void load()} />
  }
  if (problem?.code === 'MR_SERVER_ROUTE') {
    return <Empty title="Dead letters are not shown">{problem.hint}</Empty>
  }
  const [, id] = place.value.path
  const selected = letters?.find((letter) => letter.id === id)
  return (
    <div class="page split letters">
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {letters === undefined ? null : (
        <nav class="panel list" aria-label="Dead letters">
          {letters.length === 0 ? (
            <Empty title="No dead letters">Every record was processed.</Empty>
          ) : (
            letters.map((letter) => <Item key={letter.id} letter={letter} isSelected={letter === selected} />)
          )}
          <footer>
            {next === null ? null : (
              <button type="button" class="small" onClick={() => void load(next)}>
                more
              </button>
            )}
            <button type="button" class="small" onClick={() => void load()}>
              look again
            </button>
          </footer>
        </nav>
      )}
      {selected === undefined ? null : (
        <LetterDetails key={selected.id} letter={selected} onReplayed={() => void load()} />
      )}
    </div>
  )
}

function Item({ letter, isSelected }: { readonly letter: Letter; readonly isSelected: boolean }): JSX.Element {
  const title = letter.kind === 'other' ? 'no dead letter' : (letter.code ?? letter.exception)
  const detail = letter.kind === 'other' ? letter.reason : letter.message
  const time = letter.kind === 'other' ? letter.timestamp : letter.origin.timestamp
  return (
    <a
      href={hrefOf(['letters', letter.id])}
      aria-current={isSelected ? 'true' : undefined}
      data-letter={letter.id}
      class={isReplayed(letter) ? 'done' : ''}
    >
      <span class="list-title mono">{title}</span>
      <span class="list-aside">{timeText(time)}</span>
      <span class="list-detail">{detail}</span>
      {isReplayed(letter) ? <Badge tone="good">replayed</Badge> : null}
    </a>
  )
}

function isReplayed(letter: Letter): boolean {
  return letter.kind === 'dead-letter' && letter.replayed === true
}
