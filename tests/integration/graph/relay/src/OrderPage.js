// What a Relay page of an order asks for: it refetches one order by its id, and pages through them.
import { graphql } from "relay-runtime"

export const order = graphql`
  fragment OrderPage_order on Order @refetchable(queryName: "OrderPageRefetchQuery") {
    status
    total {
      amount
      currency
    }
  }
`

export const product = graphql`
  fragment OrderPage_product on Product @refetchable(queryName: "ProductRefetchQuery") {
    name
  }
`

export const user = graphql`
  fragment OrderPage_user on User @refetchable(queryName: "UserRefetchQuery") {
    email
  }
`

export const orders = graphql`
  fragment OrderPage_orders on Query
  @refetchable(queryName: "OrdersPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    orders(first: $count, after: $cursor) @connection(key: "OrderPage_orders") {
      edges {
        node {
          ...OrderPage_order
        }
      }
    }
  }
`
