import { useApolloClient, useMutation } from "@apollo/client/react"
import { type FormEvent, useId, useRef, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskOrderFragment, DeskReviewMutation, ReviewDecision } from "../gql/graphql.ts"
import { type Attempt, didNothing, isForbidden, messageOf } from "../../shared/failure.ts"
import { formatMoney, isSameAmount, listOf } from "../../shared/money.ts"
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

type OpenReview = NonNullable<DeskOrderFragment["openReview"]>

/** In review, or with money that waits for a decision, whatever somebody made of the order's status. */
export const isForReview = (order: DeskOrderFragment): boolean => order.status === "REVIEW" || order.openReview !== null

export function Review({ order }: { order: DeskOrderFragment }) {
  const { openReview: review } = order
  const [decision, setDecision] = useState<ReviewDecision | null>(null)
  const id = useId()
  return (
    <section className="decide" aria-labelledby={id}>
      <h2 id={id}>Needs your decision</h2>
      {review ? (
        <p>
          {listOf(review.here)} {review.here.length > 1 ? "are" : "is"} here, and the order’s total is {formatMoney(order.total)}. Hand nothing over
          until it is decided.
        </p>
      ) : (
        <p>The order is in review, and no money of it waits for a decision. Hand nothing over.</p>
      )}
      {review && refusalsOf(review).map((refusal) => <p key={refusal}>{refusal}</p>)}
      <div className="actions">
        {review?.accept.refusal === null && (
          <button className="button" onClick={() => setDecision("ACCEPT")}>
            Accept {formatMoney(review.accept.total)}…
          </button>
        )}
        {review?.refund.refusal === null && (
          <button className="button" onClick={() => setDecision("REFUND")}>
            Give back {listOf(review.refund.givesBack)}…
          </button>
        )}
      </div>
      {decision && review && <Decide order={order} review={review} decision={decision} close={() => setDecision(null)} />}
    </section>
  )
}

/** Why a decision can't be made, each reason once. */
const refusalsOf = ({ accept, refund }: OpenReview): string[] => [...new Set([accept.refusal, refund.refusal])].filter((refusal) => refusal !== null)

interface Question {
  order: DeskOrderFragment
  review: OpenReview
  decision: ReviewDecision
  close: () => void
}

function Decide({ order, review, decision, close }: Question) {
  const client = useApolloClient()
  const [resolve, { loading }] = useMutation(REVIEW)
  const [problem, setProblem] = useState<string | null>(null)
  const busy = useRef(false)
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
    <Dialog title={accepts ? "Accept what was received?" : "Give it back?"} close={close} keeps={loading}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <p className="question">{accepts ? <Accepting order={order} outcome={review.accept} /> : <GivingBack outcome={review.refund} />}</p>
        <Field label="Why, for the shop">{(id) => <textarea id={id} name="note" rows={2} maxLength={500} />}</Field>
        {problem && <Notice tone="bad" title={problem} />}
        <div className="actions">
          <button className={accepts ? "button strong" : "button danger"} aria-disabled={loading}>
            {loading ? "Deciding…" : accepts ? `Accept ${formatMoney(review.accept.total)}` : `Give back ${listOf(review.refund.givesBack)}`}
          </button>
          <button type="button" className="button" onClick={close}>
            Decide later
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function Accepting({ order, outcome: { total, givesBack, keeps } }: { order: DeskOrderFragment; outcome: OpenReview["accept"] }) {
  return (
    <>
      {isSameAmount(total, order.total) ? (
        <>
          The total stays <strong>{formatMoney(total)}</strong>
        </>
      ) : (
        <>
          A line “adjustment” makes the total <strong>{formatMoney(total)}</strong> instead of <strong>{formatMoney(order.total)}</strong>
        </>
      )}
      , and the order is paid.
      {givesBack.length > 0 && (
        <>
          {" "}
          Stripe is asked to give back <strong>{listOf(givesBack)}</strong>.
        </>
      )}
      {!keeps.some((kept) => isSameAmount(kept, total)) && (
        <>
          {" "}
          Of it <strong>{listOf(keeps)}</strong> is here: a bank took the rest in a lost dispute.
        </>
      )}
    </>
  )
}

function GivingBack({ outcome: { givesBack, keeps } }: { outcome: OpenReview["refund"] }) {
  return (
    <>
      Stripe is asked to give back <strong>{listOf(givesBack)}</strong>.
      {keeps.length > 0 && (
        <>
          {" "}
          <strong>{listOf(keeps)}</strong> stays here.
        </>
      )}
    </>
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
