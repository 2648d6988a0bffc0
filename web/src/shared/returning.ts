// A page may sleep in the back-forward cache, behind other tabs, or without a network, while the world moves on.

const LONG_AWAY = 30_000 // milliseconds hidden, after which what the page shows may be old

/**
 * `listener` runs when the page is back: from the back-forward cache (then it is told so, since whatever was under way
 * when it left has ended), from offline, or after a while behind other pages.
 */
export function onReturn(listener: (fromCache: boolean) => void): () => void {
  let hiddenAt: number | null = document.hidden ? Date.now() : null
  const shown = (event: PageTransitionEvent) => event.persisted && listener(true)
  const online = () => listener(false)
  const seen = () => {
    if (!document.hidden && hiddenAt !== null && Date.now() - hiddenAt > LONG_AWAY) listener(false)
    hiddenAt = document.hidden ? Date.now() : null
  }
  addEventListener("pageshow", shown)
  addEventListener("online", online)
  document.addEventListener("visibilitychange", seen)
  return () => {
    removeEventListener("pageshow", shown)
    removeEventListener("online", online)
    document.removeEventListener("visibilitychange", seen)
  }
}

/** `listener` runs when the page leaves, perhaps into the back-forward cache, which takes no page with an open socket. */
export function onLeave(listener: () => void): () => void {
  addEventListener("pagehide", listener)
  return () => removeEventListener("pagehide", listener)
}
