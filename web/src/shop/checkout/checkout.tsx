import { useApolloClient, useQuery } from "@apollo/client/react"
import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { OrderStatus } from "../../gql/graphql.ts"
import type { Config } from "../../shared/config.ts"
import { messageOf } from "../../shared/failure.ts"
import { onReturn } from "../../shared/returning.ts"
import { useFollowed } from "../orders/follow.ts"
import { Heading } from "../parts/heading.tsx"
import { Notice, Spinner } from "../parts/notice.tsx"
import { isAtBank } from "../parts/standing.tsx"
import { Awaiting } from "./awaiting.tsx"
import { type IntentResult, createPaymentIntent } from "./fate.ts"
import { type Intent, PaymentForm, type Problem, declined } from "./payment-form.tsx"
import { Refused } from "./refused.tsx"
import { Result } from "./result.tsx"
import { declineOf, loadStripe } from "./stripe.ts"
import { Summary } from "./summary.tsx"

const CHECKOUT_ORDER = graphql(/* GraphQL */ `
  query CheckoutOrder($id: ID!) {
    order(id: $id) { ...OrderStanding ...OrderSummary }
  }
`)

/** Where the customer stands, as far as this page knows. The order's own status, once it isn't pending, overrules it. */
type Step =
  | { at: "preparing" }
  | { at: "form"; intent: Intent; problem: Problem | null; isAsking: boolean }
  | { at: "refused"; refusal: Exclude<IntentResult, Intent> }
  | { at: "unreachable"; message: string }
  | { at: "waiting" }
  | { at: "settled"; status: OrderStatus }

const NOT_PAID: Problem = {
  title: "The order is not paid yet.",
  text: "The payment service’s answer was lost, so we asked how the order stands. You can pay now: an order is never charged twice.",
}
const REFUSED_LATER: Problem = declined("Your bank refused the payment in the end.")
const ASK_AGAIN_AFTER = 5_000 // milliseconds

export function Checkout({ config, id, cameBackWith }: { config: Config; id: string; cameBackWith: string | null }) {
  const { data } = useQuery(CHECKOUT_ORDER, { variables: { id } })
  const order = data?.order
  const { step, setStep, prepare, ask, round } = useSteps(config, id, cameBackWith)
  const status = order && order.status !== "PENDING" ? order.status : step.at === "settled" ? step.status : null
  useFollowed(id, status === null, step.at === "waiting" ? 500 : undefined)

  const isWaiting = step.at === "waiting" || (step.at === "form" && !!order && isAtBank(order))
  const heading = headingOf(status, isWaiting ? "waiting" : step.at)
  return (
    <div className="checkout">
      <div className="checkout-main">
        <Heading title={heading}>{heading}</Heading>
        {status ? (
          <Result status={status} id={id} order={order ?? null} />
        ) : isWaiting ? (
          <Awaiting
            config={config}
            orderId={id}
            isAtBank={!!order && isAtBank(order)}
            settled={(settled) => setStep({ at: "settled", status: settled })}
            payAgain={() => prepare(REFUSED_LATER)}
          />
        ) : step.at === "form" ? (
          <PaymentForm
            key={`${step.intent.id} ${round}`}
            config={config}
            intent={step.intent}
            orderId={id}
            problem={step.problem}
            isAsking={step.isAsking}
            confirmed={() => setStep({ at: "waiting" })}
            unclear={ask}
          />
        ) : step.at === "refused" ? (
          <Refused refusal={step.refusal} retry={() => prepare(null)} />
        ) : step.at === "unreachable" ? (
          <Notice tone="bad" title="We can’t ask how your order stands right now.">
            <p>{step.message} Your order is kept, and it is never charged twice.</p>
            <button className="button" onClick={() => prepare(null)}>
              Try again
            </button>
          </Notice>
        ) : (
          <div className="preparing">
            <Spinner>Getting your payment ready…</Spinner>
          </div>
        )}
      </div>
      {order ? <Summary order={order} /> : <div className="summary placeholder" />}
    </div>
  )
}

function headingOf(status: OrderStatus | null, at: Step["at"]): string {
  if (status === "PAID") return "Thank you. It’s paid."
  if (status || at === "refused") return "Your order"
  return at === "waiting" ? "One moment" : "Pay your order"
}

/** Our server is asked first, always: it asks Stripe. What Stripe.js or the address say are words at most. */
function useSteps(config: Config, id: string, cameBackWith: string | null) {
  const client = useApolloClient()
  const [step, setStep] = useState<Step>({ at: "preparing" })
  const [round, setRound] = useState(0)
  const secret = useRef(cameBackWith)
  const asked = useRef(0)

  const wordsOfTheBank = useCallback(async (): Promise<Problem | null> => {
    const clientSecret = secret.current
    secret.current = null
    if (!clientSecret) return null
    const words = await loadStripe(config).then((stripe) => declineOf(stripe, clientSecret)).catch(() => null)
    return declined(words ?? "Your bank did not approve the payment.")
  }, [config])

  const prepare = useCallback(
    (problem: Problem | null) => {
      const turn = ++asked.current
      setStep({ at: "preparing" })
      const answered = async (result: IntentResult) => {
        const next = after(result, problem)
        if (next.at === "form" && next.intent.status === "REQUIRES_PAYMENT_METHOD") next.problem = (await wordsOfTheBank()) ?? problem
        if (turn === asked.current) setStep(next)
      }
      createPaymentIntent(client, id).then(answered).catch((error: unknown) => {
        if (turn === asked.current) setStep({ at: "unreachable", message: messageOf(error) })
      })
    },
    [client, id, wordsOfTheBank],
  )

  /** After an answer that says nothing certain: asks until the server knows, with the form as it was. */
  const ask = useCallback(() => {
    const turn = ++asked.current
    const look = () => {
      if (turn !== asked.current) return
      const later = () => void setTimeout(look, ASK_AGAIN_AFTER)
      createPaymentIntent(client, id).then((result) => {
        if (turn !== asked.current) return
        if (result.__typename !== "PaymentIntent" && result.__typename !== "OrderNotPayable" && result.retryable) return later()
        setStep(after(result, NOT_PAID))
      }, later)
    }
    setStep((before) => (before.at === "form" ? { ...before, isAsking: true, problem: null } : before))
    look()
  }, [client, id])

  const begin = useEffectEvent(() => prepare(null))
  const lookAgain = useEffectEvent((fromCache: boolean) => {
    if (fromCache) setRound((before) => before + 1)
    if (fromCache || step.at === "unreachable") prepare(null)
  })
  useEffect(() => {
    begin()
    const stop = onReturn(lookAgain)
    return () => {
      stop()
      asked.current++
    }
  }, [])
  return { step, setStep, prepare, ask, round }
}

/** What createPaymentIntent's answer means for the page. An order that is paid already counts as success. */
function after(result: IntentResult, problem: Problem | null): Step {
  switch (result.__typename) {
    case "PaymentIntent":
      return result.status === "PROCESSING" || result.status === "SUCCEEDED"
        ? { at: "waiting" }
        : { at: "form", intent: result, problem, isAsking: false }
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
