import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { askJson, asProblem, type Problem } from '../../data/api.ts'
import { hrefOf } from '../../data/location.ts'
import { timeText } from '../../data/text.ts'
import { Badge, Panel, ProblemNote, sentence } from '../../ui/parts.tsx'
import {
  bytesText,
  editableText,
  editedValue,
  type DeadLetter,
  type Headers,
  type Letter,
  type Part,
  type Replay,
  type ReplayAnswer,
} from './letter.ts'

/** One dead letter: what went wrong, where, with which record, and its replay. */
export function LetterDetails(props: { readonly letter: Letter; readonly onReplayed: () => void }): JSX.Element {
  const { letter, onReplayed } = props
  if (letter.kind === 'other') {
    return (
      <Panel title={letter.id} class="letter">
        <p class="cause-text">{sentence(letter.reason)}</p>
        <Record
          headers={letter.headers}
          parts={[
            ['Key', bytesText(letter.key)],
            ['Value', bytesText(letter.value)],
          ]}
        />
      </Panel>
    )
  }
  const { origin, node, task, code, exception, message, stack, headers, key, value } = letter
  return (
    <Panel title={code ?? exception} aside={<Badge>{letter.id}</Badge>} class="letter">
      <p class="cause-text">{sentence(message)}</p>
      <dl class="facts">
        <dt>Input</dt>
        <dd class="mono">
          {origin.topic === null ? 'a punctuator' : `${origin.topic} p${origin.partition} @${origin.offset}`}
        </dd>
        <dt>Timestamp</dt>
        <dd>{timeText(origin.timestamp)}</dd>
        {node === undefined ? null : (
          <>
            <dt>Node</dt>
            <dd>
              <a href={hrefOf(['topology', node])}>{node}</a>
            </dd>
          </>
        )}
        {task === undefined ? null : (
          <>
            <dt>Task</dt>
            <dd class="mono">{task}</dd>
          </>
        )}
      </dl>
      <details>
        <summary>Stack</summary>
        <pre tabIndex={0}>{stack}</pre>
      </details>
      {headers.length === 0 ? null : <Record headers={headers} parts={[]} />}
      <ReplayForm letter={letter} parts={{ key, value }} onReplayed={onReplayed} />
    </Panel>
  )
}

function Record(props: {
  readonly headers: Headers
  readonly parts: readonly (readonly [string, string])[]
}): JSX.Element {
  const { headers, parts } = props
  return (
    <dl class="record">
      {parts.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="mono">{text}</dd>
        </div>
      ))}
      {headers.map(([name, value], index) => (
        <div key={`${name} ${index}`}>
          <dt>Header {name}</dt>
          <dd class="mono">{bytesText(value)}</dd>
        </div>
      ))}
    </dl>
  )
}

interface FormProps {
  readonly letter: DeadLetter
  readonly parts: { readonly key: Part; readonly value: Part }
  readonly onReplayed: () => void
}

function ReplayForm({ letter, parts, onReplayed }: FormProps): JSX.Element {
  const [key, setKey] = useState(editableText(parts.key))
  const [value, setValue] = useState(editableText(parts.value))
  const [isAgain, setAgain] = useState(false)
  const [shown, setShown] = useState<{ readonly replay: Replay; readonly isDry: boolean } | undefined>(undefined)
  const [problem, setProblem] = useState<Problem | undefined>(undefined)
  const [isBusy, setBusy] = useState(false)
  const send = async (dryRun: boolean): Promise<void> => {
    setBusy(true)
    setProblem(undefined)
    setShown(undefined)
    const patch = {
      ...(key === editableText(parts.key) ? {} : { key: editedValue(key, parts.key) }),
      ...(value === editableText(parts.value) ? {} : { value: editedValue(value, parts.value) }),
    }
    const body = { ids: [letter.id], patch, dryRun, ...(isAgain ? { again: true } : {}) }
    try {
      const { outcomes } = await askJson<ReplayAnswer>('v1/dead-letters/replay', { scope: 'dead-letters', body })
      const [outcome] = outcomes
      if (outcome !== undefined) setShown({ replay: outcome.replay, isDry: dryRun })
      if (!dryRun) onReplayed()
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      class="replay"
      onSubmit={(event) => {
        event.preventDefault()
        void send(false)
      }}
    >
      <h3>The record, and what to change of it</h3>
      <Field name="key" part={parts.key} text={key} rows={1} onText={setKey} />
      <Field name="value" part={parts.value} text={value} rows={6} onText={setValue} />
      {letter.replayed === true ? (
        <label class="check">
          <input type="checkbox" checked={isAgain} onChange={(event) => setAgain(event.currentTarget.checked)} />
          It has been replayed already: replay it again
        </label>
      ) : null}
      <div class="actions">
        <button type="button" class="plain" disabled={isBusy} onClick={() => void send(true)}>
          Dry run
        </button>
        <button type="submit" class="primary" disabled={isBusy || (letter.replayed === true && !isAgain)}>
          Replay
        </button>
      </div>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {shown === undefined ? null : <Outcome replay={shown.replay} isDry={shown.isDry} />}
    </form>
  )
}

function Field(props: {
  readonly name: string
  readonly part: Part
  readonly text: string
  readonly rows: number
  readonly onText: (text: string) => void
}): JSX.Element {
  const { name, part, text, rows, onText } = props
  return (
    <label>
      <span>
        {name === 'key' ? 'Key' : 'Value'}
        {'error' in part ? <span class="warn"> cannot be read: {part.error}</span> : null}
      </span>
      <textarea
        class="mono"
        name={name}
        rows={rows}
        value={text}
        spellcheck={false}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </label>
  )
}

function Outcome({ replay, isDry }: { readonly replay: Replay; readonly isDry: boolean }): JSX.Element {
  const { topic, partition, key, value, headers } = replay
  return (
    <section class="outcome" role="status">
      <h3>
        {isDry ? 'Would be written' : 'Written'} to <span class="mono">{`${topic} p${partition}`}</span>
      </h3>
      <Record
        headers={headers}
        parts={[
          ['Key', bytesText(key)],
          ['Value', bytesText(value)],
        ]}
      />
    </section>
  )
}
