import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskCaseFragment } from "../gql/graphql.ts"
import { actorLabel } from "../order/actors.ts"
import { nameOf } from "../orders/row.tsx"
import { Answer, Empty } from "../parts/answer.tsx"
import { Link } from "../parts/link.tsx"
import { Due, Moment } from "../parts/moment.tsx"
import { Page } from "../parts/page.tsx"
import { Pager } from "../parts/pager.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"
import { Pill } from "../parts/standing.tsx"
import { byUrgency, kindLabel } from "./cases.ts"
import { CloseCase } from "./close-case.tsx"
import { FailingEndpoints } from "./failing-endpoints.tsx"
import { Today } from "./today.tsx"

export const DESK_CASE = graphql(/* GraphQL */ `
  fragment DeskCase on AttentionCase {
    id
    kind
    message
    dueBy
    openedAt
    closedAt
    closedBy
    note
    order { id reference }
  }
`)

const CASES = graphql(/* GraphQL */ `
  query DeskCases($open: Boolean!, $after: String) {
    attention(first: 100, after: $after, open: $open) {
      nodes { id ...DeskCase }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

/** How many cases wait, for the menu; `null` while nobody knows. */
export function useOpenCases(): { count: number; isMore: boolean } | null {
  const query = useQuery(CASES, { variables: { open: true, after: null }, ...POLL })
  useRestWhenForbidden(query)
  const { data } = query
  return data ? { count: data.attention.nodes.length, isMore: data.attention.pageInfo.hasNextPage } : null
}

export function Home({ closed, after }: { closed: boolean; after: string | null }) {
  const query = useQuery(CASES, { variables: { open: !closed, after }, ...(after && POLL) }) // the menu keeps the newest up to date
  useRestWhenForbidden(query)
  const { data, error, refetch } = query
  return (
    <Page title="Home">
      <FailingEndpoints />
      <Today />
      <nav className="views" aria-label="Cases">
        <Link to={{ page: "home" }} current={!closed}>
          Needs a person
        </Link>
        <Link to={{ page: "home", closed: true }} current={closed}>
          Closed
        </Link>
      </nav>
      <Answer what="cases" scope="REFUNDS_WRITE" data={data?.attention} error={error} again={refetch}>
        {({ nodes, pageInfo }) => (
          <>
            {nodes.length === 0 && <Empty>{closed ? "No case was closed yet." : after ? "Nothing older needs a person." : "Nothing needs a person."}</Empty>}
            <ul className="cases">
              {(closed ? nodes : nodes.toSorted(byUrgency)).map((each) => (
                <Case key={each.id} of={each} />
              ))}
            </ul>
            <Pager
              newest={after ? { page: "home", closed } : null}
              older={pageInfo.hasNextPage ? { page: "home", closed, after: pageInfo.endCursor } : null}
            />
          </>
        )}
      </Answer>
    </Page>
  )
}

function Case({ of: { id, kind, message, dueBy, openedAt, closedAt, closedBy, note, order } }: { of: DeskCaseFragment }) {
  const [isClosing, setClosing] = useState(false)
  const label = kindLabel(kind)
  return (
    <li aria-label={order ? `${label}, order ${nameOf(order)}` : label}>
      <p className="case-head">
        <Pill label={label} tone={closedAt ? "quiet" : "bad"} />
        {order && (
          <Link to={{ page: "order", id: order.id }} row>
            {nameOf(order)}
          </Link>
        )}
        {dueBy && !closedAt && (
          <strong>
            Due <Due at={dueBy} />
          </strong>
        )}
        <span className="muted">
          opened <Moment at={openedAt} />
        </span>
      </p>
      <p className="case-message">{message}</p>
      {closedAt ? (
        <p className="muted">
          Closed <Moment at={closedAt} /> {closedBy ? `by ${actorLabel(closedBy)}` : "by itself: its reason was gone"}
          {note && `: ${note}`}
        </p>
      ) : (
        <p className="actions">
          {order && (
            <Link to={{ page: "order", id: order.id }} className="button">
              {kind === "ORDER_IN_REVIEW" ? "Decide" : "Open the order"}
            </Link>
          )}
          {kind === "WEBHOOK_DISABLED" && (
            <Link to={{ page: "webhooks" }} className="button">
              See the webhooks
            </Link>
          )}
          <button className="button" onClick={() => setClosing(true)}>
            Close…
          </button>
        </p>
      )}
      {isClosing && <CloseCase id={id} label={label} close={() => setClosing(false)} />}
    </li>
  )
}
