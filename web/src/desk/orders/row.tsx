import { graphql } from "../gql/index.ts"
import type { DeskOrderRowFragment, PaymentStatus } from "../gql/graphql.ts"
import { shortId } from "../../shared/standing.ts"
import { Link } from "../parts/link.tsx"
import { Moment } from "../parts/moment.tsx"
import { Money } from "../parts/money.tsx"
import { Standing } from "../parts/standing.tsx"

export const DESK_ORDER_ROW = graphql(/* GraphQL */ `
  fragment DeskOrderRow on Order {
    ...DeskStanding
    reference
    createdAt
    userId
    receiptEmail
    lines { kind name quantity }
  }
`)

export function OrderRow({ order }: { order: DeskOrderRowFragment }) {
  return (
    <tr>
      <td className="date">
        <Moment at={order.createdAt} />
      </td>
      <th scope="row">
        <Link to={{ page: "order", id: order.id }} row>
          {nameOf(order)}
        </Link>
      </th>
      <td className="text less">{customerOf(order)}</td>
      <td className="text less">{linesOf(order)}</td>
      <td className="text least muted">{paymentOf(order)}</td>
      <td>
        <Standing order={order} />
      </td>
      <td className="amount">
        <Money of={order.total} />
      </td>
    </tr>
  )
}

/** What people call the order: the shop's own number, or the first digits of ours. */
export const nameOf = ({ id, reference }: { id: string; reference: string | null }): string => reference ?? shortId(id)

export const customerOf = ({ receiptEmail, userId }: Pick<DeskOrderRowFragment, "receiptEmail" | "userId">): string =>
  receiptEmail ?? userId ?? "guest"

export function linesOf({ lines }: Pick<DeskOrderRowFragment, "lines">): string {
  const products = lines.filter(({ kind }) => kind === "PRODUCT")
  const [first] = products
  if (!first) return lines.length === 1 ? "1 line" : `${lines.length} lines`
  const more = products.length - 1
  return `${first.quantity} × ${first.name}${more ? ` + ${more} more` : ""}`
}

const PAYMENT: Record<PaymentStatus, string> = {
  CREATING: "being made",
  OPEN: "form open",
  PROCESSING: "with the bank",
  CANCELING: "being canceled",
  SUCCEEDED: "received",
  CANCELED: "form closed",
  FAILED: "refused by Stripe",
  ABANDONED: "given up",
}

/** How far the latest attempt to pay it has come. */
export function paymentOf({ payments }: Pick<DeskOrderRowFragment, "payments">): string {
  const last = payments.at(-1)
  if (!last) return "not begun"
  const word = PAYMENT[last.status] ?? last.status
  return payments.length > 1 ? `${word}, attempt ${payments.length}` : word
}
