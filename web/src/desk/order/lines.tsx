import type { DeskOrderFragment, OrderLineKind } from "../gql/graphql.ts"
import { Money } from "../parts/money.tsx"

const KINDS: Record<OrderLineKind, string | null> = {
  PRODUCT: null,
  SHIPPING: "Shipping",
  TAX: "Tax",
  FEE: "Fee",
  TIP: "Tip",
  DISCOUNT: "Discount",
  CREDIT: "Credit",
  ADJUSTMENT: "Adjustment",
}

export function Lines({ order }: { order: DeskOrderFragment }) {
  return (
    <table>
      <caption className="visually-hidden">Lines of the order</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col" className="amount less">
            Each
          </th>
          <th scope="col" className="amount">
            Sum
          </th>
        </tr>
      </thead>
      <tbody>
        {order.lines.map(({ kind, reference, name, quantity, unitAmount, subtotal }, place) => (
          <tr key={place}>
            <td className="wraps">
              {KINDS[kind] && <span className="muted">{KINDS[kind]}: </span>}
              {quantity > 1 && `${quantity} × `}
              <bdi>{name}</bdi>
              {reference && <bdi className="muted"> {reference}</bdi>}
            </td>
            <td className="amount less">
              <Money of={unitAmount} />
            </td>
            <td className="amount">
              <Money of={subtotal} />
            </td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td className="less" />
          <td className="amount">
            <Money of={order.total} />
          </td>
        </tr>
      </tfoot>
    </table>
  )
}
