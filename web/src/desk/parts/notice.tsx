import type { ReactNode } from "react"

export type Tone = "bad" | "wait" | "good" | "quiet"

interface Props {
  tone: Tone
  title: ReactNode
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
