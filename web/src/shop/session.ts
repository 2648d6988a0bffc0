import { type Config, readConfig } from "../shared/config.ts"
import type { Speaker } from "../shared/links.ts"
import { parsed, readStorage, writeStorage } from "../shared/storage.ts"
import { Store } from "../shared/store.ts"

/** Whom the page speaks for: somebody who is signed in, or whoever holds the link to one order. */
export interface Visitor {
  id: string
  role: "customer" | "merchant" | "guest"
  token: string
}

/** The token is nowhere but here. */
export const user = new Store<Visitor | null>(null)

const GUEST = "kiosk402.guest"

/**
 * A guest of one order, whose link ends with `#token=pgc_…`: what is behind `#` is sent to no server. The token is kept
 * for this tab and this order alone, since the bank sends the customer back without it. Where nothing can be kept, the
 * link has to be opened again after the bank.
 */
export function guestOf({ orderId, hash }: { orderId: string | null; hash: string }): Visitor | null {
  const given = new URLSearchParams(hash.slice(1)).get("token")
  if (orderId && given) writeStorage(GUEST, JSON.stringify({ orderId, token: given }), "tab")
  const kept = parsed(readStorage(GUEST, "tab")) as { orderId?: string; token?: string } | null
  return guest(given ?? (orderId && kept?.orderId === orderId ? kept.token : null))
}

const guest = (token: string | null | undefined): Visitor | null =>
  token?.startsWith("pgc_") ? { id: "guest", role: "guest", token } : null

/** The server no longer takes the token: what needs one is not done until somebody signs in again. */
export const signedOut = new Store(false)

/** Whose token goes with what is sent. */
export const speaker = (): Speaker | null => {
  const now = user.get()
  return now && { who: now.id, token: now.token }
}

const CHOSEN = "kiosk402.user"

/** Whom the demo's visitor chose to be, so that they are the same when the bank sends them back, to another tab too. */
export function chosenOf({ users }: Config): Visitor | null {
  const id = readStorage(CHOSEN, "tab") ?? readStorage(CHOSEN)
  return users.find((each) => each.id === id) ?? users[0] ?? null
}

export function choose(visitor: Visitor): void {
  writeStorage(CHOSEN, visitor.id, "tab")
  writeStorage(CHOSEN, visitor.id)
  signedOut.set(false)
  user.set(visitor)
}

let renewing: Promise<boolean> | null = null

/** Signs the same person in again; whether there is another token now. The demo gives them out for the asking. */
export function signInAgain(): Promise<boolean> {
  renewing ??= renew().finally(() => (renewing = null))
  return renewing
}

async function renew(): Promise<boolean> {
  const before = user.get()
  const config: Config | null = await readConfig().catch(() => null)
  const again = config?.users.find(({ id }) => id === before?.id)
  if (!again || again.token === before?.token) return false
  user.set(again)
  signedOut.set(false)
  return true
}
