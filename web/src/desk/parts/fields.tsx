import { type ReactNode, useId } from "react"

interface Props {
  label: string
  hint?: string | undefined
  children: (id: string, describedBy: string | undefined) => ReactNode
}

/** A label, its field, and what has to be known about it. */
export function Field({ label, hint, children }: Props) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id, hint ? `${id}-hint` : undefined)}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
