import { useApolloClient, useMutation } from "@apollo/client/react"
import { type FormEvent, useId, useRef, useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { OrderStandingFragment, RefundOrderMutation } from "../../gql/graphql.ts"
import { balanceOf } from "../../shared/balance.ts"
import { Deliberate } from "../../shared/deliberate.tsx"
import { type Attempt, didNothing, messageOf } from "../../shared/failure.ts"
import { type CountedAmount, amountOf, formatMoney, minorUnitsOf } from "../../shared/money.ts"
import { forgetWish, keptWish, wishFor } from "../../shared/wishes.ts"
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

const WISH = "refund"

type RefundResult = NonNullable<RefundOrderMutation["refundOrder"]>

/** What is about to be given back, in minor units: what was read, also when it is all that is left. */
interface Asked {
  amount: number
  reason: string
}

/** For the shopkeeper. What was asked is kept with its key: pressed twice, or sent again after a reload, it gives back once. */
export function RefundForm({ order }: { order: OrderStandingFragment }) {
  const client = useApolloClient()
  const [refundOrder, { loading }] = useMutation(REFUND_ORDER)
  const [result, setResult] = useState<RefundResult | null>(null)
  const [mistake, setMistake] = useState<string | null>(null)
  const [lost, setLost] = useState(() => keptWish<Asked>(WISH, order.id)?.input ?? null)
  const [asked, setAsked] = useState<Asked | null>(lost)
  const [amount, setAmount] = useState("")
  const [reason, setReason] = useState("requested_by_customer")
  const busy = useRef(false)
  const id = useId()
  const { left } = balanceOf(order, order.total)

  const change = (set: (value: string) => void) => (event: { target: { value: string } }) => {
    setAsked(null)
    set(event.target.value)
  }

  function ask(event: FormEvent) {
    event.preventDefault()
    setResult(null)
    setMistake(null)
    const minorUnits = amount.trim() ? minorUnitsOf(amount, order.total) : left.minorUnits
    if (minorUnits === null) return setMistake(`Enter an amount such as ${amountOf(exampleOf(order), order.total).amount}, or nothing for all that is left.`)
    if (minorUnits > left.minorUnits) return setMistake(`At most ${formatMoney(left)} is left to give back.`)
    setAsked({ amount: minorUnits, reason })
  }

  function keep() {
    if (lost) forgetWish(WISH, order.id)
    setLost(null)
    setMistake(null)
    setAsked(null)
  }

  async function give(wanted: Asked) {
    if (busy.current) return
    busy.current = true
    const attempt: Attempt = { unclear: false }
    const { key } = wishFor(WISH, order.id, wanted)
    setMistake(null)
    try {
      const { data } = await refundOrder({ variables: { input: { orderId: order.id, ...wanted, idempotencyKey: key } }, context: { attempt } })
      const found = data?.refundOrder
      if (!found) throw new Error("The server gave no answer.")
      setResult(found)
      if (found.__typename === "Refund" || !found.retryable) {
        forgetWish(WISH, order.id)
        setLost(null)
        setAsked(null)
      } else if (attempt.unclear || found.__typename !== "RateLimited") setLost(wanted)
      if (found.__typename === "Refund") setAmount("")
    } catch (error) {
      if (didNothing(error, attempt)) {
        forgetWish(WISH, order.id)
        setMistake(`${messageOf(error)} Nothing was given back.`)
      } else {
        setLost(wanted)
        setMistake(`${messageOf(error)} Give it back again: it is given back once.`)
      }
    }
    busy.current = false
    await client.refetchQueries({ include: "active" }).catch(() => null) // what was done is known already
  }

  return (
    <form className="refund" onSubmit={ask} aria-labelledby={`${id}-title`} noValidate>
      <h2 id={`${id}-title`}>Give money back</h2>
      <div className="fields">
        <label>
          Amount in {order.total.currency}
          <input value={amount} onChange={change(setAmount)} inputMode="decimal" placeholder="All that is left" autoComplete="off" disabled={lost !== null} />
        </label>
        <label>
          Reason
          <select value={reason} onChange={change(setReason)} disabled={lost !== null}>
            <option value="requested_by_customer">The customer asked</option>
            <option value="duplicate">Paid twice</option>
            <option value="fraudulent">Fraud</option>
          </select>
        </label>
        {!asked && <button className="button">Refund…</button>}
      </div>
      {asked && (
        <div className="ask" role="group" aria-label="Give money back?">
          <p role="status">{lost ? lostQuestion(asked, order) : question(asked, order, left, !amount.trim())}</p>
          <Deliberate key={asked.amount} className="button small" press={() => void give(asked)} isBusy={loading} autoFocus>
            {loading ? "Giving it back…" : lost ? "Send it again" : "Give it back"}
          </Deliberate>
          <button type="button" className="button small quiet" onClick={keep}>
            {lost ? "Forget it" : "Keep the money"}
          </button>
        </div>
      )}
      {mistake && <Notice tone="bad" title={mistake} />}
      {result && <Told result={result} />}
    </form>
  )
}

function question({ amount }: Asked, { total }: OrderStandingFragment, left: CountedAmount, isAll: boolean): string {
  if (isAll) return `Give back all that is left, ${formatMoney(amountOf(amount, total))}?`
  const rest = amountOf(Math.max(0, left.minorUnits - amount), total)
  return `Give back ${formatMoney(amountOf(amount, total))}? After that ${formatMoney(rest)} is left.`
}

const lostQuestion = ({ amount }: Asked, { total }: OrderStandingFragment): string =>
  `A refund of ${formatMoney(amountOf(amount, total))} was sent, and its answer never came. Sent again, it is given back once.`

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
