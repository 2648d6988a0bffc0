import { type ReactNode, useEffect, useId, useRef } from "react"

interface Props {
  title: string
  close: () => void
  children: ReactNode
  /** Whether it stays whatever one presses beside it. */
  keeps?: boolean
  className?: string
}

/** What has the focus first: the first field, or what answers the question; never the cross. */
const FIRST = "form input:not([readonly]), form textarea, .actions .button, label input"

/** A question or a form over the page. The browser keeps the focus inside, and gives it back. */
export function Dialog({ title, close, children, keeps = false, className }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const shown = dialog.current
    const before = document.activeElement
    if (!shown?.open) shown?.showModal()
    shown?.querySelector<HTMLElement>(FIRST)?.focus()
    return () => {
      shown?.close()
      const opener = before instanceof HTMLElement && before.isConnected ? before : document.querySelector("h1")
      opener?.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className={className}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        if (!keeps) close()
      }}
      // Enter that is held down answers no question that came up meanwhile.
      onKeyDown={(event) => event.key === "Enter" && event.repeat && event.preventDefault()}
      // A second Escape closes it without asking.
      onClose={() => (keeps ? dialog.current?.showModal() : close())}
      onMouseDown={(event) => event.target === dialog.current && !keeps && close()}
    >
      <div className="dialog-inside">
        <header>
          <h2 id={id}>{title}</h2>
          {!keeps && (
            <button className="icon" aria-label="Close" onClick={close}>
              ×
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  )
}
