import { clearStorage, parsed, readStorage, writeStorage } from "../../shared/storage.ts"

/** A sign-in that was begun: what its answer is checked against, and where one was. */
export interface Attempt {
  state: string
  nonce: string
  verifier: string
  back: string
}

const PLACE = "paygraph.desk.sign-in"

/** For an answer that comes to this tab, once it is back from the sign-in service. */
export const keepAttempt = (attempt: Attempt): boolean => writeStorage(PLACE, JSON.stringify(attempt), "tab")

/** The attempt with this state, if this tab began it. An attempt has one answer. */
export function takeAttempt(state: string | null): Attempt | null {
  const kept = parsed(readStorage(PLACE, "tab")) as Partial<Attempt> | null
  const { nonce, verifier, back } = kept ?? {}
  if (!state || kept?.state !== state || !nonce || !verifier || !back?.startsWith("/desk/")) return null
  clearStorage(PLACE, "tab")
  return { state, nonce, verifier, back }
}
