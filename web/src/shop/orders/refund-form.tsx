import { useApolloClient, useMutation } from "@apollo/client/react"
import { type FormEvent, useId, useRef, useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { OrderStandingFragment, RefundOrderMutation } from "../../gql/graphql.ts"
import { balanceOf } from "../../shared/balance.ts"
import { messageOf } from "../../shared/failure.ts"
import { amountOf, formatMoney, minorUnitsOf } from "../../shared/money.ts"
import { Notice } from "../parts/notice.tsx"
import { statusLabel } from "../parts/standing.tsx"
import { refundLabel } from "./refunds.tsx"

const REFUND_ORDER = graphql(/* GraphQL */ `
  mutation RefundOrder($input: RefundOrderInput!) {
    refundOrder(input: $input) {
      __typename
      ... on Refund { id status amount { amount currency } }
      ... on AmountNotRefundable { refundable { amount currency } }
      ... on OrderNotRefundable { orderStatus }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

type RefundResult = NonNullable<RefundOrderMutation["refundOrder"]>

/** What is about to be given back: minor units, or all that is left. */
type Asked = { amount: number | null; question: string }

/** For the shopkeeper. The key is the form's: pressed twice or sent again, it gives back once. */
export function RefundForm({ order }: { order: OrderStandingFragment }) {
  const client = useApolloClient()
  const [refundOrder, { loading }] = useMutation(REFUND_ORDER)
  const [result, setResult] = useState<RefundResult | null>(null)
  const [mistake, setMistake] = useState<string | null>(null)
  const [asked, setAsked] = useState<Asked | null>(null)
  const [amount, setAmount] = useState("")
  const [reason, setReason] = useState("requested_by_customer")
  const key = useRef<string>(crypto.randomUUID())
  const busy = useRef(false)
  const id = useId()
  const { left } = balanceOf(order, order.total)

  const change = (set: (value: string) => void) => (event: { target: { value: string } }) => {
    key.current = crypto.randomUUID()
    setAsked(null)
    set(event.target.value)
  }

  function ask(event: FormEvent) {
    event.preventDefault()
    setResult(null)
    setMistake(null)
    const minorUnits = amount.trim() ? minorUnitsOf(amount, order.total) : null
    if (!amount.trim()) return setAsked({ amount: null, question: `Give back all that is left, ${formatMoney(left)}?` })
    if (minorUnits === null) return setMistake(`Enter an amount such as ${amountOf(exampleOf(order), order.total).amount}, or nothing for all that is left.`)
    if (minorUnits > left.minorUnits) return setMistake(`At most ${formatMoney(left)} is left to give back.`)
    const rest = amountOf(left.minorUnits - minorUnits, order.total)
    setAsked({
      amount: minorUnits,
      question: `Give back ${formatMoney(amountOf(minorUnits, order.total))}? After that ${formatMoney(rest)} is left.`,
    })
  }

  async function give() {
    if (busy.current || !asked) return
    busy.current = true
    try {
      const input = { orderId: order.id, amount: asked.amount, reason, idempotencyKey: key.current }
      const { data } = await refundOrder({ variables: { input } })
      setResult(data?.refundOrder ?? null)
      if (data?.refundOrder?.__typename === "Refund") {
        key.current = crypto.randomUUID()
        setAmount("")
      }
      setAsked(null)
      await client.refetchQueries({ include: "active" })
    } catch (error) {
      setMistake(`${messageOf(error)} Give it back again: it is given back once.`)
    } finally {
      busy.current = false
    }
  }

  return (
    <form className="refund" onSubmit={ask} aria-labelledby={`${id}-title`} noValidate>
      <h2 id={`${id}-title`}>Give money back</h2>
      <div className="fields">
        <label>
          Amount in {order.total.currency}
          <input value={amount} onChange={change(setAmount)} inputMode="decimal" placeholder="All that is left" autoComplete="off" />
        </label>
        <label>
          Reason
          <select value={reason} onChange={change(setReason)}>
            <option value="requested_by_customer">The customer asked</option>
            <option value="duplicate">Paid twice</option>
            <option value="fraudulent">Fraud</option>
          </select>
        </label>
        {!asked && <button className="button">Refund…</button>}
      </div>
      {asked && (
        <div className="ask" role="group" aria-label="Give money back?">
          <p role="status">{asked.question}</p>
          <button type="button" className="button small" onClick={() => void give()} aria-disabled={loading} autoFocus>
            {loading ? "Giving it back…" : "Give it back"}
          </button>
          <button type="button" className="button small quiet" onClick={() => setAsked(null)}>
            Keep the money
          </button>
        </div>
      )}
      {mistake && <Notice tone="bad" title={mistake} />}
      {result && <Told result={result} />}
    </form>
  )
}

/** Five of the currency's units, to show how an amount is written. */
const exampleOf = ({ total }: OrderStandingFragment): number => minorUnitsOf("5", total) ?? total.minorUnits

function Told({ result }: { result: RefundResult }) {
  switch (result.__typename) {
    case "Refund":
      return (
        <Notice tone={result.status === "FAILED" ? "bad" : "good"} title={`${formatMoney(result.amount)}: ${refundLabel(result.status)}.`} />
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
