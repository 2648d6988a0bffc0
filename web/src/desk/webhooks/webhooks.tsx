import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskEndpointFragment } from "../gql/graphql.ts"
import { Answer, Empty } from "../parts/answer.tsx"
import { Link } from "../parts/link.tsx"
import { Moment } from "../parts/moment.tsx"
import { Page } from "../parts/page.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"
import { CreateEndpoint } from "./create-endpoint.tsx"
import { EndpointState } from "./endpoint-state.tsx"
import { typesLabel } from "./words.ts"

export const DESK_ENDPOINT = graphql(/* GraphQL */ `
  fragment DeskEndpoint on WebhookEndpoint {
    id
    url
    types
    enabled
    failingSince
    disabledBecause
    createdAt
  }
`)

export const ENDPOINTS = graphql(/* GraphQL */ `
  query DeskEndpoints {
    webhookEndpoints { id ...DeskEndpoint }
  }
`)

export function Webhooks() {
  const query = useQuery(ENDPOINTS, POLL)
  useRestWhenForbidden(query)
  const [isNew, setNew] = useState(false)
  return (
    <Page
      title="Webhooks"
      actions={
        <button className="button" onClick={() => setNew(true)}>
          New endpoint…
        </button>
      }
    >
      <p className="lead">Addresses of the shop’s own systems that are sent what happens to orders. Each event is signed, and tried for three days.</p>
      <Answer what="webhook endpoints" scope="WEBHOOKS_WRITE" data={query.data?.webhookEndpoints} error={query.error} again={query.refetch}>
        {(endpoints) => (endpoints.length === 0 ? <Empty>No address is sent events yet.</Empty> : <Table of={endpoints} />)}
      </Answer>
      {isNew && <CreateEndpoint close={() => setNew(false)} />}
    </Page>
  )
}

function Table({ of: endpoints }: { of: readonly DeskEndpointFragment[] }) {
  return (
    <table>
      <caption className="visually-hidden">Webhook endpoints, those that are enabled first</caption>
      <thead>
        <tr>
          <th scope="col">Address</th>
          <th scope="col">State</th>
          <th scope="col" className="less">Events</th>
          <th scope="col" className="date less">Created</th>
        </tr>
      </thead>
      <tbody>
        {endpoints.map((endpoint) => (
          <tr key={endpoint.id} className={endpoint.enabled ? undefined : "over"}>
            <th scope="row" className="address">
              <Link to={{ page: "endpoint", id: endpoint.id, status: null }} row>
                {endpoint.url}
              </Link>
            </th>
            <td>
              <EndpointState of={endpoint} />
            </td>
            <td className="wraps less muted">{typesLabel(endpoint.types)}</td>
            <td className="date less">
              <Moment at={endpoint.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
