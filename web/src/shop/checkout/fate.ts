import type { ApolloClient } from "@apollo/client"
import { graphql } from "../../gql/index.ts"
import type { CreatePaymentIntentMutation, OrderStatus } from "../../gql/graphql.ts"

const CREATE_PAYMENT_INTENT = graphql(/* GraphQL */ `
  mutation CreatePaymentIntent($orderId: ID!) {
    createPaymentIntent(orderId: $orderId) {
      __typename
      ... on PaymentIntent { id clientSecret status amount { amount currency } }
      ... on OrderNotPayable { orderStatus }
      ... on AmountNotChargeable {
        amount { minorUnits amount currency }
        minimum { minorUnits amount currency }
        maximum { minorUnits amount currency }
      }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

export type IntentResult = NonNullable<CreatePaymentIntentMutation["createPaymentIntent"]>

/** Safe to repeat, and makes the server look at Stripe: a lost webhook is made up for. */
export async function createPaymentIntent(client: ApolloClient, orderId: string): Promise<IntentResult> {
  // The client secret stays out of the cache.
  const { data } = await client.mutate({ mutation: CREATE_PAYMENT_INTENT, variables: { orderId }, fetchPolicy: "no-cache" })
  if (!data?.createPaymentIntent) throw new Error("The server gave no answer.")
  return data.createPaymentIntent
}

/** How a payment that was confirmed goes on. */
export type Fate =
  | { kind: "settled"; status: OrderStatus }
  | { kind: "waiting" }
  /** The bank takes its time: nothing to do, for hours or days. */
  | { kind: "bank" }
  /** The bank said no after all; the same order can be paid again. */
  | { kind: "failed" }
  /** We stopped asking; nothing is lost. */
  | { kind: "late" }

// Milliseconds. Until the first a webhook is awaited; the server follows the order anyway.
export const ASK_STRIPE_AFTER = 5_000
export const ASK_STRIPE_EVERY = 15_000
export const PATIENCE = 90_000

/** Has the server ask Stripe from time to time, until the payment's fate is known; tells each to `tell`. */
export function awaitFate(ask: () => Promise<IntentResult>, tell: (fate: Fate) => void): () => void {
  const started = Date.now()
  let timer = setTimeout(() => void look(), ASK_STRIPE_AFTER)
  let stopped = false

  const look = async () => {
    const fate = await ask().then(fateOf, () => null)
    if (stopped) return
    if (fate) tell(fate)
    if (fate?.kind === "settled" || fate?.kind === "failed") return
    if (fate?.kind !== "bank" && Date.now() - started >= PATIENCE) return tell({ kind: "late" })
    timer = setTimeout(() => void look(), ASK_STRIPE_EVERY)
  }
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

function fateOf(result: IntentResult): Fate | null {
  if (result.__typename === "OrderNotPayable") return { kind: "settled", status: result.orderStatus }
  if (result.__typename !== "PaymentIntent") return null
  if (result.status === "PROCESSING") return { kind: "bank" }
  return result.status === "REQUIRES_PAYMENT_METHOD" ? { kind: "failed" } : null
}
