import { clearStorage, parsed, readStorage, writeStorage } from "./storage.ts"
import { Store } from "./store.ts"

/**
 * What was asked of the server and perhaps not answered, with its key: asked again, after a reload too, it is done once.
 * It is forgotten as soon as the server has said what became of it.
 */
export interface Wish<Input> {
  key: string
  input: Input
}

const place = (what: string, orderId: string): string => `paygraph.wish.${what}.${orderId}`

/** Where nothing can be kept, a wish lasts as long as the page. */
const inPage = new Map<string, string>()

/** Counts what was left without an answer, or forgotten: whoever shows wishes looks anew. */
export const wishesChanged = new Store(0)

/** The kept wish when it asks for the same, so that it has the same key; a new one otherwise. */
export function wishFor<Input>(what: string, orderId: string, input: Input): Wish<Input> {
  const before = keptWish<Input>(what, orderId)
  if (before && JSON.stringify(before.input) === JSON.stringify(input)) return before
  const wish = { key: crypto.randomUUID(), input }
  const text = JSON.stringify(wish)
  if (writeStorage(place(what, orderId), text, "tab")) inPage.delete(place(what, orderId))
  else inPage.set(place(what, orderId), text)
  return wish
}

export function keptWish<Input>(what: string, orderId: string): Wish<Input> | null {
  const text = inPage.get(place(what, orderId)) ?? readStorage(place(what, orderId), "tab")
  const kept = parsed(text) as Partial<Wish<Input>> | null
  return typeof kept?.key === "string" && typeof kept.input === "object" && kept.input ? { key: kept.key, input: kept.input } : null
}

export function forgetWish(what: string, orderId: string): void {
  inPage.delete(place(what, orderId))
  clearStorage(place(what, orderId), "tab")
  tellOfWishes()
}

/** Says that a wish is left without an answer. */
export const tellOfWishes = (): void => wishesChanged.update((count) => count + 1)
