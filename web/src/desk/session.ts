import { type Config, readConfig } from "../shared/config.ts"
import { clearStorage, parsed, readStorage, writeStorage } from "../shared/storage.ts"
import { Store } from "../shared/store.ts"

/** Who works here: somebody of the shop's, or one of its systems. */
export interface Visitor {
  kind: "merchant" | "key"
  name: string
  token: string
}

const PLACE = "paygraph.desk"

/** Kept as long as the tab: another tab signs in anew. */
function kept(): Visitor | null {
  const found = parsed(readStorage(PLACE, "tab")) as Partial<Visitor> | null
  const { kind, name, token } = found ?? {}
  return kind && name && token ? { kind, name, token } : null
}

export const visitor = new Store<Visitor | null>(kept())

/** The server no longer takes the token. What one was doing is still in the address. */
export const ended = new Store(false)

/** Where nothing can be kept, it lasts until the page is loaded anew. */
export function signIn(who: Visitor): void {
  writeStorage(PLACE, JSON.stringify(who), "tab")
  ended.set(false)
  visitor.set(who)
}

export function signOut(): void {
  clearStorage(PLACE, "tab")
  visitor.set(null)
}

export const bearer = (): string | null => {
  const token = visitor.get()?.token
  return token ? `Bearer ${token}` : null
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
