import type { DeliveryStatus, EventType } from "../gql/graphql.ts"
import type { Tone } from "../parts/notice.tsx"

const TYPES: Record<EventType, string> = {
  ORDER_PAID: "Order paid",
  ORDER_CANCELED: "Order canceled",
  ORDER_REVIEW: "Order in review",
  ORDER_REFUNDED: "Order refunded",
  ORDER_UPDATED: "Order updated",
  REFUND_FAILED: "Refund failed",
  DISPUTE_OPENED: "Dispute opened",
  DISPUTE_CLOSED: "Dispute closed",
  ATTENTION_NEEDED: "Attention needed",
}

export const EVENT_TYPES = Object.entries(TYPES) as [EventType, string][]

export const typeLabel = (type: EventType): string => TYPES[type] ?? type

/** Which events an endpoint is sent. */
export const typesLabel = (types: readonly EventType[]): string =>
  EVENT_TYPES.every(([type]) => types.includes(type)) ? "all" : types.map(typeLabel).join(", ")

const STATUS: Record<DeliveryStatus, { label: string; tone: Tone }> = {
  DUE: { label: "due", tone: "wait" },
  DELIVERED: { label: "delivered", tone: "good" },
  GIVEN_UP: { label: "given up", tone: "bad" },
}

export const deliveryLabel = (status: DeliveryStatus): { label: string; tone: Tone } => STATUS[status] ?? { label: status, tone: "quiet" }

/** The status that an address names; `null` for any. */
export function statusFrom(text: string | null): DeliveryStatus | null {
  const name = text?.toUpperCase() ?? ""
  return Object.hasOwn(STATUS, name) ? (name as DeliveryStatus) : null
}

interface Tried {
  attempts: number
  lastHttpStatus: number | null
  lastError: string | null
}

/** What the endpoint answered last: its status, why that was no success, and how often it was asked. */
export function answerOf({ attempts, lastHttpStatus, lastError }: Tried): string {
  if (!attempts) return "not tried yet"
  const answer = lastError ?? (lastHttpStatus === null ? "no answer yet" : `answered ${lastHttpStatus}`)
  return attempts > 1 ? `${answer}, ${attempts} tries` : answer
}
