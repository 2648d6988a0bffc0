import { useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { OrderSummaryFragment } from "../../gql/graphql.ts"
import { pictureOf } from "../catalogue/pictures.ts"
import { Money } from "../parts/money.tsx"
import { shortId } from "../parts/standing.tsx"

export const ORDER_SUMMARY = graphql(/* GraphQL */ `
  fragment OrderSummary on Order {
    id
    total { minorUnits amount currency }
    items { productId productName quantity unitPrice { amount currency } subtotal { amount currency } }
  }
`)

export const thingsIn = (items: { quantity: number }[]): string => {
  const count = items.reduce((all, { quantity }) => all + quantity, 0)
  return `${count} ${count === 1 ? "thing" : "things"}`
}

/** What is in the order. Beside the form it is open; on a phone it folds, so that the form comes first. */
export function Summary({ order }: { order: OrderSummaryFragment }) {
  const [isOpen, setOpen] = useState(() => matchMedia("(min-width: 60rem)").matches)
  return (
    <details className="summary" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <h2>Order {shortId(order.id)}</h2>
        <span className="muted">{thingsIn(order.items)}</span>
        <strong className="summary-total">
          <Money of={order.total} />
        </strong>
      </summary>
      <ul className="lines">
        {order.items.map((item) => (
          <li key={item.productId}>
            <img src={pictureOf(item.productName)} alt="" width="56" height="56" loading="lazy" />
            <div>
              <p className="line-name">{item.productName}</p>
              <p className="muted">
                {item.quantity} × <Money of={item.unitPrice} />
              </p>
            </div>
            <Money of={item.subtotal} />
          </li>
        ))}
      </ul>
      <p className="total">
        <span>Total</span>
        <strong>
          <Money of={order.total} />
        </strong>
      </p>
    </details>
  )
}
