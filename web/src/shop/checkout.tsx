import { useApolloClient, useQuery } from "@apollo/client/react"
import type { Stripe, StripeElements } from "@stripe/stripe-js"
import { type FormEvent, useCallback, useEffect, useRef, useState } from "react"
import type { Config } from "../config.ts"
import type { OrderFieldsFragment, OrderStatus } from "../gql/graphql.ts"
import { Awaiting } from "./awaiting.tsx"
import { type IntentResult, createPaymentIntent } from "./fate.ts"
import { formatMoney } from "./money.ts"
import { ORDER } from "./operations.ts"
import { Heading, Link, Money, Notice, Spinner, messageOf, shortId } from "./parts.tsx"
import { pictureOf } from "./pictures.ts"
import { appearance, confirm, loadStripe, returned } from "./stripe.ts"

type Intent = Extract<IntentResult, { __typename: "PaymentIntent" }>
type Refusal = Exclude<IntentResult, Intent>

/** Where the customer stands. `problem` is what went wrong before: the same intent takes another card. */
type Step =
  | { at: "preparing" }
  | { at: "form"; intent: Intent; problem: string | null }
  | { at: "refused"; refusal: Refusal }
  | { at: "unreachable"; message: string }
  | { at: "waiting" }
  | { at: "settled"; status: OrderStatus }

export function Checkout({ config, id, cameBackWith }: { config: Config; id: string; cameBackWith: string | null }) {
  const client = useApolloClient()
  const { data } = useQuery(ORDER, { variables: { id } })
  const order = data?.order
  const [step, setStep] = useState<Step>({ at: "preparing" })
  const secret = useRef(cameBackWith)

  const prepare = useCallback(
    async (problem: string | null) => {
      setStep({ at: "preparing" })
      try {
        const outcome = secret.current ? await returned(await loadStripe(config), secret.current) : null
        secret.current = null
        if (outcome?.kind === "confirmed" && outcome.status !== "requires_action") return setStep({ at: "waiting" })
        const message = outcome?.kind === "refused" ? outcome.message : problem
        setStep(after(await createPaymentIntent(client, id), message))
      } catch (error) {
        setStep({ at: "unreachable", message: messageOf(error) })
      }
    },
    [client, config, id],
  )
  const begun = useRef(false)
  useEffect(() => {
    if (begun.current) return
    begun.current = true
    void prepare(null)
  }, [prepare])

  const heading = HEADINGS[step.at] ?? "Pay your order"
  return (
    <div className="checkout">
      <div className="checkout-main">
        <Heading title={step.at === "settled" && step.status === "PAID" ? "Thank you" : heading}>
          {step.at === "settled" && step.status === "PAID" ? "Thank you. It’s paid." : heading}
        </Heading>
        {step.at === "preparing" && <Spinner>Getting your payment ready…</Spinner>}
        {step.at === "form" && (
          <PaymentForm
            key={step.intent.id}
            config={config}
            intent={step.intent}
            orderId={id}
            problem={step.problem}
            confirmed={() => setStep({ at: "waiting" })}
          />
        )}
        {step.at === "refused" && <WhyNot refusal={step.refusal} retry={() => void prepare(null)} />}
        {step.at === "unreachable" && (
          <Notice tone="bad" title="The payment could not be started.">
            <p>{step.message} Nothing was charged, and your order is kept.</p>
            <button className="button" onClick={() => void prepare(null)}>
              Try again
            </button>
          </Notice>
        )}
        {step.at === "waiting" && (
          <Awaiting
            config={config}
            orderId={id}
            settled={(status) => setStep({ at: "settled", status })}
            payAgain={() => void prepare("Your bank refused the payment in the end. Nothing was charged; try another card.")}
          />
        )}
        {step.at === "settled" && <Result status={step.status} id={id} />}
      </div>
      {order && <Summary order={order} />}
    </div>
  )
}

const HEADINGS: Partial<Record<Step["at"], string>> = {
  waiting: "One moment",
  settled: "Your order",
  refused: "Your order",
}

/** What createPaymentIntent's answer means for the page. An order that is paid already counts as success. */
function after(result: IntentResult, problem: string | null): Step {
  switch (result.__typename) {
    case "PaymentIntent":
      return result.status === "PROCESSING" || result.status === "SUCCEEDED"
        ? { at: "waiting" }
        : { at: "form", intent: result, problem }
    case "OrderNotPayable":
      return { at: "settled", status: result.orderStatus }
    case "OrderNotFound":
    case "AmountNotChargeable":
    case "PaymentInProgress":
    case "PaymentProviderUnavailable":
    case "RateLimited":
      return { at: "refused", refusal: result }
    default:
      // A refusal that the schema learned later; `never` proves that there is none today.
      return { at: "refused", refusal: result satisfies never }
  }
}

