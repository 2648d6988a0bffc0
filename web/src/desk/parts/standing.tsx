import { graphql } from "../gql/index.ts"
import type { DeskStandingFragment, OrderStatus } from "../gql/graphql.ts"
import { isAtBank, isDisputed } from "../../shared/standing.ts"
import type { Tone } from "./notice.tsx"

export const DESK_STANDING = graphql(/* GraphQL */ `
  fragment DeskStanding on Order {
    id
    revision
    status
    expiresAt
    cancelReason
    total { minorUnits amount currency }
    payments { id status disposition paymentIntentId received { minorUnits amount currency } }
    refunds { id status amount { minorUnits amount currency } }
    disputes { id status dueBy amount { minorUnits amount currency } }
  }
`)

const STATUS: Record<OrderStatus, { label: string; tone: Tone }> = {
  PENDING: { label: "Unpaid", tone: "wait" },
  PAID: { label: "Paid", tone: "good" },
  PARTIALLY_REFUNDED: { label: "Partly refunded", tone: "quiet" },
  REFUNDED: { label: "Refunded", tone: "quiet" },
  CANCELED: { label: "Canceled", tone: "quiet" },
  REVIEW: { label: "Review", tone: "bad" },
}

export const statusLabel = (status: OrderStatus): string => STATUS[status]?.label ?? status

export function standingOf(order: Pick<DeskStandingFragment, "status" | "payments">): { label: string; tone: Tone } {
  if (isAtBank(order)) return { label: "With the bank", tone: "wait" }
  return STATUS[order.status] ?? { label: order.status, tone: "quiet" }
}

export interface Flag {
  label: string
  tone: Tone
}

/** What else has to be known of an order, at a glance. */
export function flagsOf(order: DeskStandingFragment): Flag[] {
  const flags: Flag[] = []
  if (isDisputed(order)) flags.push({ label: "Disputed", tone: "bad" })
  else if (order.disputes.some(({ status }) => status === "lost")) flags.push({ label: "Dispute lost", tone: "quiet" })
  if (order.refunds.some(({ status }) => status === "FAILED")) flags.push({ label: "Refund failed", tone: "bad" })
  if (order.payments.some(({ disposition }) => disposition === "DUPLICATE")) flags.push({ label: "Paid twice", tone: "quiet" })
  if (order.payments.some(({ disposition }) => disposition === "LATE")) flags.push({ label: "Paid late", tone: "quiet" })
  if (order.cancelReason === "EXPIRED") flags.push({ label: "Expired", tone: "quiet" })
  return flags
}

export const Pill = ({ label, tone }: Flag) => <span className={`pill ${tone}`}>{label}</span>

export const Standing = ({ order }: { order: DeskStandingFragment }) => (
  <span className="pills">
    <Pill {...standingOf(order)} />
    {flagsOf(order).map((flag) => (
      <Pill key={flag.label} {...flag} />
    ))}
  </span>
)
