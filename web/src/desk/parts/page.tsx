import type { ReactNode } from "react"
import { useTitled } from "../../shared/titled.ts"

interface Props {
  title: string
  /** Beside the heading: what can be done here. */
  actions?: ReactNode
  /** Instead of the title, where the heading holds more than text. */
  heading?: ReactNode
  children: ReactNode
}

export function Page({ title, heading, actions, children }: Props) {
  return (
    <>
      <header className="page-head">
        <h1 ref={useTitled(title, "Desk")} tabIndex={-1}>
          {heading ?? title}
        </h1>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </>
  )
}
