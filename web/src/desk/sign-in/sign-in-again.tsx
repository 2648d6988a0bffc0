import { useCallback } from "react"
import type { Config } from "../../shared/config.ts"
import { Dialog } from "../parts/dialog.tsx"
import { type Visitor, isSamePerson, signIn, signOut } from "../session.ts"
import type { SignInFailure } from "./arrival.ts"
import { WaysIn } from "./ways-in.tsx"

/** Over the page, which keeps what was typed into it and is not seen meanwhile. Somebody else begins at an empty page. */
export function SignInAgain({ config, who, before }: { config: Config; who: Visitor; before: SignInFailure | null }) {
  const take = useCallback(
    (next: Visitor) => {
      if (isSamePerson(who, next)) return signIn(next)
      signOut()
      setTimeout(() => signIn(next))
    },
    [who],
  )
  return (
    <Dialog title="Sign in again" close={signOut} keeps className="veil">
      <p>You are signed out: your token has ended. Sign in, and you are back where you were, with what you typed.</p>
      <div className="sign-in-again">
        <WaysIn config={config} before={before} take={take} stays />
        <button className="plain" onClick={signOut}>
          Leave the desk
        </button>
      </div>
    </Dialog>
  )
}
