import { useQuery } from "@apollo/client/react"
import type { FormEvent } from "react"
import type { OrderFieldsFragment, OrderStatus } from "../gql/graphql.ts"
import { user } from "./client.ts"
import { messageOf } from "./failure.ts"
import { CancelOrder, RefundForm, Refunds } from "./order-actions.tsx"
import { ORDER, ORDERS } from "./operations.ts"
import { Heading, Link, Money, Notice, Spinner, StatusPill, isAtBank, shortDate, shortId } from "./parts.tsx"
import { pictureOf } from "./pictures.ts"
import { Result, Summary } from "./result.tsx"
import { go } from "./route.ts"
import { useStore } from "./store.ts"

export function Orders() {
  const { data, error, loading, fetchMore, refetch } = useQuery(ORDERS, { pollInterval: 15_000 })
  const orders = data?.orders.nodes ?? []
  const merchant = useStore(user)?.role === "merchant"
  const older = () =>
    fetchMore({
      variables: { after: data?.orders.pageInfo.endCursor },
      updateQuery: (before, { fetchMoreResult: next }) => ({
        orders: { ...next.orders, nodes: [...before.orders.nodes, ...next.orders.nodes] },
      }),
    })
  return (
    <div className="narrow">
      <Heading title="My orders">My orders</Heading>
      {merchant && <FindOrder />}
      {loading && orders.length === 0 && <Spinner>Looking for your orders…</Spinner>}
      {error && orders.length === 0 && (
        <Notice tone="bad" title="Your orders could not be read.">
          <p>{messageOf(error)}</p>
          <button className="button" onClick={() => void refetch()}>
            Try again
          </button>
        </Notice>
      )}
      {data && orders.length === 0 && (
        <div className="empty">
          <p>You have not ordered anything yet.</p>
          <Link className="button" to={{ page: "shop" }}>
            To the shop
          </Link>
        </div>
      )}
      <ul className="orders">
        {orders.map((order) => (
          <OrderRow key={order.id} order={order} />
        ))}
      </ul>
      {data?.orders.pageInfo.hasNextPage && (
        <button className="button quiet" onClick={() => void older()}>
          Show older orders
        </button>
      )}
    </div>
  )
}

/** A shopkeeper may see anyone's order, by its number. */
function FindOrder() {
  const find = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const id = String(new FormData(event.currentTarget).get("id")).trim()
    if (id) go({ page: "order", id })
  }
  return (
    <form className="find" onSubmit={find}>
      <label>
        A customer’s order, by its full number
        <input name="id" required placeholder="00000000-0000-0000-0000-000000000000" />
      </label>
      <button className="button quiet">Find</button>
    </form>
  )
}

function OrderRow({ order }: { order: OrderFieldsFragment }) {
  const count = order.items.reduce((all, item) => all + item.quantity, 0)
  return (
    <li>
      <article className="order" aria-labelledby={`order-${order.id}`}>
        <div className="order-pictures" aria-hidden="true">
          {order.items.slice(0, 3).map((item) => (
            <img key={item.productId} src={pictureOf(item.productName)} alt="" width="64" height="64" />
          ))}
        </div>
        <div className="order-text">
          <h2 id={`order-${order.id}`}>
            <Link to={{ page: "order", id: order.id }}>Order {shortId(order.id)}</Link>
          </h2>
          <p className="muted">
            {shortDate(order.createdAt)} · {count} {count === 1 ? "thing" : "things"}
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

const REFUNDABLE: OrderStatus[] = ["PAID", "PARTIALLY_REFUNDED", "REVIEW"]

export function OrderPage({ id }: { id: string }) {
  const { data, error, loading } = useQuery(ORDER, { variables: { id }, pollInterval: 15_000 })
  const order = data?.order
  const merchant = useStore(user)?.role === "merchant"
  return (
    <div className="checkout">
      <div className="checkout-main">
        <Heading title={`Order ${shortId(id)}`}>Order {shortId(id)}</Heading>
        {loading && !data && <Spinner>Looking for the order…</Spinner>}
        {error && !data && <Notice tone="bad" title={messageOf(error)} />}
        {data && !order && (
          <Notice tone="bad" title="We can’t find this order.">
            <p>It may belong to another account. Check who you are shopping as.</p>
          </Notice>
        )}
        {order && (
          <>
            <p className="muted">
              Placed on {shortDate(order.createdAt)} <StatusPill order={order} />
            </p>
            {isAtBank(order) ? (
              <Notice tone="wait" title="Your bank is taking its time.">
                <p>The payment is under way, and you don’t have to do anything. This page tells you when it is through.</p>
              </Notice>
            ) : (
              <>
                <Result status={order.status} id={order.id} />
                <CancelOrder order={order} />
              </>
            )}
            <Refunds order={order} />
            {merchant && REFUNDABLE.includes(order.status) && <RefundForm order={order} />}
            <p className="muted">
              Full number: <code>{order.id}</code>
            </p>
          </>
        )}
      </div>
      {order && <Summary order={order} />}
    </div>
  )
}
