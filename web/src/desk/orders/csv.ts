import type { OrderStatus } from "../gql/graphql.ts"
import { balanceOf } from "../../shared/balance.ts"
import type { CountedAmount } from "../../shared/money.ts"

/** What a line of the file is made of. */
export interface Exported {
  id: string
  reference: string | null
  createdAt: string
  userId: string | null
  receiptEmail: string | null
  status: OrderStatus
  total: CountedAmount
  payments: { received: CountedAmount; paymentIntentId: string | null; status: string }[]
  refunds: Parameters<typeof balanceOf>[0]["refunds"]
  disputes: { status: string }[]
}

const COLUMNS = [
  "placed", "order", "reference", "user", "email", "status", "currency", "total", "received", "returned", "left",
  "payment_intents", "disputes",
] as const

/** A file of RFC 4180, with the byte order mark by which spreadsheets know UTF-8. Amounts have a point and no thousands. */
export function csvOf(orders: readonly Exported[]): string {
  const rows = orders.map((order) => {
    const { received, returned, left } = balanceOf(order, order.total)
    return [
      order.createdAt, order.id, order.reference, order.userId, order.receiptEmail, order.status.toLowerCase(),
      order.total.currency, order.total.amount, received.amount, returned.amount, left.amount,
      order.payments.flatMap(({ paymentIntentId }) => paymentIntentId ?? []).join(" "),
      order.disputes.map(({ status }) => status).join(" "),
    ]
  })
  return `\uFEFF${[COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`
}

/** A text that a spreadsheet would take for a formula is a customer's or a stranger's: the apostrophe makes it a text. */
function cell(value: string | null): string {
  const text = value ?? ""
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
