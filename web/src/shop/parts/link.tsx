import type { MouseEvent, ReactNode } from "react"
import { type Route, addressOf, go } from "../route.ts"

interface Props {
  to: Route
  children: ReactNode
  className?: string
  current?: boolean
  onFollow?: () => void
}

/** A link inside the shop: it changes the address and the page, without loading anything. */
export function Link({ to, children, current, onFollow, ...rest }: Props) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    onFollow?.()
    go(to)
  }
  return (
    <a href={addressOf(to)} onClick={follow} aria-current={current ? "page" : undefined} {...rest}>
      {children}
    </a>
  )
}
