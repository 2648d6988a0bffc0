// What a shop asks, as Apollo's and codegen's tools find it in its sources.
import { gql } from "@apollo/client";

export const ORDER_LINE = gql`
  fragment OrderLine on Order {
    id
    status
  }
`;

export const Config = gql`
  query Config {
    paymentConfig {
      apiVersion
    }
  }
`;

export const Orders = gql`
  query Orders($first: Int!) {
    orders(first: $first) {
      nodes {
        ...OrderLine
      }
    }
  }
  ${ORDER_LINE}
`;

export const Cancel = gql`
  mutation Cancel($orderId: ID!) {
    cancelOrder(orderId: $orderId) {
      ... on Order {
        ...OrderLine
      }
      ... on UserError {
        code
      }
    }
  }
  ${ORDER_LINE}
`;
