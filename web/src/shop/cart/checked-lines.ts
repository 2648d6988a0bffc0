import type { ApolloClient } from "@apollo/client"
import { useApolloClient } from "@apollo/client/react"
import { useCallback, useEffect, useState } from "react"
import { graphql } from "../../gql/index.ts"
import { type CountedAmount, sum } from "../../shared/money.ts"
import { useStore } from "../../shared/store.ts"
import { type Line, cart } from "./cart.ts"

const CART_PRODUCTS = graphql(/* GraphQL */ `
  query CartProducts($ids: [ID!]!) {
    products(first: 100, ids: $ids) {
      nodes { ...ProductFields }
    }
  }
`)

/** A line as the server knows it today. `was` is what the customer saw before, when it differs. */
export interface CheckedLine {
  line: Line
  price: CountedAmount
  was: CountedAmount | null
  isSold: boolean
  /** Priced in another currency than the rest by now: an order has one. */
  isForeign: boolean
}

/** The cart's lines with today's prices. While the server can't be asked they are shown as they were. */
export function useCheckedLines(): { lines: CheckedLine[]; total: CountedAmount | null; check: () => Promise<unknown> } {
  const { lines } = useStore(cart)
  const { soldOf, check } = useSold(lines.map(({ productId }) => productId).sort().join())
  const checked = withOneCurrency(lines.map((line) => checkedLine(line, soldOf(line))))
  const total = sum(checked.filter(isOrderable).map(({ price, line }) => ({ price, quantity: line.quantity })))
  return { lines: checked, total, check }
}

/** Whether it counts in the total. */
export const isOrderable = ({ isSold, isForeign }: CheckedLine): boolean => isSold && !isForeign

/** The currency is that of the first line that is for sale. */
export function withOneCurrency(lines: CheckedLine[]): CheckedLine[] {
  const currency = lines.find(({ isSold }) => isSold)?.price.currency
  return lines.map((each) => ({ ...each, isForeign: each.isSold && each.price.currency !== currency }))
}

const AT_ONCE = 100 // products that one call tells of

interface Found {
  asked: string[]
  sold: Sold
}

/** What of a cart is for sale; `ids` are joined by commas. */
function useSold(ids: string) {
  const client = useApolloClient()
  const [found, setFound] = useState<Found>({ asked: [], sold: [] })
  const look = useCallback(() => soldOfAll(client, ids ? ids.split(",") : []), [client, ids])
  useEffect(() => {
    let isOld = false
    look().then((now) => isOld || setFound(now), () => null)
    return () => void (isOld = true)
  }, [look])
  const soldOf = ({ productId }: Line) => (found.asked.includes(productId) ? found.sold : undefined)
  return { soldOf, check: async () => setFound(await look()) }
}

/** However many there are. */
async function soldOfAll(client: ApolloClient, asked: string[]): Promise<Found> {
  const calls = []
  for (let place = 0; place < asked.length; place += AT_ONCE) calls.push(ask(client, asked.slice(place, place + AT_ONCE)))
  return { asked, sold: (await Promise.all(calls)).flat() }
}

async function ask(client: ApolloClient, ids: string[]): Promise<Sold> {
  const { data } = await client.query({ query: CART_PRODUCTS, variables: { ids }, fetchPolicy: "network-only" })
  return data?.products.nodes ?? []
}

type Sold = { id: string; price: CountedAmount }[]

export function checkedLine(line: Line, sold: Sold | undefined): CheckedLine {
  if (!sold) return { line, price: line.price, was: null, isSold: true, isForeign: false }
  const product = sold.find(({ id }) => id === line.productId)
  if (!product) return { line, price: line.price, was: null, isSold: false, isForeign: false }
  const { price } = product
  const isOther = price.minorUnits !== line.price.minorUnits || price.currency !== line.price.currency
  return { line, price, was: isOther ? line.price : null, isSold: true, isForeign: false }
}
