import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeliveryStatus, DeskEndpointPageQuery } from "../gql/graphql.ts"
import { isForbidden } from "../../shared/failure.ts"
import { Answer, Empty } from "../parts/answer.tsx"
import { Notice } from "../parts/notice.tsx"
import { Page } from "../parts/page.tsx"
import { Pager } from "../parts/pager.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"
import { Deliveries, DeliveryViews } from "./deliveries.tsx"
import { EndpointState } from "./endpoint-state.tsx"
import { Replay } from "./replay.tsx"
import { RotateSecret } from "./rotate-secret.tsx"
import { SwitchEndpoint } from "./switch-endpoint.tsx"
import { typesLabel } from "./words.ts"

const ENDPOINT = graphql(/* GraphQL */ `
  query DeskEndpointPage($id: ID!, $after: String, $status: DeliveryStatus, $readsOrders: Boolean!) {
    webhookEndpoint(id: $id) {
      id
      ...DeskEndpoint
      deliveries(first: 20, after: $after, status: $status) {
        nodes {
          id status attempts lastHttpStatus lastError dueAt deliveredAt
          event { id type createdAt orderId order @include(if: $readsOrders) { id reference } }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`)

type Endpoint = NonNullable<DeskEndpointPageQuery["webhookEndpoint"]>
type Asked = { for: "rotate" | "switch" } | { for: "replay"; since: Date }

const DAY_MS = 86_400_000

interface Props {
  id: string
  status: DeliveryStatus | null
  after: string | null
}

/** A key for webhooks alone may not read orders: then they have their short numbers instead of the shop's own. */
function useEndpoint(id: string, status: DeliveryStatus | null, after: string | null) {
  const [readsOrders, setReadsOrders] = useState(true)
  const query = useQuery(ENDPOINT, { variables: { id, status, after, readsOrders }, ...POLL })
  const mayBeOrders = isForbidden(query.error) && readsOrders
  if (mayBeOrders) setReadsOrders(false)
  useRestWhenForbidden(mayBeOrders ? { stopPolling: query.stopPolling } : query)
  return { ...query, error: mayBeOrders ? undefined : query.error }
}

export function EndpointPage({ id, status, after }: Props) {
  const { data, error, refetch } = useEndpoint(id, status, after)
  const [asked, setAsked] = useState<Asked | null>(null)
  const endpoint = data?.webhookEndpoint
  const close = () => setAsked(null)
  const replay = (since: Date) => setAsked({ for: "replay", since })
  return (
    <Page title="Webhook endpoint" actions={endpoint && <Actions of={endpoint} ask={setAsked} />}>
      <Answer what="webhook endpoints" scope="WEBHOOKS_WRITE" data={data} error={error} again={refetch}>
        {() => (endpoint ? <Found of={endpoint} status={status} after={after} replay={replay} /> : <Empty>There is no such endpoint any more.</Empty>)}
      </Answer>
      {endpoint && asked?.for === "replay" && <Replay id={id} since={asked.since} close={close} />}
      {endpoint && asked?.for === "rotate" && <RotateSecret id={id} close={close} />}
      {endpoint && asked?.for === "switch" && <SwitchEndpoint of={endpoint} close={close} />}
    </Page>
  )
}

function Actions({ of: { enabled }, ask }: { of: Endpoint; ask: (asked: Asked) => void }) {
  return (
    <>
      {enabled && (
        <button className="button" onClick={() => ask({ for: "replay", since: new Date(Date.now() - DAY_MS) })}>
          Send again…
        </button>
      )}
      <button className="button" onClick={() => ask({ for: "rotate" })}>
        New secret…
      </button>
      <button className="button" onClick={() => ask({ for: "switch" })}>
        {enabled ? "Disable…" : "Enable…"}
      </button>
    </>
  )
}

interface FoundProps {
  of: Endpoint
  status: DeliveryStatus | null
  after: string | null
  replay: (since: Date) => void
}

function Found({ of: endpoint, status, after, replay }: FoundProps) {
  const { nodes, pageInfo } = endpoint.deliveries
  const here = { page: "endpoint" as const, id: endpoint.id, status }
  return (
    <>
      <dl className="about endpoint">
        <dt>Address</dt>
        <dd>
          <code>{endpoint.url}</code>
        </dd>
        <dt>State</dt>
        <dd>
          <EndpointState of={endpoint} />
        </dd>
        <dt>Events</dt>
        <dd>{typesLabel(endpoint.types)}</dd>
      </dl>
      {endpoint.disabledBecause && <Notice tone="wait" title={`Disabled: ${endpoint.disabledBecause}`} />}
      <DeliveryViews id={endpoint.id} status={status} />
      <Deliveries of={nodes} status={status} replayFrom={endpoint.enabled ? ({ event }) => replay(new Date(event.createdAt)) : null} />
      <Pager newest={after ? here : null} older={pageInfo.hasNextPage ? { ...here, after: pageInfo.endCursor } : null} />
    </>
  )
}
