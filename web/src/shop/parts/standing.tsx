import { graphql } from "../../gql/index.ts"
import type { OrderStandingFragment, OrderStatus } from "../../gql/graphql.ts"
import { isTaken } from "../../shared/balance.ts"
import { isAtBank, isDisputed } from "../../shared/standing.ts"

/** What of an order may change while a page shows it: everything that `followOrder` keeps up to date. */
export const ORDER_STANDING = graphql(/* GraphQL */ `
  fragment OrderStanding on Order {
    id
    revision
    status
    expiresAt
    cancelReason
    total { minorUnits amount currency }
    payments { id status received { minorUnits amount currency } }
    refunds { id status createdAt amount { minorUnits amount currency } }
    disputes { id status amount { minorUnits amount currency } }
  }
`)

type Tone = "wait" | "good" | "quiet" | "bad"

const STATUS: Record<OrderStatus, { label: string; tone: Tone }> = {
  PENDING: { label: "Waiting for payment", tone: "wait" },
  PAID: { label: "Paid", tone: "good" },
  PARTIALLY_REFUNDED: { label: "Partly refunded", tone: "quiet" },
  REFUNDED: { label: "Refunded", tone: "quiet" },
  CANCELED: { label: "Canceled", tone: "quiet" },
  REVIEW: { label: "Being looked at", tone: "bad" },
}

export const statusLabel = (status: OrderStatus): string => STATUS[status]?.label ?? status

function standingOf(order: OrderStandingFragment): { label: string; tone: Tone } {
  if (isDisputed(order)) return { label: "Disputed", tone: "bad" }
  if (isTaken(order, order.total)) return { label: "Taken back by the bank", tone: "bad" }
  if (isAtBank(order)) return { label: "With the bank", tone: "wait" }
  return STATUS[order.status] ?? { label: order.status, tone: "quiet" }
}

export function StatusPill({ order }: { order: OrderStandingFragment }) {
  const { label, tone } = standingOf(order)
  return <span className={`pill ${tone}`}>{label}</span>
}
