// `localStorage` may be blocked, full, or missing: reading `window.localStorage` alone can throw.

/** `undefined` when nothing can be read at all, `null` when nothing is kept there. */
export function readStorage(place: string): string | null | undefined {
  try {
    return localStorage.getItem(place)
  } catch {
    return undefined
  }
}

/** Whether it was kept. */
export function writeStorage(place: string, text: string): boolean {
  try {
    localStorage.setItem(place, text)
    return true
  } catch {
    return false
  }
}

/** `null` for what is no JSON. */
export function parsed(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "null") as unknown
  } catch {
    return null
  }
}
