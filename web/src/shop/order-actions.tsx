import { useMutation } from "@apollo/client/react"
import { type FormEvent, useId, useRef, useState } from "react"
import type { CancelOrderMutation, OrderQuery, RefundOrderMutation, RefundStatus } from "../gql/graphql.ts"
import { messageOf } from "./failure.ts"
import { formatMoney } from "./money.ts"
import { CANCEL_ORDER, ORDER, REFUND_ORDER } from "./operations.ts"
import { Money, Notice, shortDate, statusLabel } from "./parts.tsx"

type Order = NonNullable<OrderQuery["order"]>
type NotCanceled = Exclude<NonNullable<CancelOrderMutation["cancelOrder"]>, { __typename: "Order" }>
type RefundResult = NonNullable<RefundOrderMutation["refundOrder"]>

/** Asks once more, since there is no way back. */
export function CancelOrder({ order }: { order: Pick<Order, "id" | "status"> }) {
  const [cancelOrder, { loading }] = useMutation(CANCEL_ORDER)
  const [asking, setAsking] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  if (order.status !== "PENDING") return null

  async function cancel() {
    if (loading) return
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

  if (problem) return <Notice tone="bad" title={problem} />
  if (!asking) {
    return (
      <button className="button small quiet" onClick={() => setAsking(true)}>
        Cancel order
      </button>
    )
  }
  return (
    <div className="ask" role="group" aria-label="Cancel this order?">
      <p role="status">Cancel this order for good?</p>
      <button className="button small" onClick={() => void cancel()} aria-disabled={loading} autoFocus>
        {loading ? "Canceling…" : "Yes, cancel it"}
      </button>
      <button className="button small quiet" onClick={() => setAsking(false)}>
        Keep it
      </button>
    </div>
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

const REFUND_STATUS: Record<RefundStatus, string> = {
  CREATING: "being arranged",
  PENDING: "on its way",
  REQUIRES_ACTION: "waiting for the customer",
  SUCCEEDED: "given back",
  FAILED: "refused by the bank",
  CANCELED: "called off",
}

export function Refunds({ order }: { order: Order }) {
  if (order.refunds.length === 0) return null
  return (
    <section aria-labelledby="refunds">
      <h2 id="refunds">Refunds</h2>
      <ul className="lines">
        {order.refunds.map((refund) => (
          <li key={refund.id}>
            <Money of={refund.amount} />
            <span className="muted">{shortDate(refund.createdAt)}</span>
            <span>{REFUND_STATUS[refund.status] ?? refund.status}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** For the shopkeeper. The key is the form's: pressed twice or sent again, it gives back once. */
export function RefundForm({ order }: { order: Order }) {
  const [refundOrder, { loading }] = useMutation(REFUND_ORDER, { refetchQueries: [ORDER] })
  const [result, setResult] = useState<RefundResult | null>(null)
  const [failure, setFailure] = useState<string | null>(null)
  const [amount, setAmount] = useState("")
  const [reason, setReason] = useState("requested_by_customer")
  const key = useRef(crypto.randomUUID())
  const id = useId()

  const change = (set: (value: string) => void) => (event: { target: { value: string } }) => {
    key.current = crypto.randomUUID()
    set(event.target.value)
  }

  async function give(event: FormEvent) {
    event.preventDefault()
    if (loading) return
    setFailure(null)
    setResult(null)
    const input = { orderId: order.id, amount: inMinorUnits(amount, order), reason, idempotencyKey: key.current }
    try {
      const { data } = await refundOrder({ variables: { input } })
      setResult(data?.refundOrder ?? null)
      if (data?.refundOrder?.__typename === "Refund") key.current = crypto.randomUUID()
    } catch (error) {
      setFailure(`${messageOf(error)} Refund again: it gives back once.`)
    }
  }

  return (
    <form className="refund" onSubmit={(event) => void give(event)} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Give money back</h2>
      <div className="fields">
        <label>
          Amount in {order.total.currency}
          <input value={amount} onChange={change(setAmount)} inputMode="decimal" pattern="[0-9]+([.][0-9]+)?" placeholder="All that is left" />
        </label>
        <label>
          Reason
          <select value={reason} onChange={change(setReason)}>
            <option value="requested_by_customer">The customer asked</option>
            <option value="duplicate">Paid twice</option>
            <option value="fraudulent">Fraud</option>
          </select>
        </label>
        <button className="button" aria-disabled={loading}>
          {loading ? "Refunding…" : "Refund"}
        </button>
      </div>
      {failure && <Notice tone="bad" title={failure} />}
      {result && <Told result={result} />}
    </form>
  )
}

/** `null` gives back all that is left. The order's own total says how many minor units make one. */
function inMinorUnits(typed: string, { total }: Order): number | null {
  return typed.trim() ? Math.round((Number(typed) * total.minorUnits) / Number(total.amount)) : null
}

function Told({ result }: { result: RefundResult }) {
  switch (result.__typename) {
    case "Refund":
      return (
        <Notice tone={result.status === "FAILED" ? "bad" : "good"} title={`${formatMoney(result.amount)}: ${REFUND_STATUS[result.status] ?? result.status}.`} />
      )
    case "AmountNotRefundable":
      return <Notice tone="bad" title={`At most ${formatMoney(result.refundable)} is left to give back.`} />
    case "OrderNotRefundable":
      return <Notice tone="bad" title={`There is nothing to give back: ${statusLabel(result.orderStatus).toLowerCase()}.`} />
    case "RateLimited":
      return <Notice tone="wait" title={`Please wait ${result.retryAfter} seconds.`} />
    case "PaymentProviderUnavailable":
      return <Notice tone="bad" title="The payment service isn’t answering. Refund again: it gives back once." />
    case "IdempotencyKeyReused":
    case "InvalidRefund":
    case "OrderNotFound":
      return <Notice tone="bad" title={result.message} />
    default:
      return <Notice tone="bad" title={(result satisfies never as { message: string }).message} />
  }
}
