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
  disputes: { status: string; amount: CountedAmount }[]
}

const COLUMNS = [
  "placed", "order", "reference", "user", "email", "status", "currency", "total", "received", "returned", "left",
  "payment_intents", "disputes", "lost_in_disputes",
] as const

/** A file of RFC 4180, with the byte order mark by which spreadsheets know UTF-8. Amounts have a point and no thousands. */
export function csvOf(orders: readonly Exported[]): string {
  const rows = orders.map((order) => {
    const { received, returned, taken, left } = balanceOf(order, order.total)
    return [
      order.createdAt, order.id, order.reference, order.userId, order.receiptEmail, order.status.toLowerCase(),
      order.total.currency, order.total.amount, received.amount, returned.amount, left.amount,
      order.payments.flatMap(({ paymentIntentId }) => paymentIntentId ?? []).join(" "),
      order.disputes.map(({ status }) => status).join(" "), taken.amount,
    ]
  })
  return `\uFEFF${[COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`
}

// Where a formula begins: at the start, and behind what a spreadsheet of another language takes for the end of a cell
// (a semicolon, a tab) or of a line, since it then overlooks the quotes. The signs have wide twins.
const FORMULA = /(^|[;\t\r\n])(?=\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])|^(?=[\t\r\n])/g

/** A text that a spreadsheet would take for a formula is a customer's or a stranger's: the apostrophe makes it a text. */
function cell(value: string | null): string {
  const text = value ?? ""
  const safe = /^-?\d+(\.\d+)?$/.test(text) ? text : text.replace(FORMULA, "$1'")
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
