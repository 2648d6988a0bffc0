import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { OrderFilter } from "../gql/graphql.ts"
import { isTooMuch } from "../../shared/failure.ts"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"

const ORDERS = graphql(/* GraphQL */ `
  query DeskOrders($first: Int!, $after: String, $filter: OrderFilter) {
    allOrders(first: $first, after: $after, filter: $filter) {
      nodes { id ...DeskOrderRow }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

export const PAGE = 50
const SMALLEST = 5

/** A page of orders, looked at anew every so often. Orders with very many lines come on smaller pages. */
export function useOrders(filter: OrderFilter, after: string | null) {
  const [first, setFirst] = useState(PAGE)
  const query = useQuery(ORDERS, { variables: { first, after, filter }, ...POLL })
  useRestWhenForbidden(query)
  const isTooLarge = isTooMuch(query.error) && first > SMALLEST
  if (isTooLarge) setFirst(Math.max(SMALLEST, Math.floor(first / 2)))
  return { ...query, error: isTooLarge ? undefined : query.error, orders: query.data?.allOrders }
}
