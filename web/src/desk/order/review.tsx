import { useApolloClient, useMutation } from "@apollo/client/react"
import { type FormEvent, useId, useRef, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskOrderFragment, DeskReviewMutation, ReviewDecision } from "../gql/graphql.ts"
import { balanceOf } from "../../shared/balance.ts"
import { type Attempt, didNothing, isForbidden, messageOf } from "../../shared/failure.ts"
import { formatMoney } from "../../shared/money.ts"
import { forgetWish, wishFor } from "../../shared/wishes.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { textIn } from "../parts/forms.ts"
import { Notice } from "../parts/notice.tsx"
import { statusLabel } from "../parts/standing.tsx"
import { NOT_ALLOWED } from "./words.ts"

const REVIEW = graphql(/* GraphQL */ `
  mutation DeskReview($input: ResolveReviewInput!) {
    resolveReview(input: $input) {
      __typename
      ... on Order { id ...DeskOrder }
      ... on OrderNotInReview { orderStatus }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

type Refusal = Exclude<NonNullable<DeskReviewMutation["resolveReview"]>, { __typename: "Order" }>

/** In review, or with money that doesn't fit and is still here, whatever somebody made of the order's status. */
export const isForReview = (order: DeskOrderFragment): boolean =>
  order.status === "REVIEW" ||
  order.payments.some(({ disposition, received }) => disposition === "MISMATCH" && balanceOf(order, received).left.minorUnits > 0)

export function Review({ order }: { order: DeskOrderFragment }) {
  const [decision, setDecision] = useState<ReviewDecision | null>(null)
  const { left } = balanceOf(order, order.total)
  const id = useId()
  return (
    <section className="decide" aria-labelledby={id}>
      <h2 id={id}>Needs your decision</h2>
      <p>
        {formatMoney(left)} is here, and the order’s total is {formatMoney(order.total)}. Hand nothing over until it is decided.
      </p>
      <div className="actions">
        {left.minorUnits > 0 && (
          <button className="button" onClick={() => setDecision("ACCEPT")}>
            Accept {formatMoney(left)}…
          </button>
        )}
        <button className="button" onClick={() => setDecision("REFUND")}>
          Refund all of it…
        </button>
      </div>
      {decision && <Decide order={order} decision={decision} close={() => setDecision(null)} />}
    </section>
  )
}

function Decide({ order, decision, close }: { order: DeskOrderFragment; decision: ReviewDecision; close: () => void }) {
  const client = useApolloClient()
  const [resolve, { loading }] = useMutation(REVIEW)
  const [problem, setProblem] = useState<string | null>(null)
  const busy = useRef(false)
  const { left } = balanceOf(order, order.total)
  const accepts = decision === "ACCEPT"

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const note = textIn(new FormData(event.currentTarget), "note")
    if (busy.current) return
    if (!note) return setProblem("Write why: others will ask.")
    busy.current = true
    const attempt: Attempt = { unclear: false }
    const { key } = wishFor("review", order.id, { decision, note })
    try {
      const { data } = await resolve({ variables: { input: { orderId: order.id, decision, note, idempotencyKey: key } }, context: { attempt } })
      const result = data?.resolveReview
      if (result && (result.__typename === "Order" || !result.retryable)) forgetWish("review", order.id)
      if (result?.__typename === "Order") {
        await client.refetchQueries({ include: ["DeskCases"] }).catch(() => null)
        close()
      } else setProblem(result ? whyNot(result) : "The server gave no answer. Deciding again is safe.")
    } catch (error) {
      const isClear = didNothing(error, attempt)
      if (isClear) forgetWish("review", order.id)
      setProblem(isClear && isForbidden(error) ? NOT_ALLOWED("decide about reviews", "REFUNDS_WRITE") : `${messageOf(error)} Deciding again is safe.`)
    }
    busy.current = false
  }

  return (
    <Dialog title={accepts ? "Accept what was received?" : "Refund all of it?"} close={close} keeps={loading}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <p className="question">
          {accepts ? (
            <>
              A line “adjustment” makes the total <strong>{formatMoney(left)}</strong> instead of <strong>{formatMoney(order.total)}</strong>, and the
              order is paid.
            </>
          ) : (
            <>
              Everything that is here goes back: <strong>{formatMoney(left)}</strong>. After that nothing is left.
            </>
          )}
        </p>
        <Field label="Why, for the shop">{(id) => <textarea id={id} name="note" rows={2} maxLength={500} />}</Field>
        {problem && <Notice tone="bad" title={problem} />}
        <div className="actions">
          <button className={accepts ? "button strong" : "button danger"} aria-disabled={loading}>
            {loading ? "Deciding…" : accepts ? `Accept ${formatMoney(left)}` : `Give back ${formatMoney(left)}`}
          </button>
          <button type="button" className="button" onClick={close}>
            Decide later
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function whyNot(refusal: Refusal): string {
  switch (refusal.__typename) {
    case "OrderNotInReview":
      return `${refusal.message} The order is ${statusLabel(refusal.orderStatus).toLowerCase()}.`
    case "RateLimited":
      return `Nothing was done: wait ${refusal.retryAfter} seconds.`
    case "PaymentProviderUnavailable":
      return "Stripe isn’t answering. Decide again: it is decided once."
    case "IdempotencyKeyReused":
    case "OrderNotFound":
      return refusal.message
    default:
      return (refusal satisfies never as { message: string }).message
  }
}
