import { useState } from "react"

/** Puts a text into the clipboard. Where that is not allowed, it can still be marked by hand. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [told, setTold] = useState<string | null>(null)
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setTold("Copied"),
      () => setTold("Mark it and copy it by hand"),
    )
  return (
    <button type="button" className="plain" aria-label={`Copy ${label}`} onClick={() => void copy()}>
      {told ?? "Copy"}
    </button>
  )
}
