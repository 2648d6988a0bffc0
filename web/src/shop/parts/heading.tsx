import { type ReactNode, useEffect, useRef } from "react"

/** The page's heading. It takes the focus when the page changes, so that a screen reader says where one is. */
export function Heading({ children, title }: { children: ReactNode; title: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const first = document.title === "Kiosk 402" && document.activeElement === document.body
    document.title = `${title} · Kiosk 402`
    if (first) return
    scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [title])
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  )
}
