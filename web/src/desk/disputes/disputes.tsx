import { useQuery } from "@apollo/client/react"
import { graphql } from "../gql/index.ts"
import type { DeskDisputesQuery } from "../gql/graphql.ts"
import { isOpenDispute } from "../../shared/standing.ts"
import { words } from "../order/timeline.ts"
import { customerOf, nameOf } from "../orders/row.tsx"
import { Answer, Empty } from "../parts/answer.tsx"
import { Link } from "../parts/link.tsx"
import { Due, Moment } from "../parts/moment.tsx"
import { Money } from "../parts/money.tsx"
import { Page } from "../parts/page.tsx"
import { Pager } from "../parts/pager.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"
import { Pill } from "../parts/standing.tsx"

const DISPUTES = graphql(/* GraphQL */ `
  query DeskDisputes($after: String) {
    allOrders(first: 100, after: $after, filter: { disputed: true }) {
      nodes {
        id
        revision
        reference
        userId
        receiptEmail
        disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

type Order = DeskDisputesQuery["allOrders"]["nodes"][number]

/** Those that can still be answered first, by their dates; then the newest. */
function disputesOf(orders: readonly Order[]) {
  const rows = orders.flatMap((order) => order.disputes.map((dispute) => ({ order, dispute, isOpen: isOpenDispute(dispute) })))
  return rows.sort(
    (one, other) =>
      Number(other.isOpen) - Number(one.isOpen) ||
      (one.isOpen ? (one.dispute.dueBy ?? "9").localeCompare(other.dispute.dueBy ?? "9") : 0) ||
      other.dispute.createdAt.localeCompare(one.dispute.createdAt),
  )
}

export function Disputes({ after }: { after: string | null }) {
  const query = useQuery(DISPUTES, { variables: { after }, ...POLL })
  useRestWhenForbidden(query)
  const { data, error, refetch } = query
  return (
    <Page title="Disputes">
      <p className="lead">Answer a dispute in Stripe’s dashboard, from the order’s payment there. Deliver nothing more until it is decided.</p>
      <Answer what="disputes" scope="ORDERS_READ" data={data?.allOrders} error={error} again={refetch}>
        {({ nodes, pageInfo }) =>
          nodes.length === 0 ? (
            <Empty>No bank has asked for money back.</Empty>
          ) : (
            <>
              <table>
                <caption className="visually-hidden">Disputes, those that can be answered first</caption>
                <thead>
                  <tr>
                    <th scope="col">Answer by</th>
                    <th scope="col">Order</th>
                    <th scope="col" className="less">Customer</th>
                    <th scope="col">Standing</th>
                    <th scope="col" className="less">Reason</th>
                    <th scope="col" className="date less">Opened</th>
                    <th scope="col" className="amount">Amount</th>
                  </tr>
                </thead>
                <tbody>
                  {disputesOf(nodes).map(({ order, dispute, isOpen }) => (
                    <tr key={dispute.id}>
                      <td>{isOpen && dispute.dueBy ? <Due at={dispute.dueBy} /> : <span className="muted">–</span>}</td>
                      <th scope="row">
                        <Link to={{ page: "order", id: order.id }} row>
                          {nameOf(order)}
                        </Link>
                      </th>
                      <td className="text less">{customerOf(order)}</td>
                      <td>
                        <Pill label={words(dispute.status)} tone={isOpen ? "bad" : "quiet"} />
                      </td>
                      <td className="text less">{words(dispute.reason)}</td>
                      <td className="date less">
                        <Moment at={dispute.createdAt} />
                      </td>
                      <td className="amount">
                        <Money of={dispute.amount} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <Pager
                newest={after ? { page: "disputes" } : null}
                older={pageInfo.hasNextPage ? { page: "disputes", after: pageInfo.endCursor } : null}
              />
            </>
          )
        }
      </Answer>
    </Page>
  )
}
