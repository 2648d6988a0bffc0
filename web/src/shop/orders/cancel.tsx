import { useMutation } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { CancelOrderMutation, OrderStandingFragment } from "../../gql/graphql.ts"
import { Deliberate } from "../../shared/deliberate.tsx"
import { messageOf } from "../../shared/failure.ts"
import { Notice } from "../parts/notice.tsx"
import { statusLabel } from "../parts/standing.tsx"

const CANCEL_ORDER = graphql(/* GraphQL */ `
  mutation CancelOrder($orderId: ID!) {
    cancelOrder(orderId: $orderId) {
      __typename
      ... on Order { id ...OrderStanding }
      ... on OrderNotCancelable { orderStatus }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

type NotCanceled = Exclude<NonNullable<CancelOrderMutation["cancelOrder"]>, { __typename: "Order" }>

/** Asks once more, since there is no way back. */
export function CancelOrder({ order }: { order: Pick<OrderStandingFragment, "id" | "status"> }) {
  const [cancelOrder, { loading }] = useMutation(CANCEL_ORDER)
  const [isAsking, setAsking] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  if (order.status !== "PENDING") return null

  async function cancel() {
    if (loading) return
    setProblem(null)
    try {
      const { data } = await cancelOrder({ variables: { orderId: order.id } })
      const result = data?.cancelOrder
      if (!result) setProblem("The server gave no answer. Canceling again is safe.")
      else if (result.__typename !== "Order") setProblem(whyNotCanceled(result))
    } catch (error) {
      setProblem(`${messageOf(error)} Canceling again is safe.`)
    }
    setAsking(false)
  }

  return (
    <>
      {problem && <Notice tone="bad" title={problem} />}
      {isAsking ? (
        <div className="ask" role="group" aria-label="Cancel this order?">
          <p role="status">Cancel this order for good?</p>
          <Deliberate className="button small" press={() => void cancel()} isBusy={loading} autoFocus>
            {loading ? "Canceling…" : "Yes, cancel it"}
          </Deliberate>
          <button className="button small quiet" onClick={() => setAsking(false)}>
            Keep it
          </button>
        </div>
      ) : (
        <button className="button small quiet" onClick={() => setAsking(true)}>
          Cancel order
        </button>
      )}
    </>
  )
}

function whyNotCanceled(refusal: NotCanceled): string {
  switch (refusal.__typename) {
    case "OrderNotCancelable":
      return `It can’t be canceled any more: ${statusLabel(refusal.orderStatus).toLowerCase()}.`
    case "PaymentInProgress":
      return "A payment is under way at the bank. Wait until it is through."
    case "PaymentProviderUnavailable":
      return "The payment service isn’t answering, and nothing was canceled. Try again in a moment."
    case "RateLimited":
      return `That was a little fast. Wait ${refusal.retryAfter} seconds.`
    case "OrderNotFound":
      return refusal.message
    default:
      return (refusal satisfies never as { message: string }).message
  }
}
