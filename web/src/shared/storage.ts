// Either storage may be blocked, full, or missing: reading `window.localStorage` alone can throw.

/** Kept by the browser for all its tabs, or by this tab until it is closed. */
export type Keeper = "browser" | "tab"

const storageOf = (keeper: Keeper): Storage => (keeper === "tab" ? sessionStorage : localStorage)

/** `undefined` when nothing can be read at all, `null` when nothing is kept there. */
export function readStorage(place: string, keeper: Keeper = "browser"): string | null | undefined {
  try {
    return storageOf(keeper).getItem(place)
  } catch {
    return undefined
  }
}

/** Whether it was kept. */
export function writeStorage(place: string, text: string, keeper: Keeper = "browser"): boolean {
  try {
    storageOf(keeper).setItem(place, text)
    return true
  } catch {
    return false
  }
}

export function clearStorage(place: string, keeper: Keeper = "browser"): void {
  try {
    storageOf(keeper).removeItem(place)
  } catch {
    // nothing was kept
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
