import type { CancelReason, DeskOrderFragment, PaymentDisposition, PaymentStatus, RefundCause, RefundStatus, ReviewDecision } from "../gql/graphql.ts"
import type { Amount } from "../../shared/money.ts"
import type { Tone } from "../parts/notice.tsx"
import { typeLabel } from "../webhooks/words.ts"
import { type KeyNames, actorLabel } from "./actors.ts"
import type { OrderEvent } from "./events.ts"

/** Something that happened to the order's money. */
export interface Entry {
  at: string
  what: string
  tone: Tone
  amount: Amount | null
  /** Who or what did it, why, and Stripe's ids. */
  details: string[]
  /** How it went to the shop's own systems. */
  deliveries?: Delivery[]
}

export type Delivery = NonNullable<OrderEvent["deliveries"]>[number]

type Payment = DeskOrderFragment["payments"][number]
type Refund = DeskOrderFragment["refunds"][number]

/** Everything that is known with its time, the newest first. */
export function timelineOf(order: DeskOrderFragment, events: readonly OrderEvent[] = [], names: KeyNames = new Map()): Entry[] {
  const placed: Entry = { at: order.createdAt, what: "Order placed", tone: "quiet", amount: order.total, details: order.reference ? ["by the shop’s own system"] : [] }
  const entries = [
    placed,
    ...order.payments.flatMap(payment),
    ...order.refunds.map((each) => refund(each, names)),
    ...order.reviews.map((each) => decided(each, names)),
    ...canceled(order, names),
    ...order.disputes.map(({ createdAt, amount, reason, status, id }): Entry => ({
      at: createdAt, what: `The bank disputes it: ${words(reason)}`, tone: "bad", amount, details: [`now ${words(status)}`, id],
    })),
    ...events.flatMap(told),
  ]
  // What happened in one instant stays in its order.
  return entries.map((entry, place) => ({ entry, place })).sort((one, other) => other.entry.at.localeCompare(one.entry.at) || other.place - one.place).map(({ entry }) => entry)
}

const PAYMENT: Record<PaymentStatus, { what: string; tone: Tone }> = {
  CREATING: { what: "Payment begun", tone: "quiet" },
  OPEN: { what: "Payable: the card form was opened", tone: "quiet" },
  PROCESSING: { what: "Confirmed: the bank takes its time", tone: "wait" },
  CANCELING: { what: "Payment being canceled", tone: "quiet" },
  SUCCEEDED: { what: "Money received", tone: "good" },
  CANCELED: { what: "Payment canceled: nobody can pay it any more", tone: "quiet" },
  FAILED: { what: "Stripe refused the payment", tone: "bad" },
  ABANDONED: { what: "Payment given up before anybody could pay it", tone: "quiet" },
}

const DISPOSITION: Record<PaymentDisposition, string | null> = {
  SETTLED: null,
  DUPLICATE: "the order had been paid already: refunded in full",
  LATE: "the order had been canceled: refunded in full",
  MISMATCH: "not the order’s total: under review",
}

function payment({ history, status, disposition, received, paymentIntentId, createdAt }: Payment): Entry[] {
  const changes = history ?? [{ at: createdAt, toStatus: status, fromStatus: null, cause: "" }]
  return changes.map(({ at, fromStatus, toStatus, cause }) => {
    const isMoney = toStatus === "SUCCEEDED"
    const meaning = isMoney && disposition ? DISPOSITION[disposition] : null
    const { what, tone } = PAYMENT[toStatus] ?? { what: toStatus, tone: "quiet" }
    return {
      at,
      what: toStatus === "OPEN" && fromStatus === "PROCESSING" ? "The bank declined: payable again" : what,
      tone: meaning ? "bad" : tone,
      amount: isMoney ? received : null,
      details: [meaning, causeOf(cause), isMoney || toStatus === "OPEN" ? paymentIntentId : null].filter(isText),
    }
  })
}

/** Who moved a payment. Events of Stripe's are named by their ids, which their logs know. */
function causeOf(cause: string): string {
  if (cause.startsWith("evt_")) return `Stripe’s event ${cause}`
  return CAUSES[cause] ?? cause
}

