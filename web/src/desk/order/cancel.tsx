import { useMutation } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskCancelMutation, DeskOrderFragment } from "../gql/graphql.ts"
import { Deliberate } from "../../shared/deliberate.tsx"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { nameOf } from "../orders/row.tsx"
import { Dialog } from "../parts/dialog.tsx"
import { Notice } from "../parts/notice.tsx"
import { statusLabel } from "../parts/standing.tsx"
import { NOT_ALLOWED } from "./words.ts"

const CANCEL = graphql(/* GraphQL */ `
  mutation DeskCancel($orderId: ID!) {
    cancelOrder(orderId: $orderId) {
      __typename
      ... on Order { id ...DeskOrder }
      ... on OrderNotCancelable { orderStatus }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

type NotCanceled = Exclude<NonNullable<DeskCancelMutation["cancelOrder"]>, { __typename: "Order" }>

export function Cancel({ order, close }: { order: DeskOrderFragment; close: () => void }) {
  const [cancelOrder, { loading }] = useMutation(CANCEL)
  const [problem, setProblem] = useState<string | null>(null)

  async function cancel() {
    if (loading) return
    setProblem(null)
    try {
      const { data } = await cancelOrder({ variables: { orderId: order.id } })
      const result = data?.cancelOrder
      if (result?.__typename === "Order") close()
      else setProblem(result ? whyNot(result) : "The server gave no answer. Canceling again is safe.")
    } catch (error) {
      setProblem(isForbidden(error) ? NOT_ALLOWED("cancel orders", "ORDERS_WRITE") : `${messageOf(error)} Canceling again is safe.`)
    }
  }

  return (
    <Dialog title={`Cancel order ${nameOf(order)}?`} close={close}>
      <p>Nobody can pay it any more then. There is no way back. Money that arrives all the same is refunded.</p>
      {problem && <Notice tone="bad" title={problem} />}
      <div className="actions">
        <Deliberate className="button danger" press={() => void cancel()} isBusy={loading}>
          {loading ? "Canceling…" : "Cancel the order"}
        </Deliberate>
        <button className="button" onClick={close}>
          Keep it
        </button>
      </div>
    </Dialog>
  )
}

function whyNot(refusal: NotCanceled): string {
  switch (refusal.__typename) {
    case "OrderNotCancelable":
      return `It can’t be canceled any more: ${statusLabel(refusal.orderStatus).toLowerCase()}.`
    case "PaymentInProgress":
      return "A payment is under way at the bank. Wait until it is through."
    case "PaymentProviderUnavailable":
      return "Stripe isn’t answering, and nothing was canceled. Try again in a moment."
    case "RateLimited":
      return `That was a little fast. Wait ${refusal.retryAfter} seconds.`
    case "OrderNotFound":
      return refusal.message
    default:
      return (refusal satisfies never as { message: string }).message
  }
}
