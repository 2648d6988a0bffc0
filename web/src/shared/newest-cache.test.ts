import assert from "node:assert/strict"
import { test } from "node:test"
import { ApolloClient, ApolloLink, gql } from "@apollo/client"
import { Subject, of } from "rxjs"
import { NewestCache } from "./newest-cache.ts"

const STANDING = `id revision status payments { id status } total { minorUnits }`
const ORDER = gql`query Order($id: ID!) { order(id: $id) { ${STANDING} } }`
const WITH_LINES = gql`query Lines($id: ID!) { order(id: $id) { ${STANDING} createdAt lines { name } } }`
const NEWS = gql`subscription News($id: ID!) { orderUpdated(orderId: $id) { ${STANDING} } }`
const CANCEL = gql`mutation Cancel($id: ID!) { cancelOrder(orderId: $id) { ${STANDING} } }`
const LIST = gql`query List { orders { nodes { ${STANDING} } } }`

interface Shown {
  revision: number
  status: string
  payments: { status: string }[]
  total: { minorUnits: number }
  lines?: { name: string }[]
}

function order(revision: number, status: string, more: object = {}) {
  const payments = [{ __typename: "Payment", id: "p", status: status === "PAID" ? "SUCCEEDED" : "OPEN" }]
  return { __typename: "Order", id: "1", revision, status, payments, total: { __typename: "Money", minorUnits: revision * 100 }, ...more }
}

/** A client whose answers are ordered, and whose clock is. */
function stage() {
  const time = { now: 1_000 }
  const cache = new NewestCache({ typePolicies: { Money: { keyFields: false } } }, () => time.now)
  const news = new Subject<ApolloLink.Result>()
  const answers: object[] = []
  const link = new ApolloLink(({ operationType }) =>
    String(operationType) === "subscription" ? news : of({ data: answers.shift() as Record<string, unknown> }),
  )
  const client = new ApolloClient({ link, cache })
  client.subscribe({ query: NEWS, variables: { id: "1" } }).subscribe(() => {})
  const variables = { id: "1" }
  return {
    client,
    time,
    asked: (answer: object, query = ORDER) => {
      answers.push({ order: answer })
      return client.query<{ order: Shown }>({ query, variables, fetchPolicy: "network-only" }).then(({ data }) => data?.order)
    },
    listed: (...nodes: object[]) => {
      answers.push({ orders: { __typename: "OrderConnection", nodes } })
      return client.query({ query: LIST, fetchPolicy: "network-only" })
    },
    canceled: (answer: object) => {
      answers.push({ cancelOrder: answer })
      return client.mutate({ mutation: CANCEL, variables })
    },
    heard: (answer: object) => news.next({ data: { orderUpdated: answer } }),
    shown: (query = ORDER) => client.readQuery<{ order: Shown }>({ query, variables })?.order,
  }
}

test("an answer that left the server before what is shown is not shown, whichever way both came", async () => {
  const late = order(5, "PENDING")
  const ways: [string, (now: ReturnType<typeof stage>) => unknown][] = [
    ["query", (now) => now.asked(late)],
    ["list", (now) => now.listed(late)],
    ["mutation", (now) => now.canceled(late)],
    ["subscription", (now) => now.heard(late)],
  ]
  for (const [way, bring] of ways) {
    const now = stage()
    await now.asked(order(4, "PENDING"))
    now.heard(order(6, "PAID"))
    await bring(now)
    const shown = now.shown()
    assert.deepEqual([shown?.revision, shown?.status, shown?.payments[0]?.status, shown?.total.minorUnits], [6, "PAID", "SUCCEEDED", 600], way)
  }
})

test("who asked gets the newer order as well", async () => {
  const now = stage()
  await now.asked(order(4, "PENDING"))
  now.heard(order(6, "PAID"))
  assert.equal((await now.asked(order(5, "PENDING")))?.status, "PAID")
})

test("a newer answer, and the same one again, are taken", async () => {
  const now = stage()
  await now.asked(order(4, "PENDING"))
  await now.asked(order(4, "PENDING", { status: "REVIEW" }))
  assert.equal(now.shown()?.status, "REVIEW")
  await now.asked(order(5, "PAID"))
  assert.equal(now.shown()?.status, "PAID")
})

test("of a late answer that is taken which nothing newer has told", async () => {
  const now = stage()
  now.heard(order(6, "PAID"))
  await now.asked(order(5, "PENDING", { createdAt: "2026-11-26", lines: [{ __typename: "OrderLine", name: "Mug" }] }), WITH_LINES)
  const shown = now.shown(WITH_LINES)
  assert.deepEqual([shown?.status, shown?.lines?.[0]?.name], ["PAID", "Mug"])
})

test("another order in the same answer is taken", async () => {
  const now = stage()
  now.heard(order(6, "PAID"))
  await now.listed(order(5, "PENDING"), { ...order(2, "CANCELED"), id: "2" })
  const list = now.client.readQuery<{ orders: { nodes: Shown[] } }>({ query: LIST })
  assert.deepEqual(list?.orders.nodes.map(({ status }) => status), ["PAID", "CANCELED"])
})

test("watchers never see the older one in between", async () => {
  const now = stage()
  await now.asked(order(4, "PENDING"))
  const seen: string[] = []
  now.client.watchQuery<{ order: Shown }>({ query: ORDER, variables: { id: "1" }, fetchPolicy: "cache-only" })
    .subscribe(({ data }) => seen.push(String((data as { order: Shown } | undefined)?.order.status)))
  now.heard(order(6, "PAID"))
  await now.listed(order(5, "PENDING"))
  await new Promise((done) => setTimeout(done, 20))
  assert.deepEqual([...new Set(seen)], ["PENDING", "PAID"])
  assert.equal(seen.lastIndexOf("PENDING") < seen.indexOf("PAID"), true)
})

test("a smaller revision long after is that of a restored backup, and is taken", async () => {
  const now = stage()
  await now.asked(order(6, "PAID"))
  now.time.now += 121_000
  await now.asked(order(3, "PENDING"))
  assert.equal(now.shown()?.status, "PENDING")
})

test("a page that is open for weeks holds what it shows, and not all that it ever showed", async () => {
  const { client, listed, time } = stage()
  for (let number = 0; number < 600; number++) {
    time.now += 1_000
    await listed({ ...order(1, "PAID"), id: `order-${number}` })
  }
  const kept = Object.keys(client.cache.extract() as object).filter((place) => place.startsWith("Order:"))
  assert.ok(kept.length <= 500, String(kept.length))
  assert.ok(kept.includes("Order:order-599"))
})
