import type { MouseEvent, ReactNode } from "react"
import { type Route, addressOf, go } from "../route.ts"

interface Props {
  to: Route
  children: ReactNode
  className?: string
  current?: boolean
  /** The row's own link: `j` and `k` go from one to the next. */
  row?: boolean
}

/** A link inside the desk: it changes the address and the page, without loading anything. */
export function Link({ to, children, className, current, row }: Props) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    go(to)
  }
  return (
    <a href={addressOf(to)} onClick={follow} className={className} aria-current={current ? "page" : undefined} data-row={row || undefined}>
      {children}
    </a>
  )
}
