import type { OrderFieldsFragment, OrderStatus } from "../gql/graphql.ts"
import { Link, Money, Notice, shortId } from "./parts.tsx"
import { pictureOf } from "./pictures.ts"

/** How the order stands, said to the customer. */
export function Result({ status, id }: { status: OrderStatus; id: string }) {
  const orders = (
    <Link className="button quiet" to={{ page: "orders" }}>
      My orders
    </Link>
  )
  switch (status) {
    case "PAID":
      return (
        <>
          <Notice tone="good" title="Your payment arrived.">
            <p>{id ? `Order ${shortId(id)} is` : "Your order is"} paid in full, and we are packing it.</p>
          </Notice>
          <p className="actions">
            <Link className="button" to={{ page: "shop" }}>
              Keep looking
            </Link>
            {orders}
          </p>
        </>
      )
    case "REVIEW":
      return (
        <Notice tone="wait" title="We have your money, and are having a look.">
          <p>The amount that arrived differs from the order’s. A person checks it; you don’t have to do anything.</p>
          {orders}
        </Notice>
      )
    case "CANCELED":
      return (
        <Notice tone="wait" title="This order was canceled.">
          <p>There is nothing to pay. If a payment still arrives, it is refunded in full.</p>
          {orders}
        </Notice>
      )
    case "REFUNDED":
    case "PARTIALLY_REFUNDED":
      return (
        <Notice tone="wait" title={status === "REFUNDED" ? "This order was refunded." : "A part of this order was refunded."}>
          <p>There is nothing to pay. The money comes back to your card within some days.</p>
          {orders}
        </Notice>
      )
    case "PENDING":
      return (
        <Notice tone="wait" title="This order waits to be paid.">
          {id && (
            <Link className="button" to={{ page: "pay", id }}>
              Continue to pay
            </Link>
          )}
        </Notice>
      )
    default:
      return <Notice tone="wait" title={`This order is ${String(status satisfies never).toLowerCase()}.`}>{orders}</Notice>
  }
}

export function Summary({ order }: { order: OrderFieldsFragment }) {
  return (
    <section className="summary" aria-labelledby="summary">
      <h2 id="summary">Order {shortId(order.id)}</h2>
      <ul className="lines">
        {order.items.map((item) => (
          <li key={item.productId}>
            <img src={pictureOf(item.productName)} alt="" width="56" height="56" />
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
    </section>
  )
}
