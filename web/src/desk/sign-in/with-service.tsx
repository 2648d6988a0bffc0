import { useEffect, useRef, useState } from "react"
import type { Config, SignInService } from "../../shared/config.ts"
import { onReturn } from "../../shared/returning.ts"
import type { Visitor } from "../session.ts"
import { type SignInFailure, visitorOf } from "./arrival.ts"
import { type Attempt, keepAttempt } from "./attempts.ts"
import { onAnswer, openWindow } from "./windows.ts"

interface Props {
  config: Config
  service: SignInService
  isFresh: boolean
  told: (failure: SignInFailure | null) => void
  /** Given where the page is to stay: the sign-in then has a window of its own. */
  signedIn?: (who: Visitor) => void
}

/** Whether the server is there, and has another build than this page: what it would load is gone. */
async function isReplaced(): Promise<boolean> {
  const [built] = [...document.querySelectorAll<HTMLScriptElement>("script[src]")].map(({ src }) => new URL(src).pathname)
  const page = await fetch("/desk/", { cache: "no-store" }).then((answer) => (answer.ok ? answer.text() : ""), () => "")
  return !!page && !!built && !page.includes(built)
}

/** Leads to the sign-in service. */
export function WithService({ config, service, isFresh, told, signedIn }: Props) {
  const [isBusy, setBusy] = useState(false)
  const begun = useRef(new Map<string, Attempt>())
  useEffect(() => onReturn((fromCache) => fromCache && setBusy(false)), []) // by Back, from the sign-in service
  useEffect(() => {
    if (!signedIn) return
    return onAnswer((answer) => {
      const attempt = begun.current.get(answer.get("state") ?? "")
      if (!attempt) return false
      begun.current.clear()
      void visitorOf(config, attempt, answer).then((found) => ("problem" in found ? told(found) : signedIn(found)))
      return true
    })
  }, [config, signedIn, told])

  async function go() {
    if (isBusy) return
    const itsWindow = signedIn ? openWindow() : null
    setBusy(true)
    told(null)
    const fail = (problem: string) => {
      itsWindow?.close()
      setBusy(false)
      told({ problem, isAccount: false })
    }
    const replaced = () => (signedIn ? fail("The desk was replaced by a newer one. Load the page again to sign in; what you typed is gone then.") : location.reload())
    const oidc = await import("./oidc.ts").catch(() => null)
    if (!oidc) return (await isReplaced()) ? replaced() : fail("The sign-in could not be loaded. Check your connection, then try again.")
    const { begin, inWords } = oidc
    try {
      const { address, attempt } = await begin(service, isFresh)
      if (itsWindow) {
        begun.current.set(attempt.state, attempt)
        itsWindow.location.href = address
        setBusy(false)
      } else if (keepAttempt(attempt)) location.assign(address)
      else fail("This browser keeps nothing for this page, and the sign-in needs that. Allow it, or paste a token.")
    } catch (error) {
      fail(inWords(error))
    }
  }

  return (
    <button type="button" className="button strong" onClick={() => void go()} aria-disabled={isBusy}>
      {isBusy ? "Asking…" : `Sign in with ${new URL(service.issuer).hostname}`}
    </button>
  )
}
