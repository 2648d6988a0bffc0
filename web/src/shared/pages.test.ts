import assert from "node:assert/strict"
import { test } from "node:test"
import { ApolloClient, ApolloLink, InMemoryCache, gql } from "@apollo/client"
import { of } from "rxjs"
import { pagesOf } from "./pages.ts"

const QUERY = gql`
  query Orders($after: String, $status: String) {
    orders(first: 3, after: $after, status: $status) { nodes { id } pageInfo { hasNextPage endCursor } }
  }
`

interface Orders {
  orders: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } }
}

/** A client of a server that has `ids`, three on a page; a cursor is an id. */
function clientOf(server: { ids: string[] }): ApolloClient {
  const link = new ApolloLink(({ variables }) => {
    const start = variables["after"] ? server.ids.indexOf(String(variables["after"])) + 1 : 0
    const page = server.ids.slice(start, start + 3)
    const nodes = page.map((id) => ({ __typename: "Order", id }))
    const pageInfo = { __typename: "PageInfo", hasNextPage: start + 3 < server.ids.length, endCursor: page.at(-1) ?? null }
    return of({ data: { orders: { __typename: "OrderConnection", nodes, pageInfo } } })
  })
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { orders: pagesOf(["status"]) } } } })
  return new ApolloClient({ link, cache, defaultOptions: { watchQuery: { refetchWritePolicy: "merge" } } })
}

async function twoPages(server: { ids: string[] }) {
  const { query, now } = await firstPage(server)
  await query.fetchMore({ variables: { after: now().pageInfo.endCursor } })
  return { query, shown: () => now().nodes.map(({ id }) => id), info: () => now().pageInfo }
}

async function firstPage(server: { ids: string[] }) {
  const client = clientOf(server)
  const query = client.watchQuery<Orders>({ query: QUERY })
  query.subscribe(() => {})
  await query.refetch()
  const now = () => {
    const kept = client.readQuery<Orders>({ query: QUERY })
    assert.ok(kept)
    return kept.orders
  }
  return { query, now }
}

test("a later page goes behind the first", async () => {
  const { shown, info } = await twoPages({ ids: ["g", "f", "e", "d", "c", "b", "a"] })
  assert.deepEqual(shown(), ["g", "f", "e", "d", "c", "b"])
  assert.deepEqual([info().hasNextPage, info().endCursor], [true, "b"])
})

test("the first page again brings what is new and keeps the later ones", async () => {
  const server = { ids: ["g", "f", "e", "d", "c", "b", "a"] }
  const { query, shown, info } = await twoPages(server)
  server.ids = ["h", ...server.ids]
  await query.refetch()
  assert.deepEqual(shown(), ["h", "g", "f", "e", "d", "c", "b"])
  assert.deepEqual([info().hasNextPage, info().endCursor], [true, "b"])
})

test("so much news that there may be a gap begins the list anew", async () => {
  const server = { ids: ["g", "f", "e", "d", "c", "b", "a"] }
  const { query, shown, info } = await twoPages(server)
  server.ids = ["l", "k", "j", "i", "h", ...server.ids]
  await query.refetch()
  assert.deepEqual(shown(), ["l", "k", "j"])
  assert.equal(info().endCursor, "j")
})

test("what is gone from a list that fits on one page is gone", async () => {
  const server = { ids: ["c", "b", "a"] }
  const { query, now } = await firstPage(server)
  server.ids = ["c", "b"]
  await query.refetch()
  assert.deepEqual(now().nodes.map(({ id }) => id), ["c", "b"])
})
