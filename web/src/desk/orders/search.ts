import type { Filter } from "./filter.ts"

/** One way to read what somebody looks for. `isOne` says that at most one order can be meant. */
export interface Reading {
  name: string
  isOne: boolean
  filter: Omit<Filter, "view"> & { idPrefix?: string }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const SHORT_ID = /^[0-9a-f]{8,12}$/i
const INTENT = /^pi_[A-Za-z0-9]+/

/** What a text may be, the likeliest first. A PaymentIntent is found by its client secret too, which people paste. */
export function readingsOf(typed: string): Reading[] {
  const text = typed.trim()
  if (!text) return []
  const intent = INTENT.exec(text)?.[0]
  if (intent) return [{ name: "PaymentIntent", isOne: true, filter: { intent } }]
  const user: Reading = { name: "user", isOne: false, filter: { user: text } }
  if (text.includes("@")) return [{ name: "e-mail", isOne: false, filter: { email: text } }, user]
  const reference: Reading = { name: "reference", isOne: true, filter: { reference: text } }
  const isId = UUID.test(text) || SHORT_ID.test(text)
  return [...(isId ? [{ name: "order number", isOne: true, filter: { idPrefix: text } }] : []), reference, user]
}
