import { type RefObject, useEffect, useRef } from "react"

/** Names the page, and moves the focus to its heading when the page changes, so that a screen reader says where one is. */
export function useTitled(title: string, site: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const first = document.title === site && document.activeElement === document.body
    document.title = `${title} · ${site}`
    if (first) return
    scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [title, site])
  return heading
}
