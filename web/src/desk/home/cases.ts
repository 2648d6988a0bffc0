import type { AttentionKind } from "../gql/graphql.ts"

/** What a case is, in a few words. Its message says the rest. */
const KINDS: Record<AttentionKind, string> = {
  ORDER_IN_REVIEW: "Order in review",
  REFUND_FAILED: "Refund failed",
  REFUND_FORBIDDEN: "Refund not allowed",
  DISPUTE_OPEN: "Dispute",
  AUTHORIZATION_LAPSES: "Authorization lapses",
  MONEY_WITHOUT_ORDER: "Money without an order",
  EVENT_UNFINISHED: "Event unfinished",
  KEY_LACKS_PERMISSION: "Key lacks a permission",
  WEBHOOK_DISABLED: "Webhook disabled",
  STRIPE_ACCOUNT_CHANGED: "Another Stripe account",
}

export const kindLabel = (kind: AttentionKind): string => KINDS[kind] ?? kind

interface Urgent {
  dueBy: string | null
  openedAt: string
}

/** What is due first comes first, then what waits longest. */
export const byUrgency = (one: Urgent, other: Urgent): number =>
  (one.dueBy ?? "9").localeCompare(other.dueBy ?? "9") || one.openedAt.localeCompare(other.openedAt)
