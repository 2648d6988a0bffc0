import { clearStorage, parsed, readStorage, writeStorage } from "../../shared/storage.ts"

/**
 * What was asked of the server and perhaps not answered, with its key: asked again, after a reload too, it is done once.
 * It is forgotten as soon as the server has said what became of it.
 */
export interface Wish<Input> {
  key: string
  input: Input
}

const place = (what: string, orderId: string): string => `paygraph.desk.${what}.${orderId}`

/**
 * The kept wish when it asks for the same, so that it has the same key; a new one otherwise. Where nothing can be kept,
 * it lasts as long as its form is open.
 */
export function wishFor<Input>(what: string, orderId: string, input: Input): Wish<Input> {
  const before = keptWish<Input>(what, orderId)
  if (before && JSON.stringify(before.input) === JSON.stringify(input)) return before
  const wish = { key: crypto.randomUUID(), input }
  writeStorage(place(what, orderId), JSON.stringify(wish), "tab")
  return wish
}

export function keptWish<Input>(what: string, orderId: string): Wish<Input> | null {
  const kept = parsed(readStorage(place(what, orderId), "tab")) as Partial<Wish<Input>> | null
  return typeof kept?.key === "string" && kept.input ? { key: kept.key, input: kept.input } : null
}

export const forgetWish = (what: string, orderId: string): void => clearStorage(place(what, orderId), "tab")
