import { useApolloClient, useMutation } from "@apollo/client/react"
import { type FormEvent, useMemo, useRef, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskOrderFragment, DeskRefundMutation } from "../gql/graphql.ts"
import { balanceOf } from "../../shared/balance.ts"
import { Deliberate } from "../../shared/deliberate.tsx"
import { type Attempt, didNothing, isForbidden, messageOf } from "../../shared/failure.ts"
import { amountOf, formatMoney, minorUnitsOf } from "../../shared/money.ts"
import { useStore } from "../../shared/store.ts"
import { forgetWish, keptWish, tellOfWishes, wishFor, wishesChanged } from "../../shared/wishes.ts"
import { nameOf } from "../orders/row.tsx"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { textIn } from "../parts/forms.ts"
import { Notice } from "../parts/notice.tsx"
import { statusLabel } from "../parts/standing.tsx"
import { refundLabel } from "./timeline.ts"
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

const WISH = "refund"

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
    const attempt: Attempt = { unclear: false }
    const { key } = wishFor(WISH, order.id, wanted)
    const { amount, reason, note, customerMessage } = wanted
    try {
      const { data } = await refundOrder({
        variables: { input: { orderId: order.id, amount, reason: reason || null, note: note || null, customerMessage: customerMessage || null, idempotencyKey: key } },
        context: { attempt },
      })
      const result = data?.refundOrder
      if (!result) throw new Error("The server gave no answer.")
      if (isUnclear(result, attempt)) tellOfWishes()
      else forgetWish(WISH, order.id)
      setTold(said(result))
    } catch (error) {
      if (didNothing(error, attempt)) {
        forgetWish(WISH, order.id)
        setTold({ isDone: false, text: isForbidden(error) ? NOT_ALLOWED("refund", "REFUNDS_WRITE") : `${messageOf(error)} Nothing was given back.` })
      } else {
        tellOfWishes()
        setTold({ isDone: false, text: `${messageOf(error)} Send it again: it is given back once.` })
      }
    }
    busy.current = false
    setBusy(false)
    await client.refetchQueries({ include: ["DeskOrder", "DeskCases"] }).catch(() => null) // what is shown says so itself
  }

  return { give, isBusy, told }
}

/** A refund that was sent and perhaps not answered. */
function useLost(orderId: string): Wanted | null {
  const changes = useStore(wishesChanged)
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `changes` says when to look
  return useMemo(() => keptWish<Wanted>(WISH, orderId)?.input ?? null, [orderId, changes])
}

export function Refund({ order, close }: { order: DeskOrderFragment; close: () => void }) {
  const { left, received } = balanceOf(order, order.total)
  const { give, isBusy, told } = useRefund(order)
  const lost = useLost(order.id)
  const [wanted, setWanted] = useState<Wanted | null>(lost)
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

  const back = () => {
    if (lost) forgetWish(WISH, order.id)
    setWanted(null)
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
          {wanted && <Confirm order={order} wanted={wanted} isLost={lost !== null} isBusy={isBusy} give={() => void give(wanted)} back={back} />}
          {told && <Notice tone="bad" title={told.text} />}
        </>
      )}
    </Dialog>
  )
}

interface ConfirmProps {
  order: DeskOrderFragment
  wanted: Wanted
  /** It was sent already: it is sent again as it was, or forgotten. */
  isLost: boolean
  isBusy: boolean
  give: () => void
  back: () => void
}

function Confirm({ order, wanted, isLost, isBusy, give, back }: ConfirmProps) {
  const { left } = balanceOf(order, order.total)
  const amount = formatMoney(amountOf(wanted.amount, order.total))
  const isTooMuch = wanted.amount > left.minorUnits
  return (
    <div role="group" aria-label="Give it back?">
      {isLost ? (
        <p className="question">
          A refund of <strong>{amount}</strong> was sent, and its answer never came. See below this window whether it was made. Sending it again gives
          it back once.
        </p>
      ) : isTooMuch ? (
        <Notice tone="bad" title={`Only ${formatMoney(left)} is left by now.`} />
      ) : (
        <p className="question">
          Give back <strong>{amount}</strong>? After that <strong>{formatMoney(amountOf(left.minorUnits - wanted.amount, order.total))}</strong> is left.
        </p>
      )}
      <div className="actions">
        {(isLost || !isTooMuch) && (
          <Deliberate className="button danger" press={give} isBusy={isBusy} autoFocus>
            {isBusy ? "Giving it back…" : isLost ? "Send it again" : `Give back ${amount}`}
          </Deliberate>
        )}
        <button type="button" className="button" onClick={() => isBusy || back()} aria-disabled={isBusy}>
          {isLost ? "Forget it" : "Change it"}
        </button>
      </div>
    </div>
  )
}

/** A refund whose answer never came, as after a reload in between. */
export function LostRefund({ order }: { order: DeskOrderFragment }) {
  const lost = useLost(order.id)
  const { give, isBusy, told } = useRefund(order)
  const [isRead, setRead] = useState(false)
  if (told && !isRead) {
    return (
      <Notice tone={told.isDone ? "good" : "bad"} title={told.text}>
        <button className="plain" onClick={() => setRead(true)}>
          All right
        </button>
      </Notice>
    )
  }
  if (!lost) return null
  const amount = formatMoney(amountOf(lost.amount, order.total))
  const send = () => {
    setRead(false)
    void give(lost)
  }
  return (
    <Notice tone="wait" title={`A refund of ${amount} was sent, and its answer never came.`}>
      <p>Look below whether it was made. Sending it again gives it back once.</p>
      <div className="actions">
        <button className="button" onClick={send} aria-disabled={isBusy}>
          {isBusy ? "Sending…" : "Send it again"}
        </button>
        <button className="button" onClick={() => forgetWish(WISH, order.id)}>
          Forget it
        </button>
      </div>
    </Notice>
  )
}

/** The same call with the same key may still do it. */
const isUnclear = (result: Result, { unclear }: Attempt): boolean =>
  result.__typename === "RateLimited" ? unclear : result.__typename !== "Refund" && result.retryable

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
