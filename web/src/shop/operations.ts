import { graphql } from "../gql/index.ts"

export const PRODUCTS = graphql(/* GraphQL */ `
  query Products($after: String) {
    products(first: 50, after: $after) {
      nodes { id name description image price { amount currency } }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

export const ORDER_FIELDS = graphql(/* GraphQL */ `
  fragment OrderFields on Order {
    id
    status
    createdAt
    total { minorUnits amount currency }
    payments { id status }
    items { productId productName quantity unitPrice { amount currency } subtotal { amount currency } }
  }
`)

export const ORDERS = graphql(/* GraphQL */ `
  query MyOrders($after: String) {
    orders(first: 20, after: $after) {
      nodes { ...OrderFields }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

export const ORDER = graphql(/* GraphQL */ `
  query Order($id: ID!) {
    order(id: $id) {
      ...OrderFields
      refunds { id status createdAt amount { amount currency } }
    }
  }
`)

export const ORDER_STATUS = graphql(/* GraphQL */ `
  query OrderStatus($id: ID!) {
    order(id: $id) { id status }
  }
`)

export const CREATE_ORDER = graphql(/* GraphQL */ `
  mutation CreateOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on Order { ...OrderFields }
      ... on IdempotencyKeyReused { orderId }
      ... on ProductNotAvailable { productId }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

export const CREATE_PAYMENT_INTENT = graphql(/* GraphQL */ `
  mutation CreatePaymentIntent($orderId: ID!) {
    createPaymentIntent(orderId: $orderId) {
      __typename
      ... on PaymentIntent { id clientSecret status amount { amount currency } }
      ... on OrderNotPayable { orderStatus }
      ... on AmountNotChargeable { minimum { amount currency } }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

export const CANCEL_ORDER = graphql(/* GraphQL */ `
  mutation CancelOrder($orderId: ID!) {
    cancelOrder(orderId: $orderId) {
      __typename
      ... on Order { id status }
      ... on OrderNotCancelable { orderStatus }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

export const REFUND_ORDER = graphql(/* GraphQL */ `
  mutation RefundOrder($input: RefundOrderInput!) {
    refundOrder(input: $input) {
      __typename
      ... on Refund { id status amount { amount currency } }
      ... on AmountNotRefundable { refundable { amount currency } }
      ... on OrderNotRefundable { orderStatus }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)
