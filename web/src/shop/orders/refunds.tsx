import type { OrderStandingFragment, RefundStatus } from "../../gql/graphql.ts"
import { shortDate } from "../../shared/dates.ts"
import { Money } from "../parts/money.tsx"

const REFUND_STATUS: Record<RefundStatus, string> = {
  CREATING: "being arranged",
  PENDING: "on its way",
  REQUIRES_ACTION: "waiting for the customer",
  SUCCEEDED: "given back",
  FAILED: "refused by the bank",
  CANCELED: "called off",
}

export const refundLabel = (status: RefundStatus): string => REFUND_STATUS[status] ?? status

export function Refunds({ order }: { order: OrderStandingFragment }) {
  if (order.refunds.length === 0) return null
  return (
    <section aria-labelledby="refunds">
      <h2 id="refunds">Refunds</h2>
      <ul className="lines">
        {order.refunds.map((refund) => (
          <li key={refund.id}>
            <Money of={refund.amount} />
            <span className="muted">{shortDate(refund.createdAt)}</span>
            <span>{refundLabel(refund.status)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
