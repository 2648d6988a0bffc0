import { type Config, readConfig } from "../shared/config.ts"
import { clearStorage, parsed, readStorage, writeStorage } from "../shared/storage.ts"
import type { Speaker } from "../shared/links.ts"
import { Store } from "../shared/store.ts"

/** Who works here: somebody of the shop's, or one of its systems. */
export interface Visitor {
  kind: "merchant" | "key"
  name: string
  token: string
  /** When the token ends, as far as it is known: milliseconds since 1970. */
  until?: number | null
}

const PLACE = "paygraph.desk"

/** Kept as long as the tab: another tab signs in anew. */
function kept(): Visitor | null {
  const found = parsed(readStorage(PLACE, "tab")) as Partial<Visitor> | null
  const { kind, name, token, until = null } = found ?? {}
  return kind && name && token ? { kind, name, token, until } : null
}

export const visitor = new Store<Visitor | null>(kept())
let isKept = visitor.get() !== null

/** Whether this page, back from the back-forward cache, speaks for somebody who has left the tab since. */
export const hasLeft = (): boolean => isKept && kept()?.token !== visitor.get()?.token

/** The server no longer takes the token. What one was doing stays where it is, behind the sign-in. */
export const ended = new Store(false)

/** Where nothing can be kept, it lasts until the page is loaded anew. */
export function signIn(who: Visitor): void {
  isKept = writeStorage(PLACE, JSON.stringify(who), "tab")
  ended.set(false)
  visitor.set(who)
}

/** A key's people are not known by name: another key may be another system's. */
export const isSamePerson = (one: Visitor, other: Visitor): boolean =>
  one.kind === other.kind && (one.kind === "key" ? one.token === other.token : one.name === other.name)

let didSignOut = false

/** Whether somebody signed out in this page: the sign-in service then asks who it is, and takes nobody for the one before. */
export const hasSignedOut = (): boolean => didSignOut

export function signOut(): void {
  didSignOut = true
  clearStorage(PLACE, "tab")
  ended.set(false)
  visitor.set(null)
}

/** Whose token goes with what is sent. */
export function speaker(): Speaker | null {
  const who = visitor.get()
  return who && { who: who.kind === "key" ? who.token : who.name, token: who.token }
}

/** In the demo, which gives its tokens out for the asking: whether there is another one of the same person's. */
export async function renew(): Promise<boolean> {
  const before = visitor.get()
  const config: Config | null = await readConfig().catch(() => null)
  const again = config?.users.find(({ role, name }) => role === "merchant" && name === before?.name)
  if (!again || before?.kind !== "merchant" || again.token === before.token) return false
  signIn({ ...before, token: again.token })
  return true
}

export type Refused = "unknown" | "customer" | "checkout" | "lost"

/** Asks the server whose token this is; why nobody can work here with it otherwise. */
export async function whose(graphql: string, typed: string): Promise<Visitor | Refused> {
  const token = typed.trim().replace(/^bearer\s+/i, "")
  if (!/^[\x21-\x7e]+$/.test(token)) return "unknown" // no header carries it
  if (token.startsWith("pgc_")) return "checkout"
  const answer = await ask(graphql, token).catch(() => null)
  if (!answer) return "lost"
  if (answer.errors?.length || !answer.data) return answer.errors?.some(isUnknown) ? "unknown" : "lost"
  const { me } = answer.data
  if (!me) return { kind: "key", name: "Service key", token }
  return me.isMerchant ? { kind: "merchant", name: me.email ?? me.id, token } : "customer"
}

interface Answer {
  data?: { me: { id: string; email: string | null; isMerchant: boolean } | null } | null
  errors?: { extensions?: { code?: string } }[]
}

const isUnknown = ({ extensions }: { extensions?: { code?: string } }): boolean => extensions?.code === "UNAUTHENTICATED"

async function ask(graphql: string, token: string): Promise<Answer> {
  const answer = await fetch(graphql, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: "query WhoAmI { me { id email isMerchant } }" }),
  })
  return (await answer.json()) as Answer
}
