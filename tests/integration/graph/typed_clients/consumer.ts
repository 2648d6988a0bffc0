// A shop that handles everything the schema says can happen; `tsc --strict` refuses it if one case is missing.
import { graphql } from "./gql";
import type { CreateOrderMutation, OrderStatus, PayMutation } from "./gql/graphql";
import possibleTypes from "./gql/possible-types";

export const CreateOrder = graphql(`
  mutation CreateOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on Order { id total { minorUnits currency amount } }
      ... on ProductNotAvailable { productId }
      ... on IdempotencyKeyReused { orderId }
      ... on OrderTotalMismatch { sum { amount currency } }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`);

export const Pay = graphql(`
  mutation Pay($orderId: ID!) {
    createPaymentIntent(orderId: $orderId) {
      __typename
      ... on PaymentIntent { clientSecret amount { minorUnits currency amount } }
      ... on OrderNotPayable { orderStatus }
      ... on AmountNotChargeable { minimum { amount } maximum { amount } }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`);

export const Orders = graphql(`
  query Orders($after: String, $status: OrderStatus) {
    orders(first: 20, after: $after, status: $status) {
      nodes { id status createdAt total { minorUnits currency } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const OrderUpdated = graphql(`
  subscription OrderUpdated($orderId: ID!) {
    orderUpdated(orderId: $orderId) { id status }
  }
`);

export type Step = { pay: string } | { done: true } | { say: string; retryAfter?: number };

export function orderId(data: CreateOrderMutation): string | Step {
  const result = data.createOrder;
  if (!result) return { say: "Please sign in." };
  switch (result.__typename) {
    case "Order":
      return result.id;
    case "IdempotencyKeyReused":
      return result.orderId;
    case "ProductNotAvailable":
      return { say: `${result.productId} is sold out.` };
    case "OrderTotalMismatch":
      return { say: `It is now ${result.sum.amount} ${result.sum.currency}.` };
    case "RateLimited":
      return { say: result.message, retryAfter: result.retryAfter };
    case "InvalidOrder":
      return { say: result.message };
    default:
      return never(result);
  }
}

export function nextStep(data: PayMutation): Step {
  const result = data.createPaymentIntent;
  if (!result) return { say: "Please sign in." };
  switch (result.__typename) {
    case "PaymentIntent":
      return { pay: result.clientSecret };
    case "OrderNotPayable":
      return result.orderStatus === "PAID" ? { done: true } : { say: label(result.orderStatus) };
    case "AmountNotChargeable":
      return { say: `Between ${result.minimum.amount} and ${result.maximum.amount}, please.` };
    case "RateLimited":
      return { say: result.message, retryAfter: result.retryAfter };
    case "OrderNotFound":
    case "PaymentInProgress":
    case "PaymentProviderUnavailable":
      return result.retryable ? { say: result.message, retryAfter: 2 } : { say: result.message };
    default:
      return never(result);
  }
}

export function label(status: OrderStatus): string {
  switch (status) {
    case "PENDING":
    case "PAID":
    case "PARTIALLY_REFUNDED":
    case "REFUNDED":
    case "CANCELED":
    case "REVIEW":
      return status.toLowerCase().replace("_", " ");
    default:
      return never(status);
  }
}

// Every scalar has its type: an `unknown` or `any` would not do here.
export function total(orders: { total: { minorUnits: number; currency: string } }[]): number {
  return orders.reduce((sum, order) => sum + order.total.minorUnits, 0);
}

export const refusals: string[] = possibleTypes.possibleTypes["UserError"] ?? [];

function never(value: never): never {
  throw new Error(`not in the schema that this was built from: ${JSON.stringify(value)}`);
}
