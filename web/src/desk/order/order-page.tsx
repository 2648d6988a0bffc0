import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import type { DeskOrderFragment } from "../gql/graphql.ts"
import { balanceOf } from "../../shared/balance.ts"
import type { CountedAmount } from "../../shared/money.ts"
import { useLive } from "../live.ts"
import { customerOf, nameOf } from "../orders/row.tsx"
import { Answer, Empty } from "../parts/answer.tsx"
import { Copy } from "../parts/copy.tsx"
import { Due, Moment } from "../parts/moment.tsx"
import { Money } from "../parts/money.tsx"
import { Page } from "../parts/page.tsx"
import { Standing } from "../parts/standing.tsx"
import { useKeyNames } from "./actors.ts"
import { Cancel } from "./cancel.tsx"
import { Lines } from "./lines.tsx"
import { ORDER } from "./queries.ts"
import { LostRefund, Refund } from "./refund.tsx"
import { Review, isForReview } from "./review.tsx"
import { PaymentAtStripe } from "./stripe-link.tsx"
import { cancellation } from "./timeline.ts"
import { Timeline } from "./timeline-list.tsx"

export function OrderPage({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(ORDER, { variables: { id } })
  const order = data?.order
  useLive(id, !!order)
  if (data && !order) {
    return (
      <Page title="Order">
        <Empty>There is no order with the number {id}.</Empty>
      </Page>
    )
  }
  return (
    <Page title={order ? `Order ${nameOf(order)}` : "Order"} actions={order && <Actions order={order} />}>
      <Answer what="order" scope="ORDERS_READ" data={order} error={error} again={refetch}>
        {(found) => <Found order={found} />}
      </Answer>
    </Page>
  )
}

function Actions({ order }: { order: DeskOrderFragment }) {
  const [asks, setAsks] = useState<"refund" | "cancel" | null>(null)
  const { left } = balanceOf(order, order.total)
  const close = () => setAsks(null)
  return (
    <>
      {left.minorUnits > 0 && (
        <button className="button" onClick={() => setAsks("refund")}>
          Refund…
        </button>
      )}
      {order.status === "PENDING" && (
        <button className="button" onClick={() => setAsks("cancel")}>
          Cancel…
        </button>
      )}
      {asks === "refund" && <Refund order={order} close={close} />}
      {asks === "cancel" && <Cancel order={order} close={close} />}
    </>
  )
}

function Found({ order }: { order: DeskOrderFragment }) {
  return (
    <>
      <LostRefund order={order} />
      {isForReview(order) && <Review order={order} />}
      <Sums order={order} />
      <div className="columns">
        <section aria-labelledby="timeline">
          <h2 id="timeline">What happened</h2>
          <Timeline order={order} />
        </section>
        <div>
          <section aria-labelledby="lines">
            <h2 id="lines">Lines</h2>
            <Lines order={order} />
          </section>
          <section aria-labelledby="about">
            <h2 id="about">About it</h2>
            <About order={order} />
          </section>
        </div>
      </div>
    </>
  )
}

function Sums({ order }: { order: DeskOrderFragment }) {
  const { received, returned, taken, left } = balanceOf(order, order.total)
  const others = otherCurrencies(order)
  const lost: [string, CountedAmount][] = taken.minorUnits ? [["Lost in disputes", taken]] : []
  const sums: [string, CountedAmount][] = [["Total", order.total], ["Received", received], ["Returned", returned], ...lost, ["Left", left]]
  return (
    <dl className="sums">
      <div>
        <dt>Standing</dt>
        <dd>
          <Standing order={order} />
        </dd>
      </div>
      {sums.map(([name, amount]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Money of={amount} />
          </dd>
        </div>
      ))}
      {others.map(({ left: rest }) => (
        <div key={rest.currency}>
          <dt>Left in {rest.currency}</dt>
          <dd>
            <Money of={rest} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Money in another currency than the order's, which can only be given back. */
function otherCurrencies(order: DeskOrderFragment) {
  const amounts = order.payments.map(({ received }) => received).filter(({ currency, minorUnits }) => currency !== order.total.currency && minorUnits > 0)
  return [...new Map(amounts.map((amount) => [amount.currency, amount])).values()].map((like) => balanceOf(order, like))
}

function About({ order }: { order: DeskOrderFragment }) {
  const canceled = cancellation(order, useKeyNames(order))
  const intents = order.payments.flatMap(({ paymentIntentId }) => paymentIntentId ?? [])
  return (
    <dl className="about">
      <dt>Placed</dt>
      <dd>
        <Moment at={order.createdAt} />
      </dd>
      <dt>Customer</dt>
      <dd>{customerOf(order)}</dd>
      {order.receiptEmail && order.userId && (
        <>
          <dt>User</dt>
          <dd>{order.userId}</dd>
        </>
      )}
      {order.expiresAt && order.status === "PENDING" && (
        <>
          <dt>Expires</dt>
          <dd>
            <Due at={order.expiresAt} />
          </dd>
        </>
      )}
      {canceled && (
        <>
          <dt>Canceled</dt>
          <dd>{canceled}</dd>
        </>
      )}
      <dt>Number</dt>
      <dd>
        <code>{order.id}</code> <Copy text={order.id} label="the number" />
      </dd>
      {intents.map((intent) => (
        <div key={intent} className="pair">
          <dt>PaymentIntent</dt>
          <dd>
            <PaymentAtStripe intent={intent} />
          </dd>
        </div>
      ))}
      {order.metadata.map(({ key, value }) => (
        <div key={key} className="pair">
          <dt>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
