import { useApolloClient, useMutation } from "@apollo/client/react"
import { type FormEvent, useRef, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskOrderFragment, DeskRefundMutation } from "../gql/graphql.ts"
import { balanceOf } from "../../shared/balance.ts"
import { failureOf, isForbidden, messageOf } from "../../shared/failure.ts"
import { amountOf, formatMoney, minorUnitsOf } from "../../shared/money.ts"
import { nameOf } from "../orders/row.tsx"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { textIn } from "../parts/forms.ts"
import { Notice } from "../parts/notice.tsx"
import { statusLabel } from "../parts/standing.tsx"
import { refundLabel } from "./timeline.ts"
import { forgetWish, keptWish, wishFor } from "./wishes.ts"
import { NOT_ALLOWED } from "./words.ts"

const REFUND = graphql(/* GraphQL */ `
  mutation DeskRefund($input: RefundOrderInput!) {
    refundOrder(input: $input) {
      __typename
      ... on Refund { id status amount { minorUnits amount currency } }
      ... on AmountNotRefundable { refundable { amount currency } }
      ... on OrderNotRefundable { orderStatus }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

type Result = NonNullable<DeskRefundMutation["refundOrder"]>

/** `amount` is minor units, named even when it is all that is left: what was read is what is given back. */
interface Wanted {
  amount: number
  reason: string
  note: string
  customerMessage: string
}

const REASONS = { requested_by_customer: "The customer asked", duplicate: "Paid twice", fraudulent: "Fraud", "": "Something else" }

function useRefund(order: DeskOrderFragment) {
  const client = useApolloClient()
  const [refundOrder] = useMutation(REFUND)
  const [isBusy, setBusy] = useState(false)
  const [told, setTold] = useState<{ isDone: boolean; text: string } | null>(null)
  const busy = useRef(false)

  async function give(wanted: Wanted) {
    if (busy.current) return
    busy.current = true
    setBusy(true)
    setTold(null)
    const { key } = wishFor("refund", order.id, wanted)
    const { amount, reason, note, customerMessage } = wanted
    try {
      const { data } = await refundOrder({
        variables: { input: { orderId: order.id, amount, reason: reason || null, note: note || null, customerMessage: customerMessage || null, idempotencyKey: key } },
      })
      const result = data?.refundOrder
      if (result && !isUnclear(result)) forgetWish("refund", order.id)
      setTold(result ? said(result) : { isDone: false, text: "The server gave no answer. Send it again: it is given back once." })
    } catch (error) {
      if (failureOf(error) === "refused") forgetWish("refund", order.id)
      setTold({ isDone: false, text: isForbidden(error) ? NOT_ALLOWED("refund", "REFUNDS_WRITE") : `${messageOf(error)} Send it again: it is given back once.` })
    }
    busy.current = false
    setBusy(false)
    await client.refetchQueries({ include: ["DeskOrder", "DeskCases"] }).catch(() => null) // what is shown says so itself
  }

  return { give, isBusy, told }
}

export function Refund({ order, close }: { order: DeskOrderFragment; close: () => void }) {
  const { left, received } = balanceOf(order, order.total)
  const { give, isBusy, told } = useRefund(order)
  const [wanted, setWanted] = useState<Wanted | null>(null)
  const [mistake, setMistake] = useState<string | null>(null)

  function ask(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => textIn(form, name)
    const amount = text("amount") ? minorUnitsOf(text("amount"), order.total) : left.minorUnits
    if (amount === null) return setMistake(`Write an amount such as ${left.amount}, or nothing for all that is left.`)
    if (amount > left.minorUnits) return setMistake(`At most ${formatMoney(left)} is left to give back.`)
    setMistake(null)
    setWanted({ amount, reason: text("reason"), note: text("note"), customerMessage: text("customerMessage") })
  }

  return (
    <Dialog title={`Refund order ${nameOf(order)}`} close={close} keeps={isBusy}>
      {told?.isDone ? (
        <>
          <Notice tone="good" title={told.text} />
          <div className="actions">
            <button className="button strong" onClick={close} autoFocus>
              Done
            </button>
          </div>
        </>
      ) : (
        <>
          <form onSubmit={ask} hidden={wanted !== null} noValidate>
            <p>
              {formatMoney(left)} of {formatMoney(received)} is left.
            </p>
            <Field label={`Amount in ${order.total.currency}`} hint={`Nothing for all that is left.`}>
              {(id, hint) => <input id={id} name="amount" inputMode="decimal" placeholder={left.amount} autoComplete="off" aria-describedby={hint} />}
            </Field>
            <Field label="Reason" hint="Stripe and the customer’s bank are told.">
              {(id, hint) => (
                <select id={id} name="reason" aria-describedby={hint}>
                  {Object.entries(REASONS).map(([value, name]) => (
                    <option key={value} value={value}>
                      {name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="Note for the shop">{(id) => <input id={id} name="note" maxLength={500} autoComplete="off" />}</Field>
            <Field label="Message for the customer">{(id) => <input id={id} name="customerMessage" maxLength={500} autoComplete="off" />}</Field>
            {mistake && <Notice tone="bad" title={mistake} />}
            <div className="actions">
              <button className="button strong">Go on…</button>
              <button type="button" className="button" onClick={close}>
                Keep the money
              </button>
            </div>
          </form>
          {wanted && <Confirm order={order} wanted={wanted} isBusy={isBusy} give={() => void give(wanted)} back={() => setWanted(null)} />}
          {told && <Notice tone="bad" title={told.text} />}
        </>
      )}
    </Dialog>
  )
}

interface ConfirmProps {
  order: DeskOrderFragment
  wanted: Wanted
  isBusy: boolean
  give: () => void
  back: () => void
}

function Confirm({ order, wanted, isBusy, give, back }: ConfirmProps) {
  const { left } = balanceOf(order, order.total)
  const amount = formatMoney(amountOf(wanted.amount, order.total))
  const rest = amountOf(left.minorUnits - wanted.amount, order.total)
  return (
    <div role="group" aria-label="Give it back?">
      <p className="question">
        Give back <strong>{amount}</strong>? After that <strong>{formatMoney(rest)}</strong> is left.
      </p>
      <div className="actions">
        <button className="button danger" onClick={give} aria-disabled={isBusy} autoFocus>
          {isBusy ? "Giving it back…" : `Give back ${amount}`}
        </button>
        <button className="button" onClick={back} aria-disabled={isBusy}>
          Change it
        </button>
      </div>
    </div>
  )
}

/** A refund whose answer never came, as after a reload in between. */
export function LostRefund({ order }: { order: DeskOrderFragment }) {
  const [lost, setLost] = useState(() => keptWish<Wanted>("refund", order.id))
  const { give, isBusy, told } = useRefund(order)
  if (!lost) return null
  const amount = formatMoney(amountOf(lost.input.amount, order.total))
  const forget = () => {
    forgetWish("refund", order.id)
    setLost(null)
  }
  if (told) {
    return (
      <Notice tone={told.isDone ? "good" : "bad"} title={told.text}>
        <button className="plain" onClick={() => setLost(keptWish("refund", order.id))}>
          All right
        </button>
      </Notice>
    )
  }
  return (
    <Notice tone="wait" title={`A refund of ${amount} was sent, and its answer never came.`}>
      <p>Look below whether it was made. Sending it again gives it back once.</p>
      <div className="actions">
        <button className="button" onClick={() => void give(lost.input)} aria-disabled={isBusy}>
          {isBusy ? "Sending…" : "Send it again"}
        </button>
        <button className="button" onClick={forget}>
          Forget it
        </button>
      </div>
    </Notice>
  )
}

/** The same call with the same key may still do it. */
const isUnclear = (result: Result): boolean => result.__typename !== "Refund" && result.retryable

function said(result: Result): { isDone: boolean; text: string } {
  switch (result.__typename) {
    case "Refund":
      return { isDone: result.status !== "FAILED", text: `${formatMoney(result.amount)}: ${refundLabel(result.status).toLowerCase()}.` }
    case "AmountNotRefundable":
      return { isDone: false, text: `At most ${formatMoney(result.refundable)} is left to give back.` }
    case "OrderNotRefundable":
      return { isDone: false, text: `There is nothing to give back: ${statusLabel(result.orderStatus).toLowerCase()}.` }
    case "RateLimited":
      return { isDone: false, text: `Nothing was done: wait ${result.retryAfter} seconds.` }
    case "PaymentProviderUnavailable":
      return { isDone: false, text: "Stripe isn’t answering. Send it again: it is given back once." }
    case "IdempotencyKeyReused":
    case "InvalidRefund":
    case "OrderNotFound":
      return { isDone: false, text: result.message }
    default:
      return { isDone: false, text: (result satisfies never as { message: string }).message }
  }
}
