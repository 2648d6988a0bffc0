import { useEffect, useRef, useState } from "react"
import { type Recorded, recorded } from "./recorder.ts"
import { useStore } from "../../shared/store.ts"

/** What the page just said to the server, and what came back: to learn by looking. */
export function DeveloperDrawer() {
  const [open, setOpen] = useState(false)
  const calls = useStore(recorded)
  const [chosen, setChosen] = useState<number | null>(null)
  const newest = calls.find((each) => each.kind === "mutation") ?? calls[0]
  const call = calls.find((each) => each.id === chosen) ?? newest
  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    if (open) panel.current?.scrollIntoView({ block: "nearest" }) // on a phone it lies below the page
  }, [open])
  return (
    <aside ref={panel} className="developer" aria-label="For developers">
      <button className="developer-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span aria-hidden="true">{"{ }"}</span>
        <b>{open ? "Close" : "What was just sent"}</b>
        {!open && newest && <code>{newest.name}</code>}
      </button>
      {open && (
        <div className="developer-inside">
          <ol aria-label="Calls, newest first">
            {calls.map((each) => (
              <li key={each.id}>
                <button aria-pressed={each.id === call?.id} onClick={() => setChosen(each.id)}>
                  <span className={`kind ${each.kind === "mutation" ? "mutation" : ""}`}>{each.kind}</span>
                  <span>{each.name}</span>
                  <span className="muted">
                    {each.times > 1 && `×${each.times} `}
                    {each.milliseconds === null ? "…" : `${each.milliseconds} ms`}
                  </span>
                </button>
              </li>
            ))}
          </ol>
          {call && <Call call={call} />}
        </div>
      )}
    </aside>
  )
}

function Call({ call }: { call: Recorded }) {
  return (
    <div className="call">
      <Code title={call.kind === "stripe.js" ? "Call" : "Operation"} text={call.source} />
      <Code title="Variables" text={call.variables} />
      <Code title="Answer" text={call.answer ?? "…"} />
    </div>
  )
}

function Code({ title, text }: { title: string; text: string }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <pre tabIndex={0}>
        <code>{highlighted(text)}</code>
      </pre>
    </section>
  )
}

const TOKENS = /("(?:[^"\\]|\\.)*"(?=\s*:))|("(?:[^"\\]|\\.)*")|(\$\w+)|\b(query|mutation|fragment|on|await|const)\b|\b(true|false|null|\d+)\b/g
const CLASSES = ["key", "text", "variable", "word", "value"]

function highlighted(text: string) {
  const parts = []
  let end = 0
  for (const match of text.matchAll(TOKENS)) {
    const kind = CLASSES[match.slice(1).findIndex((group) => group !== undefined)]
    parts.push(text.slice(end, match.index), <span key={match.index} className={`t-${kind}`}>{match[0]}</span>)
    end = match.index + match[0].length
  }
  return [...parts, text.slice(end)]
}
