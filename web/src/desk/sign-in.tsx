import { type FormEvent, useState } from "react"
import icon from "../pictures/icon.svg"
import type { Config, DemoUser } from "../shared/config.ts"
import { useStore } from "../shared/store.ts"
import { Field } from "./parts/fields.tsx"
import { textIn } from "./parts/forms.ts"
import { Notice } from "./parts/notice.tsx"
import { type Refused, ended, signIn, whose } from "./session.ts"

const WHY: Record<Refused, string> = {
  unknown: "The server does not take this token. Perhaps it has ended, or was not copied in full.",
  customer: "This token is a customer’s. The desk is for merchants and service keys.",
  checkout: "This is a checkout token, for one order. The desk is for merchants and service keys.",
  lost: "The server isn’t answering. Try again in a moment.",
}

export function SignIn({ config }: { config: Config }) {
  const [problem, setProblem] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const hasEnded = useStore(ended)
  const merchants = config.users.filter(({ role }) => role === "merchant")

  async function check(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const token = textIn(new FormData(event.currentTarget), "token")
    if (isBusy) return
    if (!token) return setProblem("Paste a token first.")
    setBusy(true)
    setProblem(null)
    const who = await whose(config.graphql, token)
    setBusy(false)
    if (typeof who === "string") setProblem(WHY[who])
    else signIn(who)
  }

  return (
    <main className="sign-in">
      <img src={icon} alt="" width="40" height="40" />
      <h1>Desk</h1>
      {hasEnded && <Notice tone="wait" title="You are signed out: your token has ended. Sign in, and you are back where you were." />}
      {merchants.map((user) => (
        <button key={user.id} className="button strong" onClick={() => signIn(asVisitor(user))}>
          Go on as {user.name}
        </button>
      ))}
      <form onSubmit={(event) => void check(event)} noValidate>
        <Field label="A merchant’s token, or a service key" hint="It stays in this tab, and is gone when you sign out or close it.">
          {(id, hint) => <input id={id} name="token" type="password" autoComplete="off" spellCheck={false} aria-describedby={hint} />}
        </Field>
        {problem && <Notice tone="bad" title={problem} />}
        <button className={merchants.length ? "button" : "button strong"} aria-disabled={isBusy}>
          {isBusy ? "Asking…" : "Sign in"}
        </button>
      </form>
    </main>
  )
}

const asVisitor = ({ name, token }: DemoUser) => ({ kind: "merchant" as const, name, token })
