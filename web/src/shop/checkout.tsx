import { useApolloClient, useQuery } from "@apollo/client/react"
import { useCallback, useEffect, useRef, useState } from "react"
import type { Config } from "../config.ts"
import type { OrderStatus } from "../gql/graphql.ts"
import { Awaiting } from "./awaiting.tsx"
import { messageOf } from "./failure.ts"
import { type IntentResult, createPaymentIntent } from "./fate.ts"
import { formatMoney } from "./money.ts"
import { ORDER } from "./operations.ts"
import { Heading, Link, Notice, Spinner } from "./parts.tsx"
import { type Intent, PaymentForm } from "./payment-form.tsx"
import { Result, Summary } from "./result.tsx"
import { loadStripe, returned } from "./stripe.ts"

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
