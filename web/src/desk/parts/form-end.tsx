import { Notice } from "./notice.tsx"

interface Props {
  problem: string | null
  isBusy: boolean
  /** What sending does, and what is said while it does: "Save", "Saving…". */
  does: string
  doing: string
  leave?: string
  close: () => void
}

/** How a form in a dialog ends: what is wrong with it, sending it, and leaving it. */
export function FormEnd({ problem, isBusy, does, doing, leave = "Leave it", close }: Props) {
  return (
    <>
      {problem && <Notice tone="bad" title={problem} />}
      <div className="actions">
        <button className="button strong" aria-disabled={isBusy}>
          {isBusy ? doing : does}
        </button>
        <button type="button" className="button" onClick={close}>
          {leave}
        </button>
      </div>
    </>
  )
}
