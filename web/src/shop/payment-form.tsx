import type { Stripe, StripeElements } from "@stripe/stripe-js"
import { type FormEvent, useEffect, useRef, useState } from "react"
import type { Config } from "../config.ts"
import { messageOf } from "./failure.ts"
import type { IntentResult } from "./fate.ts"
import { formatMoney } from "./money.ts"
import { Notice, Spinner } from "./parts.tsx"
import { appearance, confirm, loadStripe } from "./stripe.ts"

export type Intent = Extract<IntentResult, { __typename: "PaymentIntent" }>

interface FormProps {
  config: Config
  intent: Intent
  orderId: string
  problem: string | null
  confirmed: () => void
}

/** Stripe's Payment Element and the button. After a refusal the same intent takes another card. */
export function PaymentForm({ config, intent, orderId, problem, confirmed }: FormProps) {
  const place = useRef<HTMLDivElement>(null)
  const tools = useRef<{ stripe: Stripe; elements: StripeElements } | null>(null)
  const paying = useRef(false)
  const [state, setState] = useState<"loading" | "ready" | "paying" | "missing">("loading")
  const [message, setMessage] = useState(problem)
  const [attempt, setAttempt] = useState(0)

  useEffect(() => {
    let gone = false
    setState("loading")
    const mount = (stripe: Stripe) => {
      if (gone || !place.current) return
      const elements = stripe.elements({ clientSecret: intent.clientSecret, appearance: appearance() })
      const element = elements.create("payment")
      element.on("ready", () => setState("ready"))
      element.mount(place.current)
      tools.current = { stripe, elements }
    }
    loadStripe(config).then(mount, (error: unknown) => {
      if (gone) return
      setMessage(messageOf(error))
      setState("missing")
    })
    return () => {
      gone = true
      tools.current?.elements.getElement("payment")?.destroy()
      tools.current = null
    }
  }, [config, intent.clientSecret, attempt])

  async function pay(event: FormEvent) {
    event.preventDefault()
    if (!tools.current || paying.current) return // a double click pays once
    paying.current = true
    setState("paying")
    setMessage(null)
    const { stripe, elements } = tools.current
    try {
      const outcome = await confirm(stripe, elements, `${location.origin}/?pay=${encodeURIComponent(orderId)}`)
      if (outcome.kind === "confirmed") return confirmed()
      if (!outcome.field) setMessage(outcome.message)
    } catch (error) {
      setMessage(messageOf(error))
    } finally {
      paying.current = false
      setState("ready")
    }
  }

  return (
    <form className="payment" onSubmit={(event) => void pay(event)} aria-busy={state === "paying"}>
      <div ref={place} className="element" />
      {state === "loading" && <Spinner>Loading the card form…</Spinner>}
      {message && (
        <Notice tone="bad" title={message}>
          {state !== "missing" && <p>Nothing was charged. Check the details or try another card.</p>}
        </Notice>
      )}
      {state === "missing" ? (
        <button type="button" className="button wide" onClick={() => setAttempt(attempt + 1)}>
          Load it again
        </button>
      ) : (
        <button className="button wide" aria-disabled={state !== "ready"}>
          {state === "paying" ? "Paying…" : `Pay ${formatMoney(intent.amount)}`}
        </button>
      )}
      <p className="muted small-print">
        Your card goes straight to the payment service; this shop never sees it. Closing this page is safe: the order
        waits in “My orders”.
      </p>
    </form>
  )
}
