import { useState } from "react"
import { shortId } from "../../shared/standing.ts"
import { graphql } from "../../gql/index.ts"
import type { OrderLineKind, OrderSummaryFragment } from "../../gql/graphql.ts"
import { pictureOf } from "../catalogue/pictures.ts"
import { Money } from "../parts/money.tsx"

export const ORDER_SUMMARY = graphql(/* GraphQL */ `
  fragment OrderSummary on Order {
    id
    revision
    total { minorUnits amount currency }
    lines { kind name quantity unitAmount { amount currency } subtotal { amount currency } }
  }
`)

type Line = OrderSummaryFragment["lines"][number]

const isProduct = ({ kind }: Line): boolean => kind === "PRODUCT"

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
        <span className="muted">{thingsIn(order.lines.filter(isProduct))}</span>
        <strong className="summary-total">
          <Money of={order.total} />
        </strong>
      </summary>
      <ul className="lines">
        {order.lines.filter(isProduct).map((line, place) => (
          <li key={place}>
            <img src={pictureOf(line.name)} alt="" width="56" height="56" loading="lazy" />
            <div>
              <p className="line-name">{line.name}</p>
              <p className="muted">
                {line.quantity} × <Money of={line.unitAmount} />
              </p>
            </div>
            <Money of={line.subtotal} />
          </li>
        ))}
      </ul>
      <Extras lines={order.lines.filter((line) => !isProduct(line))} />
      <p className="total">
        <span>Total</span>
        <strong>
          <Money of={order.total} />
        </strong>
      </p>
    </details>
  )
}

const EXTRAS: Record<OrderLineKind, string> = {
  PRODUCT: "Product",
  SHIPPING: "Shipping",
  TAX: "Tax",
  FEE: "Fee",
  TIP: "Tip",
  DISCOUNT: "Discount",
  CREDIT: "Credit",
  ADJUSTMENT: "Adjustment",
}

/** Shipping, tax, a voucher and the like: what is no product, and what takes away with its minus. */
function Extras({ lines }: { lines: Line[] }) {
  if (lines.length === 0) return null
  return (
    <dl className="extras">
      {lines.map(({ kind, name, quantity, subtotal }, place) => (
        <div key={place}>
          <dt>
            {EXTRAS[kind] ?? kind}
            <span className="muted">
              {quantity > 1 && `${quantity} × `}
              {name}
            </span>
          </dt>
          <dd>
            <Money of={subtotal} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
