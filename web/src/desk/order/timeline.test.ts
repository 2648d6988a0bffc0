import assert from "node:assert/strict"
import { test } from "node:test"
import type { DeskOrderFragment } from "../gql/graphql.ts"
import type { OrderEvent } from "./events.ts"
import { type Delivery, timelineOf } from "./timeline.ts"

const usd = (minorUnits: number, amount: string) => ({ __typename: "Money" as const, minorUnits, amount, currency: "USD" })
const at = (minute: number) => `2026-11-26T10:${String(minute).padStart(2, "0")}:00+00:00`
type Payment = DeskOrderFragment["payments"][number]
type Step = NonNullable<Payment["history"]>[number]

const step = (minute: number, fromStatus: Step["fromStatus"], toStatus: Step["toStatus"], cause = "createPaymentIntent"): Step => ({
  __typename: "PaymentTransition", at: at(minute), fromStatus, toStatus, cause,
})
const payment = (history: Step[], more: Partial<Payment> = {}): Payment => ({
  __typename: "Payment", id: "p", status: "SUCCEEDED", disposition: "SETTLED", paymentIntentId: "pi_1", createdAt: at(1),
  amount: usd(1_999, "19.99"), received: usd(1_999, "19.99"), history, ...more,
})
const order = (more: Partial<DeskOrderFragment>): DeskOrderFragment => ({
  __typename: "Order", id: "1", status: "PAID", reference: null, userId: "ada", receiptEmail: null, createdAt: at(0), updatedAt: at(9),
  expiresAt: null, cancelReason: null, canceledAt: null, canceledBy: null, reviews: [], openReview: null, version: 1, revision: 1, total: usd(1_999, "19.99"), lines: [], metadata: [], payments: [], refunds: [], disputes: [],
  ...more,
})
const told = (each: DeskOrderFragment) => timelineOf(each).map(({ what, details }) => [what, ...details].join(" · "))

test("a paid order tells how it came to its money, the newest first", () => {
  const history = [step(1, null, "CREATING"), step(1, "CREATING", "OPEN"), step(3, "OPEN", "SUCCEEDED", "evt_1")]
  assert.deepEqual(told(order({ payments: [payment(history)] })), [
    "Money received · Stripe’s event evt_1 · pi_1",
    "Payable: the card form was opened · the customer · pi_1",
    "Payment begun · the customer",
    "Order placed",
  ])
})

test("money that doesn't fit says so, and who returned it", () => {
  const history = [step(5, "OPEN", "SUCCEEDED", "reconcile")]
  const refund: DeskOrderFragment["refunds"][number] = {
    __typename: "Refund", id: "r", status: "FAILED", cause: "LATE", amount: usd(1_999, "19.99"), createdAt: at(6), reason: null, note: null,
    customerMessage: null, failureReason: "expired_or_canceled_card", requestedBy: null,
  }
  assert.deepEqual(told(order({ payments: [payment(history, { disposition: "LATE" })], refunds: [refund] })).slice(0, 2), [
    "Refund failed · paid after it was canceled · Stripe says: expired or canceled card",
    "Money received · the order had been canceled: refunded in full · the sweep · pi_1",
  ])
})

test("who gave money back is named, and so is what the shop's systems were told", () => {
  const refund: DeskOrderFragment["refunds"][number] = {
    __typename: "Refund", id: "r", status: "SUCCEEDED", cause: "MERCHANT", amount: usd(100, "1.00"), createdAt: at(6), reason: null, note: "broken",
    customerMessage: null, failureReason: null, requestedBy: "mara",
  }
  const delivery: Delivery = {
    __typename: "WebhookDelivery", id: "d", endpointId: "e", endpointUrl: "https://shop.example/hook", status: "GIVEN_UP", attempts: 9,
    lastHttpStatus: 500, lastError: "answered 500", dueAt: null, deliveredAt: null,
  }
  const event: OrderEvent = { __typename: "Event", id: "v", type: "ORDER_REFUNDED", createdAt: at(7), deliveries: [delivery] }
  const [told, given] = timelineOf(order({ refunds: [refund] }), [event, { ...event, deliveries: [] }, { ...event, deliveries: null }])
  assert.deepEqual([told?.what, told?.tone, told?.deliveries], ["Webhook: order refunded", "bad", [delivery]])
  assert.deepEqual(given?.details, ["the shop", "by mara", "note: broken"])
})

test("who canceled an order, and who decided its review, are named as people know them", () => {
  const names = new Map([["11111111-2222", "warehouse"]])
  const canceledBy = (cancelReason: DeskOrderFragment["cancelReason"], by: string | null) =>
    timelineOf(order({ status: "CANCELED", cancelReason, canceledBy: by, canceledAt: at(8) }), [], names)[0]
  for (const [reason, by, details] of [
    ["CUSTOMER", "ada", "by the customer"],
    ["CUSTOMER", "checkout:1", "by the customer: a guest with the order’s link"],
    ["MERCHANT", "mara", "by the shop: mara"],
    ["MERCHANT", "key:11111111-2222", "by the shop: the service key warehouse"],
    ["MERCHANT", "key:99999999-2222", "by the shop: the service key 99999999"],
    ["MERCHANT", null, "by the shop"],
    ["EXPIRED", null, "not paid in time"],
  ] as const) {
    assert.deepEqual([canceledBy(reason, by)?.what, canceledBy(reason, by)?.details], ["Order canceled", [details]])
  }
  const review: DeskOrderFragment["reviews"][number] = {
    __typename: "Review", id: "w", decision: "ACCEPT", note: "We agreed.", decidedBy: "key:11111111-2222", decidedAt: at(7),
  }
  const [told] = timelineOf(order({ reviews: [review] }), [], names)
  assert.deepEqual([told?.what, told?.details], ["Review: what was received was accepted", ["by the service key warehouse", "note: We agreed."]])
})

test("a bank that declines after a while is not the form's first opening", () => {
  const history = [step(1, "OPEN", "PROCESSING"), step(2, "PROCESSING", "OPEN", "evt_2")]
  assert.match(told(order({ payments: [payment(history, { status: "OPEN", disposition: null })] }))[0] ?? "", /^The bank declined/)
})

test("a key that sees no history sees at least how each payment stands", () => {
  assert.match(told(order({ payments: [payment([], { history: null })] }))[0] ?? "", /^Money received/)
})

test("words of a newer server are shown as they are", () => {
  const newer = { ...payment([{ ...step(1, null, "OPEN"), toStatus: "FROZEN" as never, cause: "a new cause" }]) }
  assert.equal(told(order({ payments: [newer] }))[0], "FROZEN · a new cause")
})
