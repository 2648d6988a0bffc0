import { graphql } from "../../gql/index.ts"
import type { OrderRowFragment } from "../../gql/graphql.ts"
import { shortDate } from "../../shared/dates.ts"
import { isAtBank, shortId } from "../../shared/standing.ts"
import { pictureOf } from "../catalogue/pictures.ts"
import { thingsIn } from "../checkout/summary.tsx"
import { Link } from "../parts/link.tsx"
import { Money } from "../parts/money.tsx"
import { StatusPill } from "../parts/standing.tsx"
import { useFollowed } from "./follow.ts"

export const ORDER_ROW = graphql(/* GraphQL */ `
  fragment OrderRow on Order {
    ...OrderStanding
    createdAt
    lines { kind name quantity }
  }
`)

const PAUSE = 15_000 // milliseconds: a list may be a little late

export function OrderRow({ order, isFollowed }: { order: OrderRowFragment; isFollowed: boolean }) {
  useFollowed(order.id, isFollowed, PAUSE)
  const things = order.lines.filter(({ kind }) => kind === "PRODUCT")
  return (
    <li>
      <article className="order" aria-labelledby={`order-${order.id}`}>
        <div className="order-pictures" aria-hidden="true">
          {things.slice(0, 3).map(({ name }, place) => (
            <img key={place} src={pictureOf(name)} alt="" width="64" height="64" />
          ))}
        </div>
        <div className="order-text">
          <h2 id={`order-${order.id}`}>
            <Link to={{ page: "order", id: order.id }}>Order {shortId(order.id)}</Link>
          </h2>
          <p className="muted">
            {shortDate(order.createdAt)} · {thingsIn(things)}
          </p>
          <StatusPill order={order} />
        </div>
        <strong className="order-total">
          <Money of={order.total} />
        </strong>
        <div className="order-actions">
          {order.status === "PENDING" && !isAtBank(order) ? (
            <Link className="button small" to={{ page: "pay", id: order.id }}>
              Continue to pay
            </Link>
          ) : (
            <Link className="button small quiet" to={{ page: "order", id: order.id }}>
              Details
            </Link>
          )}
        </div>
      </article>
    </li>
  )
}
