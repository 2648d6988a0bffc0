import { useQuery } from "@apollo/client/react"
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
}

/** The cart's lines with today's prices. While the server can't be asked they are shown as they were. */
export function useCheckedLines(): { lines: CheckedLine[]; total: CountedAmount | null; check: () => Promise<unknown> } {
  const { lines } = useStore(cart)
  const ids = lines.map(({ productId }) => productId).sort()
  const { data, refetch } = useQuery(CART_PRODUCTS, { variables: { ids }, skip: ids.length === 0 })
  const checked = lines.map((line) => checkedLine(line, data?.products.nodes))
  const total = sum(checked.filter(({ isSold }) => isSold).map(({ price, line }) => ({ price, quantity: line.quantity })))
  return { lines: checked, total, check: () => refetch() }
}

type Sold = { id: string; price: CountedAmount }[]

export function checkedLine(line: Line, sold: Sold | undefined): CheckedLine {
  if (!sold) return { line, price: line.price, was: null, isSold: true }
  const product = sold.find(({ id }) => id === line.productId)
  if (!product) return { line, price: line.price, was: null, isSold: false }
  const { price } = product
  const isOther = price.minorUnits !== line.price.minorUnits || price.currency !== line.price.currency
  return { line, price, was: isOther ? line.price : null, isSold: true }
}
