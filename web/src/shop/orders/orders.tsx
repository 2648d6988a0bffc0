import { useQuery } from "@apollo/client/react"
import type { FormEvent } from "react"
import { graphql } from "../../gql/index.ts"
import { messageOf } from "../../shared/failure.ts"
import { useStore } from "../../shared/store.ts"
import { Heading } from "../parts/heading.tsx"
import { Link } from "../parts/link.tsx"
import { More } from "../parts/more.tsx"
import { Notice, Spinner } from "../parts/notice.tsx"
import { go } from "../route.ts"
import { user } from "../session.ts"
import { OrderRow } from "./order-row.tsx"

const MY_ORDERS = graphql(/* GraphQL */ `
  query MyOrders($after: String) {
    orders(first: 10, after: $after) {
      nodes { id status ...OrderRow }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

/** So many pending orders are followed at once; a socket takes twenty operations. */
const FOLLOWED = 10

export function Orders() {
  const { data, error, loading, fetchMore, refetch } = useQuery(MY_ORDERS)
  const orders = data?.orders.nodes ?? []
  const followed = new Set(orders.filter(({ status }) => status === "PENDING").slice(0, FOLLOWED))
  const { hasNextPage = false, endCursor } = data?.orders.pageInfo ?? {}
  const isMerchant = useStore(user)?.role === "merchant"
  return (
    <div className="narrow">
      <Heading title="My orders">My orders</Heading>
      {isMerchant && <FindOrder />}
      {loading && orders.length === 0 && (
        <div className="preparing">
          <Spinner>Looking for your orders…</Spinner>
        </div>
      )}
      {error && orders.length === 0 && (
        <Notice tone="bad" title="Your orders could not be read.">
          <p>{messageOf(error)}</p>
          <button className="button" onClick={() => void refetch().catch(() => null)}>
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
          <OrderRow key={order.id} order={order} isFollowed={followed.has(order)} />
        ))}
      </ul>
      {hasNextPage && (
        <More load={() => fetchMore({ variables: { after: endCursor } })}>Show older orders</More>
      )}
    </div>
  )
}

/** A shopkeeper may see anyone's order, by its number. */
function FindOrder() {
  const find = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const id = new FormData(event.currentTarget).get("id")
    if (typeof id === "string" && id.trim()) go({ page: "order", id: id.trim() })
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
