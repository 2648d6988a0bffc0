import { type Config, type DemoUser, readConfig } from "../shared/config.ts"
import { Store } from "../shared/store.ts"

/** Whom the page speaks for. The token is nowhere but here. */
export const user = new Store<DemoUser | null>(null)

/** The server no longer takes the token: what needs one is not done until somebody signs in again. */
export const signedOut = new Store(false)

export const bearer = (): string | null => {
  const token = user.get()?.token
  return token ? `Bearer ${token}` : null
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
