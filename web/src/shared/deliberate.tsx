import { type ComponentProps, useEffect, useState } from "react"

const PAUSE = 400 // milliseconds: a double click, or Enter pressed twice, is over by then

interface Props extends ComponentProps<"button"> {
  isBusy?: boolean
  press: () => void
}

/**
 * The button that answers a question for good. For a moment it takes no press: the second one of a double click, or of
 * Enter, was meant for what stood there before the question.
 */
export function Deliberate({ isBusy = false, press, ...button }: Props) {
  const [isReady, setReady] = useState(false)
  useEffect(() => {
    const ready = setTimeout(() => setReady(true), PAUSE)
    return () => clearTimeout(ready)
  }, [])
  const isOff = isBusy || !isReady
  return <button type="button" {...button} onClick={() => isOff || press()} aria-disabled={isOff} />
}
