import { useQuery } from "@apollo/client/react"
import { useEffect, useRef } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskOrderEventsQuery } from "../gql/graphql.ts"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"

const EVENTS = graphql(/* GraphQL */ `
  query DeskOrderEvents($id: ID!) {
    events(orderId: $id, first: 100) {
      nodes {
        id type createdAt
        deliveries { id endpointId endpointUrl status attempts lastHttpStatus lastError dueAt deliveredAt }
      }
    }
  }
`)

export type OrderEvent = DeskOrderEventsQuery["events"]["nodes"][number]

/** What the shop's systems were told of an order; nothing for a key that may not read it. Asked again with each change. */
export function useOrderEvents(id: string, updatedAt: string): readonly OrderEvent[] {
  const query = useQuery(EVENTS, { variables: { id }, ...POLL })
  useRestWhenForbidden(query)
  const { data, refetch } = query
  const seen = useRef(updatedAt)
  useEffect(() => {
    if (seen.current === updatedAt) return
    seen.current = updatedAt
    void refetch().catch(() => null)
  }, [updatedAt, refetch])
  return data?.events.nodes ?? []
}
