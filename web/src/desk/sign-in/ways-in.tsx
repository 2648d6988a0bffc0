import { type FormEvent, useState } from "react"
import type { Config, DemoUser } from "../../shared/config.ts"
import { Field } from "../parts/fields.tsx"
import { textIn } from "../parts/forms.ts"
import { Notice } from "../parts/notice.tsx"
import { type Refused, type Visitor, hasSignedOut, whose } from "../session.ts"
import type { SignInFailure } from "./arrival.ts"
import { WithService } from "./with-service.tsx"

const WHY: Record<Refused, string> = {
  unknown: "The server does not take this token. Perhaps it has ended, or was not copied in full.",
  customer: "This token is a customer’s. The desk is for merchants and service keys.",
  checkout: "This is a checkout token, for one order. The desk is for merchants and service keys.",
  lost: "The server isn’t answering. Try again in a moment.",
}

interface Props {
  config: Config
  before: SignInFailure | null
  take: (who: Visitor) => void
  /** Whether the page has to stay as it is. */
  stays?: boolean
}

export function WaysIn({ config, before, take, stays = false }: Props) {
  const [failure, setFailure] = useState(before)
  const [isBusy, setBusy] = useState(false)
  const merchants = config.users.filter(({ role }) => role === "merchant")

  async function check(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const token = textIn(new FormData(event.currentTarget), "token")
    if (isBusy) return
    if (!token) return tell("Paste a token first.")
    setBusy(true)
    setFailure(null)
    const who = await whose(config.graphql, token)
    setBusy(false)
    if (typeof who === "string") tell(WHY[who])
    else take(who)
  }
  const tell = (problem: string) => setFailure({ problem, isAccount: false })

  return (
    <>
      {(merchants.length > 0 || config.signIn) && (
        <div className="actions">
          {merchants.map((user) => (
            <button key={user.id} className="button strong" onClick={() => take(asVisitor(user))}>
              Go on as {user.name}
            </button>
          ))}
          {config.signIn && (
            <WithService
              config={config}
              service={config.signIn}
              isFresh={hasSignedOut() || (failure?.isAccount ?? false)}
              told={setFailure}
              {...(stays && { signedIn: take })}
            />
          )}
        </div>
      )}
      {failure && <Notice tone="bad" title={failure.problem} />}
      <form onSubmit={(event) => void check(event)} noValidate>
        <Field label="A merchant’s token, or a service key" hint="It stays in this tab, and is gone when you sign out or close it.">
          {(id, hint) => <input id={id} name="token" type="password" autoComplete="off" spellCheck={false} aria-describedby={hint} />}
        </Field>
        <button className={merchants.length || config.signIn ? "button" : "button strong"} aria-disabled={isBusy}>
          {isBusy ? "Asking…" : "Sign in"}
        </button>
      </form>
    </>
  )
}

const asVisitor = ({ name, token }: DemoUser): Visitor => ({ kind: "merchant", name, token })
