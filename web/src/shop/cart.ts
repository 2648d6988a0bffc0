import { Store } from "./store.ts"

export interface Line {
  productId: string
  quantity: number
}

/** `key` is made when the cart is begun: however often the order is sent, it is placed once. */
export interface Cart {
  key: string
  currency: string | null
  lines: Line[]
}

const PLACE = "kiosk402.cart"

// A cart outlives its tab. Nothing in it is secret.
export const cart = new Store<Cart>(restored() ?? begun())
cart.subscribe(() => localStorage.setItem(PLACE, JSON.stringify(cart.get())))

function begun(): Cart {
  return { key: crypto.randomUUID(), currency: null, lines: [] }
}

function restored(): Cart | null {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "null") as Partial<Cart> | null
    return kept?.key && Array.isArray(kept.lines) ? { currency: null, ...kept } as Cart : null
  } catch {
    return null
  }
}

export const emptyCart = (): void => cart.set(begun())

/** The same things under a new key: an order of its own. */
export const renewKey = (): void => cart.update((now) => ({ ...now, key: crypto.randomUUID() }))

export function setQuantity(productId: string, currency: string, quantity: number): void {
  cart.update((now) => {
    const others = now.lines.filter((line) => line.productId !== productId)
    const there = others.length < now.lines.length
    const lines =
      quantity <= 0 ? others
      : there ? now.lines.map((line) => (line.productId === productId ? { ...line, quantity } : line))
      : [...now.lines, { productId, quantity }]
    return lines.length ? { ...now, currency, lines } : begun()
  })
}

export const quantityOf = (now: Cart, productId: string): number =>
  now.lines.find((line) => line.productId === productId)?.quantity ?? 0

export const countOf = (now: Cart): number => now.lines.reduce((all, line) => all + line.quantity, 0)
