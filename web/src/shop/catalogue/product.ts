import { graphql } from "../../gql/index.ts"
import type { CountedAmount } from "../../shared/money.ts"

export const PRODUCT_FIELDS = graphql(/* GraphQL */ `
  fragment ProductFields on Product {
    id
    name
    image
    price { minorUnits amount currency }
  }
`)

/** What the cart has to know of a product. */
export interface Product {
  id: string
  name: string
  image: string | null
  price: CountedAmount
}
