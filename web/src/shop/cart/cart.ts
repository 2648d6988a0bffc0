import { KeptStore } from "../../shared/kept-store.ts"
import type { CountedAmount } from "../../shared/money.ts"
import type { Product } from "../catalogue/product.ts"

/** A line knows what its product was called and cost when it was put here: it may be off sale, or on a page not read. */
export interface Line {
  productId: string
  name: string
  image: string | null
  price: CountedAmount
  quantity: number
}

/** `key` is made when the cart is begun: however often the order is sent, it is placed once. */
export interface Cart {
  key: string
  lines: Line[]
}

// A cart outlives its tab. Nothing in it is secret.
export const cart = new KeptStore<Cart>("kiosk402.cart.2", cartOf)

function begun(): Cart {
  return { key: crypto.randomUUID(), lines: [] }
}

/** The cart that was kept, as far as it is one. */
export function cartOf(kept: unknown): Cart {
  const { key, lines } = (kept ?? {}) as { key?: unknown; lines?: unknown }
  if (typeof key !== "string" || !key || !Array.isArray(lines)) return begun()
  return { key, lines: lines.filter(isLine) }
}

function isLine(value: unknown): value is Line {
  const { productId, name, price, quantity } = (value ?? {}) as Partial<Line>
  const { amount, currency, minorUnits } = (price ?? {}) as Partial<CountedAmount>
  return (
    typeof productId === "string" && typeof name === "string" && Number.isInteger(quantity) && Number(quantity) > 0 &&
    typeof amount === "string" && /^\d+(\.\d+)?$/.test(amount) && typeof currency === "string" && /^[A-Z]{3}$/.test(currency) &&
    Number.isInteger(minorUnits)
  )
}

export const emptyCart = (): void => cart.set(begun())

/** Takes out what was ordered under `key`. What was put in since then stays, for an order of its own. */
export function takeOrdered(key: string, ordered: { productId: string; quantity: number }[]): void {
  const quantities = new Map(ordered.map(({ productId, quantity }) => [productId, quantity]))
  cart.update((now) => {
    if (now.key !== key) return now // another tab has done so
    const lines = now.lines.map((line) => ({ ...line, quantity: line.quantity - (quantities.get(line.productId) ?? 0) }))
    return { ...begun(), lines: lines.filter(({ quantity }) => quantity > 0) }
  })
}

/** The same things under a new key: an order of its own. */
export const renewKey = (): void => cart.update((now) => ({ ...now, key: crypto.randomUUID() }))

export function setQuantity({ id, name, image, price }: Product, quantity: number): void {
  const { amount, currency, minorUnits } = price
  const line: Line = { productId: id, name, image: image ?? null, price: { amount, currency, minorUnits }, quantity }
  cart.update((now) => {
    const isThere = now.lines.some((each) => each.productId === id)
    const lines =
      quantity <= 0 ? now.lines.filter((each) => each.productId !== id)
      : isThere ? now.lines.map((each) => (each.productId === id ? { ...each, quantity } : each))
      : [...now.lines, line]
    return lines.length ? { ...now, lines } : begun()
  })
}

export const quantityOf = (now: Cart, productId: string): number =>
  now.lines.find((line) => line.productId === productId)?.quantity ?? 0

export const countOf = (now: Cart): number => now.lines.reduce((all, line) => all + line.quantity, 0)
