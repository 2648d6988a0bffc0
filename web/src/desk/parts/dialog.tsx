import { type ReactNode, useEffect, useId, useRef } from "react"

interface Props {
  title: string
  close: () => void
  children: ReactNode
  /** Whether Escape and a click beside it close it, and nothing is lost. */
  keeps?: boolean
}

/** A question or a form over the page. The browser keeps the focus inside, and gives it back. */
export function Dialog({ title, close, children, keeps = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const shown = dialog.current
    const before = document.activeElement
    if (!shown?.open) shown?.showModal()
    return () => {
      shown?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        if (!keeps) close()
      }}
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
