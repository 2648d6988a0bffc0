import type { OrderStatus, PaymentStatus } from "../gql/graphql.ts"

/** Confirmed, and the bank takes its time: nothing to pay, and nothing to cancel. */
export const isAtBank = ({ status, payments }: { status: OrderStatus; payments: { status: PaymentStatus }[] }): boolean =>
  status === "PENDING" && payments.some((payment) => payment.status === "PROCESSING")

const CLOSED = ["won", "lost", "warning_closed", "prevented"] // Stripe's words

export const isOpenDispute = ({ status }: { status: string }): boolean => !CLOSED.includes(status)

export const isDisputed = ({ disputes }: { disputes: { status: string }[] }): boolean => disputes.some(isOpenDispute)

/** As people say an order's id. */
export const shortId = (id: string): string => id.slice(0, 8).toUpperCase()