function WhyNot({ refusal, retry }: { refusal: Refusal; retry: () => void }) {
  const again = (
    <button className="button" onClick={retry}>
      Try again
    </button>
  )
  switch (refusal.__typename) {
    case "OrderNotFound":
      return (
        <Notice tone="bad" title="We can’t find this order.">
          <p>It may belong to another account. Check who you are shopping as, or look into your orders.</p>
          <Link className="button" to={{ page: "orders" }}>
            My orders
          </Link>
        </Notice>
      )
    case "OrderNotPayable":
      return <Result status={refusal.orderStatus} id="" />
    case "AmountNotChargeable":
      return (
        <Notice tone="bad" title={`The total is too small to pay by card.`}>
          <p>
            {refusal.message} Cards take {formatMoney(refusal.minimum)} and more: put something else into the cart and
            order again.
          </p>
          <Link className="button" to={{ page: "shop" }}>
            Back to the shop
          </Link>
        </Notice>
      )
    case "PaymentInProgress":
      return (
        <Notice tone="wait" title="A payment of this order is already under way.">
          <p>Perhaps in another tab. Nothing is charged twice; look again in a moment.</p>
          {again}
        </Notice>
      )
    case "PaymentProviderUnavailable":
      return (
        <Notice tone="bad" title="The payment service isn’t answering.">
          <p>{refusal.message} Your order is kept, and you find it in “My orders”.</p>
          {refusal.retryable && again}
        </Notice>
      )
    case "RateLimited":
      return (
        <Notice tone="wait" title="That was a little fast.">
          <p>Please wait {refusal.retryAfter} seconds, then try again.</p>
          {again}
        </Notice>
      )
    default:
      return (
        <Notice tone="bad" title={(refusal satisfies never as { message: string }).message}>
          {again}
        </Notice>
      )
  }
}

interface FormProps {
  config: Config
  intent: Intent
  orderId: string
  problem: string | null
  confirmed: () => void
}

function PaymentForm({ config, intent, orderId, problem, confirmed }: FormProps) {
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

/** How the order stands, said to the customer. */
export function Result({ status, id }: { status: OrderStatus; id: string }) {
  const orders = (
    <Link className="button quiet" to={{ page: "orders" }}>
      My orders
    </Link>
  )
  switch (status) {
    case "PAID":
      return (
        <>
          <Notice tone="good" title="Your payment arrived.">
            <p>{id ? `Order ${shortId(id)} is` : "Your order is"} paid in full, and we are packing it.</p>
          </Notice>
          <p className="actions">
            <Link className="button" to={{ page: "shop" }}>
              Keep looking
            </Link>
            {orders}
          </p>
        </>
      )
    case "REVIEW":
      return (
        <Notice tone="wait" title="We have your money, and are having a look.">
          <p>The amount that arrived differs from the order’s. A person checks it; you don’t have to do anything.</p>
          {orders}
        </Notice>
      )
    case "CANCELED":
      return (
        <Notice tone="wait" title="This order was canceled.">
          <p>There is nothing to pay. If a payment still arrives, it is refunded in full.</p>
          {orders}
        </Notice>
      )
    case "REFUNDED":
    case "PARTIALLY_REFUNDED":
      return (
        <Notice tone="wait" title={status === "REFUNDED" ? "This order was refunded." : "A part of this order was refunded."}>
          <p>There is nothing to pay. The money comes back to your card within some days.</p>
          {orders}
        </Notice>
      )
    case "PENDING":
      return (
        <Notice tone="wait" title="This order waits to be paid.">
          {id && (
            <Link className="button" to={{ page: "pay", id }}>
              Continue to pay
            </Link>
          )}
        </Notice>
      )
    default:
      return <Notice tone="wait" title={`This order is ${String(status satisfies never).toLowerCase()}.`}>{orders}</Notice>
  }
}

export function Summary({ order }: { order: OrderFieldsFragment }) {
  return (
    <section className="summary" aria-labelledby="summary">
      <h2 id="summary">Order {shortId(order.id)}</h2>
      <ul className="lines">
        {order.items.map((item) => (
          <li key={item.productId}>
            <img src={pictureOf(item.productName)} alt="" width="56" height="56" />
            <div>
              <p className="line-name">{item.productName}</p>
              <p className="muted">
                {item.quantity} × <Money of={item.unitPrice} />
              </p>
            </div>
            <Money of={item.subtotal} />
          </li>
        ))}
      </ul>
      <p className="total">
        <span>Total</span>
        <strong>
          <Money of={order.total} />
        </strong>
      </p>
    </section>
  )
}
