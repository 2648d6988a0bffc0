import type { ApolloClient } from "@apollo/client"
import type { CreatePaymentIntentMutation, OrderStatus } from "../gql/graphql.ts"
import { CREATE_PAYMENT_INTENT, ORDER_STATUS } from "./operations.ts"

export type IntentResult = NonNullable<CreatePaymentIntentMutation["createPaymentIntent"]>

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

const FIRST_PAUSE = 400
const LONGEST_PAUSE = 5_000
const PATIENCE = 90_000
/** When no webhook arrived by then, the server is made to ask Stripe itself. */
const ASK_STRIPE_AFTER = 5_000
const ASK_STRIPE_EVERY = 15_000

export async function createPaymentIntent(client: ApolloClient, orderId: string): Promise<IntentResult> {
  // The client secret stays out of the cache.
  const { data } = await client.mutate({ mutation: CREATE_PAYMENT_INTENT, variables: { orderId }, fetchPolicy: "no-cache" })
  if (!data?.createPaymentIntent) throw new Error("The server gave no answer.")
  return data.createPaymentIntent
}

async function statusOf(client: ApolloClient, orderId: string): Promise<OrderStatus | null> {
  const { data } = await client.query({ query: ORDER_STATUS, variables: { id: orderId }, fetchPolicy: "network-only" })
  return data?.order?.status ?? null
}

/** Asks until the order is paid or otherwise decided, ever more slowly; tells each change to `tell`. */
export async function follow(client: ApolloClient, orderId: string, tell: (fate: Fate) => void, signal: AbortSignal) {
  const started = Date.now()
  let asked = started + ASK_STRIPE_AFTER - ASK_STRIPE_EVERY
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
    const status = await statusOf(client, orderId).catch(() => "PENDING" as const)
    if (signal.aborted) return
    if (status && status !== "PENDING") return tell({ kind: "settled", status })
    if (Date.now() - started > PATIENCE) return tell({ kind: "late" })
    if (Date.now() - asked > ASK_STRIPE_EVERY) {
      asked = Date.now()
      const fate = await askStripe(client, orderId)
      if (signal.aborted) return
      if (fate) tell(fate)
      if (fate?.kind === "settled" || fate?.kind === "failed") return
    }
    await new Promise((wake) => setTimeout(wake, pause))
  }
}

/** `createPaymentIntent` is safe to repeat, and makes the server look at Stripe: a lost webhook is made up for. */
async function askStripe(client: ApolloClient, orderId: string): Promise<Fate | null> {
  try {
    const result = await createPaymentIntent(client, orderId)
    if (result.__typename === "OrderNotPayable") return { kind: "settled", status: result.orderStatus }
    if (result.__typename !== "PaymentIntent") return null
    if (result.status === "PROCESSING") return { kind: "bank" }
    return result.status === "REQUIRES_PAYMENT_METHOD" ? { kind: "failed" } : null
  } catch {
    return null
  }
}
