import type { ReactNode } from "react"

interface Props {
  tone: "bad" | "wait" | "good"
  title: string
  children?: ReactNode
}

/** Something that went wrong or has to be known, with what to do about it. */
export function Notice({ tone, title, children }: Props) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <p className="notice-title">{title}</p>
      {children}
    </div>
  )
}

export function Spinner({ children }: { children: ReactNode }) {
  return (
    <p className="spinner" role="status">
      <span aria-hidden="true" />
      {children}
    </p>
  )
}
