import { useApolloClient } from "@apollo/client/react"
import { useState } from "react"
import { useStore } from "../../shared/store.ts"
import { signInAgain, signedOut, user } from "../session.ts"

/** The way back in, wherever the server said that it knows nobody. */
export function SignInAgain({ signedIn }: { signedIn?: () => void }) {
  const client = useApolloClient()
  const [failed, setFailed] = useState(false)
  const signIn = async () => {
    const isIn = await signInAgain()
    setFailed(!isIn)
    if (!isIn) return
    signedIn?.()
    await client.refetchQueries({ include: "active" }).catch(() => null)
  }
  return (
    <>
      <button className="button small" onClick={() => void signIn()}>
        Sign in again
      </button>
      {failed && <p role="status">That did not work. Try again in a moment.</p>}
    </>
  )
}

/** At the top of every page. */
export function SignedOut() {
  const isGuest = useStore(user)?.role === "guest"
  if (!useStore(signedOut)) return null
  if (isGuest) {
    return (
      <div className="banner" role="status">
        This link is not valid any more. Ask the shop for another one.
      </div>
    )
  }
  return (
    <div className="banner" role="status">
      <span>You are signed out. What you see may be old.</span> <SignInAgain />
    </div>
  )
}
