import { useQuery } from "@apollo/client/react"
import { graphql } from "../../gql/index.ts"
import type { OrderStatus } from "../../gql/graphql.ts"
import { shortDate } from "../../shared/dates.ts"
import { messageOf } from "../../shared/failure.ts"
import { isAtBank, shortId } from "../../shared/standing.ts"
import { useStore } from "../../shared/store.ts"
import { Result } from "../checkout/result.tsx"
import { Summary } from "../checkout/summary.tsx"
import { Heading } from "../parts/heading.tsx"
import { Notice, Spinner } from "../parts/notice.tsx"
import { StatusPill } from "../parts/standing.tsx"
import { user } from "../session.ts"
import { CancelOrder } from "./cancel.tsx"
import { useFollowed } from "./follow.ts"
import { Refunds } from "./refunds.tsx"
import { RefundForm } from "./refund-form.tsx"

const ORDER = graphql(/* GraphQL */ `
  query Order($id: ID!) {
    order(id: $id) { createdAt ...OrderStanding ...OrderSummary }
  }
`)

const REFUNDABLE: OrderStatus[] = ["PAID", "PARTIALLY_REFUNDED", "REVIEW"]

export function OrderPage({ id }: { id: string }) {
  const { data, error, loading, refetch } = useQuery(ORDER, { variables: { id } })
  const order = data?.order
  const isMerchant = useStore(user)?.role === "merchant"
  useFollowed(id, !!order)
  return (
    <div className="checkout">
      <div className="checkout-main">
        <Heading title={`Order ${shortId(id)}`}>Order {shortId(id)}</Heading>
        {loading && !order && (
          <div className="preparing">
            <Spinner>Looking for the order…</Spinner>
          </div>
        )}
        {error && !order && (
          <Notice tone="bad" title="The order could not be read.">
            <p>{messageOf(error)}</p>
            <button className="button" onClick={() => void refetch().catch(() => null)}>
              Try again
            </button>
          </Notice>
        )}
        {data && !loading && !order && (
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
                <Result status={order.status} id={order.id} order={order} />
                <CancelOrder order={order} />
              </>
            )}
            <Refunds order={order} />
            {isMerchant && REFUNDABLE.includes(order.status) && <RefundForm order={order} />}
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
