import { type ReactNode, useState } from "react"
import { messageOf } from "../../shared/failure.ts"

/** Loads more of a list; says so when that can't be. */
export function More({ load, children }: { load: () => Promise<unknown>; children: ReactNode }) {
  const [problem, setProblem] = useState<string | null>(null)
  const more = () => {
    setProblem(null)
    load().catch((error: unknown) => setProblem(messageOf(error)))
  }
  return (
    <>
      {problem && <p role="alert">{problem} Try again.</p>}
      <button className="button quiet" onClick={more}>
        {children}
      </button>
    </>
  )
}
