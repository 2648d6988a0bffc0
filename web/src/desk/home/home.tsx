import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskCaseFragment } from "../gql/graphql.ts"
import { nameOf } from "../orders/row.tsx"
import { Answer, Empty } from "../parts/answer.tsx"
import { Link } from "../parts/link.tsx"
import { Due, Moment } from "../parts/moment.tsx"
import { Page } from "../parts/page.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"
import { Pill } from "../parts/standing.tsx"
import { byUrgency, kindLabel } from "./cases.ts"
import { CloseCase } from "./close-case.tsx"

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
  query DeskCases($open: Boolean!) {
    attention(first: 100, open: $open) {
      nodes { id ...DeskCase }
      pageInfo { hasNextPage }
    }
  }
`)

/** How many cases wait, for the menu; `null` while nobody knows. */
export function useOpenCases(): { count: number; isMore: boolean } | null {
  const query = useQuery(CASES, { variables: { open: true }, ...POLL })
  useRestWhenForbidden(query)
  const { data } = query
  return data ? { count: data.attention.nodes.length, isMore: data.attention.pageInfo.hasNextPage } : null
}

export function Home({ closed }: { closed: boolean }) {
  const { data, error, refetch } = useQuery(CASES, { variables: { open: !closed } }) // the menu keeps the open ones up to date
  return (
    <Page title="Home">
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
            {nodes.length === 0 && <Empty>{closed ? "No case was closed yet." : "Nothing needs a person."}</Empty>}
            <ul className="cases">
              {(closed ? nodes : nodes.toSorted(byUrgency)).map((each) => (
                <Case key={each.id} of={each} />
              ))}
            </ul>
            {pageInfo.hasNextPage && <p className="muted">There are more. These are the newest 100.</p>}
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
          Closed <Moment at={closedAt} /> {closedBy ? `by ${closedBy}` : "by itself: its reason was gone"}
          {note && `: ${note}`}
        </p>
      ) : (
        <p className="actions">
          {order && (
            <Link to={{ page: "order", id: order.id }} className="button">
              {kind === "ORDER_IN_REVIEW" ? "Decide" : "Open the order"}
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
