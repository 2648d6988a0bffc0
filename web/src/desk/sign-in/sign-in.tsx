import icon from "../../pictures/icon.svg"
import type { Config } from "../../shared/config.ts"
import { signIn } from "../session.ts"
import type { Arrival } from "./arrival.ts"
import { WaysIn } from "./ways-in.tsx"

export function SignIn({ config, arrival }: { config: Config; arrival: Arrival }) {
  return (
    <main className="sign-in">
      <img src={icon} alt="" width="40" height="40" />
      <h1>Desk</h1>
      <WaysIn config={config} before={arrival === "elsewhere" ? null : arrival} take={signIn} />
    </main>
  )
}

/** In a window that was opened for it, where the browser doesn't let the page close it. */
export function SignedInElsewhere() {
  return (
    <main className="sign-in">
      <h1>You are back at the desk</h1>
      <p>Go on in the other window. This one can be closed.</p>
    </main>
  )
}
