import { onLeave, onReturn } from "./returning.ts"

/** Where news of an order come from. */
export interface News {
  /** Listens until what it returns is called; `ended` runs when the listening ends by itself. */
  listen: (ended: () => void) => () => void
  /** Asks once. */
  look: () => Promise<unknown>
  /** Whether news arrive by themselves right now. */
  isLive: () => boolean
}

const LONGEST_PAUSE = 30_000 // milliseconds

/**
 * Keeps an order up to date: listens, and begins to listen again whenever that ends; while nothing arrives by itself it
 * asks, first after `pause` milliseconds and then ever more slowly. A page that leaves stops, and one that is back looks.
 */
export function follow({ listen, look, isLive }: News, pause: number): () => void {
  let isListening = false
  let stopListening = () => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let next = pause

  const begin = () => {
    stopListening()
    isListening = true
    stopListening = listen(() => (isListening = false))
  }
  const schedule = () => {
    clearTimeout(timer)
    timer = setTimeout(() => void tick(), next)
  }
  const tick = async () => {
    if (isListening && isLive()) next = pause
    else {
      next = Math.min(next * 1.5, LONGEST_PAUSE)
      if (!isListening) begin()
      await look().catch(() => null) // it asks again
    }
    if (timer !== undefined) schedule()
  }
  const rest = () => {
    clearTimeout(timer)
    timer = undefined
    isListening = false
    stopListening()
    stopListening = () => {}
  }
  const resume = () => {
    next = pause
    begin()
    schedule()
    void look().catch(() => null)
  }
  begin()
  schedule()
  const forget = [onLeave(rest), onReturn(resume)]
  return () => {
    rest()
    for (const stop of forget) stop()
  }
}