const CAUSES: Record<string, string> = {
  createPaymentIntent: "the customer",
  cancelOrder: "somebody canceled the order",
  updateOrder: "the order was changed",
  resolveReview: "a decision about the review",
  refund: "a refund",
  reconcile: "the sweep",
  expired: "the order expired",
  "order looked at": "a look at Stripe",
}

const DECISION: Record<ReviewDecision, string> = {
  ACCEPT: "Review: what was received was accepted",
  REFUND: "Review: all of it goes back",
}

function decided({ decision, decidedAt, decidedBy, note }: DeskOrderFragment["reviews"][number], names: KeyNames): Entry {
  return {
    at: decidedAt, what: DECISION[decision] ?? `Review: ${decision}`, tone: "quiet", amount: null,
    details: [`by ${actorLabel(decidedBy, names)}`, `note: ${note}`],
  }
}

const CANCELED: Record<CancelReason, string> = { CUSTOMER: "by the customer", MERCHANT: "by the shop", EXPIRED: "not paid in time" }

/** Why an order was canceled, and by whom, for people. */
export function cancellation({ cancelReason, canceledBy, userId }: DeskOrderFragment, names: KeyNames): string | null {
  if (!cancelReason) return null
  const reason = CANCELED[cancelReason] ?? cancelReason
  return canceledBy && canceledBy !== userId ? `${reason}: ${actorLabel(canceledBy, names)}` : reason
}

function canceled(order: DeskOrderFragment, names: KeyNames): Entry[] {
  const why = cancellation(order, names)
  return order.canceledAt ? [{ at: order.canceledAt, what: "Order canceled", tone: "quiet", amount: null, details: why ? [why] : [] }] : []
}

/** An event that a webhook endpoint was sent, or is to be. */
function told({ type, createdAt, deliveries }: OrderEvent): Entry[] {
  if (!deliveries?.length) return []
  const stand = (wanted: Delivery["status"]) => deliveries.some(({ status, attempts }) => status === wanted && attempts > 0)
  const tone = stand("GIVEN_UP") ? "bad" : stand("DUE") ? "wait" : "quiet"
  return [{ at: createdAt, what: `Webhook: ${typeLabel(type).toLowerCase()}`, tone, amount: null, details: [], deliveries: [...deliveries] }]
}

const REFUND: Record<RefundStatus, { what: string; tone: Tone }> = {
  CREATING: { what: "Refund recorded; Stripe has not confirmed it yet", tone: "wait" },
  PENDING: { what: "Refund on its way", tone: "wait" },
  REQUIRES_ACTION: { what: "Refund waits for the customer", tone: "wait" },
  SUCCEEDED: { what: "Refunded", tone: "quiet" },
  FAILED: { what: "Refund failed", tone: "bad" },
  CANCELED: { what: "Refund called off", tone: "quiet" },
}

export const refundLabel = (status: RefundStatus): string => REFUND[status]?.what ?? status

const REFUND_CAUSE: Record<RefundCause, string> = {
  MERCHANT: "the shop",
  DASHBOARD: "Stripe’s dashboard",
  DUPLICATE: "paid twice",
  LATE: "paid after it was canceled",
}

function refund({ createdAt, status, cause, amount, reason, note, customerMessage, failureReason, requestedBy }: Refund, names: KeyNames): Entry {
  const { what, tone } = REFUND[status] ?? { what: status, tone: "quiet" }
  return {
    at: createdAt,
    what,
    tone,
    amount,
    details: [
      REFUND_CAUSE[cause] ?? cause,
      requestedBy && `by ${actorLabel(requestedBy, names)}`,
      reason && words(reason),
      failureReason && `Stripe says: ${words(failureReason)}`,
      note && `note: ${note}`,
      customerMessage && `told to the customer: ${customerMessage}`,
    ].filter(isText),
  }
}

const isText = (text: string | null): text is string => Boolean(text)

/** Stripe's words have underscores. */
export const words = (text: string): string => text.replaceAll("_", " ")
