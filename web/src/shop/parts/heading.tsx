import type { ReactNode } from "react"
import { useTitled } from "../../shared/titled.ts"

export const Heading = ({ children, title }: { children: ReactNode; title: string }) => (
  <h1 ref={useTitled(title, "Kiosk 402")} tabIndex={-1}>
    {children}
  </h1>
)
