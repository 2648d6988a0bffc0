import type { Stripe, StripeElements } from "@stripe/stripe-js"
import { type FormEvent, useEffect, useRef, useState } from "react"
import type { Config } from "../../shared/config.ts"
import { shortDate } from "../../shared/dates.ts"
import { type Amount, formatMoney, isSameAmount } from "../../shared/money.ts"
import { onReturn } from "../../shared/returning.ts"
import { Notice, Spinner } from "../parts/notice.tsx"
import { type Intent, type Problem, declined } from "./steps.ts"
import { LOADS_WITHIN, appearance, confirm, loadStripe } from "./stripe.ts"

interface FormProps {
  config: Config
  intent: Intent
  orderId: string
  problem: Problem | null
  /** The server is being asked how the order stands: no paying until it answered. */
  isAsking: boolean
  /** What the order comes to now: the shop may have changed it while the form was open. */
  total: Amount | null
  expiresAt: string | null
  /** Whether the order can still be paid, at the total that is shown. */
  check: () => Promise<Shown>
  /** The payment is another one now. */
  changed: () => void
  confirmed: () => void
  /** The answer says nothing certain. */
  unclear: () => void
}

/** `told` is shown with the order already; `changed` needs the payment anew. */
export type Shown = "as shown" | "told" | "changed"

/** Wallets show the amount too. Where Stripe can't be asked, they show the one before; what is charged is the intent's. */
const fetchUpdates = (elements: StripeElements | undefined) => elements?.fetchUpdates().catch(() => null)

type State = "loading" | "ready" | "paying" | "missing"

/** Stripe's Payment Element and the button. After a refusal the same intent takes another card. */
export function PaymentForm({ config, intent, orderId, problem, isAsking, total, expiresAt, check, changed, confirmed, unclear }: FormProps) {
  const place = useRef<HTMLDivElement>(null)
  const tools = useRef<{ stripe: Stripe; elements: StripeElements } | null>(null)
  const paying = useRef(false)
  const [state, setState] = useState<State>("loading")
  const [shown, setShown] = useState<Problem | null>(null)
  const [round, setRound] = useState(0)

  useEffect(() => {
    let gone = false
    const missing = () => gone || setState("missing")
    const late = setTimeout(() => setState((now) => (now === "loading" ? "missing" : now)), LOADS_WITHIN)
    const mount = (stripe: Stripe) => {
      if (gone || !place.current) return
      const elements = stripe.elements({ clientSecret: intent.clientSecret, appearance: appearance() })
      const element = elements.create("payment")
      element.on("ready", () => setState("ready"))
      element.on("loaderror", missing)
      element.mount(place.current)
      tools.current = { stripe, elements }
    }
    loadStripe(config).then(mount).catch(missing)
    return () => {
      gone = true
      clearTimeout(late)
      tools.current?.elements.getElement("payment")?.destroy()
      tools.current = null
    }
  }, [config, intent.clientSecret, round])

  const amount = total ?? intent.amount
  const isChanged = !isSameAmount(amount, intent.amount)
  useEffect(() => {
    if (isChanged) void fetchUpdates(tools.current?.elements)
  }, [isChanged, amount.amount])

  const reload = () => {
    setState("loading")
    setRound((before) => before + 1)
  }
  useEffect(() => (state === "missing" ? onReturn(reload) : undefined), [state])

  async function pay(event: FormEvent) {
    event.preventDefault()
    if (!tools.current || paying.current || isAsking) return // a double click pays once
    paying.current = true
    setState("paying")
    setShown(null)
    const { stripe, elements } = tools.current
    const found = await check()
    if (found !== "as shown") {
      paying.current = false
      setState("ready")
      return found === "changed" ? changed() : undefined
    }
    if (isChanged) await fetchUpdates(elements)
    const outcome = await confirm(stripe, elements, `${location.origin}/?pay=${encodeURIComponent(orderId)}`)
    paying.current = false
    setState("ready")
    if (outcome.kind === "confirmed") confirmed()
    else if (outcome.kind === "unclear") unclear()
    else if (outcome.kind === "declined") setShown(declined(outcome.message))
  }

  const isBusy = state === "paying" || isAsking
  const told = isBusy ? null : (shown ?? problem)
  return (
    <form className="payment" onSubmit={(event) => void pay(event)} aria-busy={isBusy}>
      {/* As tall as what comes into it, so that nothing moves then. */}
      <div className={state === "missing" ? "element missing" : "element"}>
        <div ref={place} />
        {state === "loading" && <Spinner>Loading the card form…</Spinner>}
      </div>
      {told && (
        <Notice tone="bad" title={told.title}>
          <p>{told.text}</p>
        </Notice>
      )}
      {isChanged && (
        <Notice tone="wait" title={`Your order has changed: it is now ${formatMoney(amount)}.`}>
          <p>It was {formatMoney(intent.amount)} when this page was opened. See the lines of the order.</p>
        </Notice>
      )}
      {isAsking && (
        <Notice tone="wait" title="We are asking the shop how your order stands.">
          <p>The payment service’s answer did not reach this page. Please don’t pay in another way meanwhile.</p>
        </Notice>
      )}
      {state === "missing" ? (
        <>
          <Notice tone="wait" title="The card form could not be loaded.">
            <p>Check your connection, and whether something blocks it. The order is kept.</p>
          </Notice>
          <button type="button" className="button wide" onClick={reload}>
            Load it again
          </button>
        </>
      ) : (
        <button className="button wide" aria-disabled={state !== "ready" || isAsking}>
          {isAsking ? "One moment…" : state === "paying" ? "Paying…" : `Pay ${formatMoney(amount)}`}
        </button>
      )}
      {expiresAt && <p className="muted small-print">Please pay by {shortDate(expiresAt)}; the order is canceled then.</p>}
      <p className="muted small-print">
        Your card goes straight to the payment service; this shop never sees it. Closing this page is safe: the order
        is kept.
      </p>
    </form>
  )
}
