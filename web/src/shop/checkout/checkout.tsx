import type { ApolloClient } from "@apollo/client"
import { useApolloClient, useQuery } from "@apollo/client/react"
import { useEffect, useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { OrderStatus } from "../../gql/graphql.ts"
import { isTaken } from "../../shared/balance.ts"
import type { Config } from "../../shared/config.ts"
import { type Amount, isSameAmount } from "../../shared/money.ts"
import { onReturn } from "../../shared/returning.ts"
import { isAtBank, isDisputed } from "../../shared/standing.ts"
import { useStore } from "../../shared/store.ts"
import { lookAt, useFollowed } from "../orders/follow.ts"
import { Heading } from "../parts/heading.tsx"
import { Notice, Spinner } from "../parts/notice.tsx"
import { Awaiting } from "./awaiting.tsx"
import { createPaymentIntent } from "./fate.ts"
import { PaymentForm, type Shown } from "./payment-form.tsx"
import { Refused } from "./refused.tsx"
import { Result } from "./result.tsx"
import { type Intent, type Problem, REFUSED_LATER, type Step, Steps, declined } from "./steps.ts"
import { declineOf, loadStripe } from "./stripe.ts"
import { Summary } from "./summary.tsx"

const CHECKOUT_ORDER = graphql(/* GraphQL */ `
  query CheckoutOrder($id: ID!) {
    order(id: $id) { ...OrderStanding ...OrderSummary }
  }
`)

export function Checkout({ config, id, cameBackWith }: { config: Config; id: string; cameBackWith: string | null }) {
  const client = useApolloClient()
  const { data } = useQuery(CHECKOUT_ORDER, { variables: { id } })
  const order = data?.order
  const { steps, step, round } = useSteps(config, id, cameBackWith)
  const status = order && order.status !== "PENDING" ? order.status : step.at === "settled" ? step.status : null
  // A paid order may still be refunded or disputed while its page is open.
  useFollowed(id, true, status ? SETTLED_PAUSE : step.at === "waiting" ? 500 : undefined)

  const isWaiting = step.at === "waiting" || (step.at === "form" && !!order && isAtBank(order))
  const isBack = !!order && (isDisputed(order) || isTaken(order, order.total))
  const heading = isBack ? "Your order" : headingOf(status, isWaiting ? "waiting" : step.at)
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
            settled={steps.settled}
            payAgain={() => void steps.prepare(REFUSED_LATER)}
          />
        ) : step.at === "form" ? (
          <PaymentForm
            key={`${step.intent.id} ${round}`}
            config={config}
            intent={step.intent}
            orderId={id}
            problem={step.problem}
            isAsking={step.isAsking}
            total={order?.total ?? null}
            expiresAt={order?.expiresAt ?? null}
            check={() => isAsShown(client, id, order?.total ?? step.intent.amount, step.intent)}
            changed={() => void steps.prepare()}
            confirmed={steps.confirmed}
            unclear={steps.ask}
          />
        ) : step.at === "refused" ? (
          <Refused refusal={step.refusal} retry={() => void steps.prepare()} />
        ) : step.at === "unreachable" ? (
          <Notice tone="bad" title="We can’t ask how your order stands right now.">
            <p>{step.message} Your order is kept, and it is never charged twice.</p>
            <button className="button" onClick={() => void steps.prepare()}>
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

const SETTLED_PAUSE = 15_000 // milliseconds
const CHECK_WITHIN = 3_000 // milliseconds; a shop that is away doesn't hold up a payment

/** Asks once more right before paying: the shop may have changed the order since, or another tab have paid it. */
async function isAsShown(client: ApolloClient, id: string, shown: Amount, intent: Intent): Promise<Shown> {
  if (!isSameAmount(shown, intent.amount)) return hasItsNewAmount(client, id, shown, intent)
  const late = new Promise<null>((give) => setTimeout(() => give(null), CHECK_WITHIN))
  const order = await Promise.race([lookAt(client, id), late]).catch(() => null)
  return !order || (order.status === "PENDING" && isSameAmount(order.total, shown)) ? "as shown" : "told"
}

/** Has our server give the intent the total that is shown now: Stripe would charge the one from before. */
async function hasItsNewAmount(client: ApolloClient, id: string, shown: Amount, intent: Intent): Promise<Shown> {
  const now = await createPaymentIntent(client, id).catch(() => null)
  const isSame = now?.__typename === "PaymentIntent" && now.id === intent.id && isSameAmount(now.amount, shown)
  return isSame ? "as shown" : "changed"
}

function headingOf(status: OrderStatus | null, at: Step["at"]): string {
  if (status === "PAID") return "Thank you. It’s paid."
  if (status || at === "refused") return "Your order"
  return at === "waiting" ? "One moment" : "Pay your order"
}

function useSteps(config: Config, id: string, cameBackWith: string | null) {
  const client = useApolloClient()
  const [round, setRound] = useState(0)
  const [steps] = useState(() => new Steps(() => createPaymentIntent(client, id), wordsOfTheBank(config, cameBackWith)))

  useEffect(() => {
    void steps.prepare()
    const stopListening = onReturn((fromCache) => {
      if (fromCache) setRound((before) => before + 1)
      if (fromCache || steps.get().at === "unreachable") void steps.prepare()
    })
    return () => {
      stopListening()
      steps.stop()
    }
  }, [steps])
  return { steps, step: useStore(steps), round }
}

/** Asked once, for the payment that the customer came back from. */
function wordsOfTheBank(config: Config, cameBackWith: string | null): () => Promise<Problem | null> {
  let secret = cameBackWith
  return async () => {
    if (!secret) return null
    const asked = secret
    secret = null
    const words = await loadStripe(config).then((stripe) => declineOf(stripe, asked)).catch(() => null)
    return declined(words ?? "Your bank did not approve the payment.")
  }
}
