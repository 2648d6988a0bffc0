import { graphql } from "../gql/index.ts"

export const DESK_ORDER = graphql(/* GraphQL */ `
  fragment DeskOrder on Order {
    ...DeskStanding
    reference
    createdAt
    updatedAt
    userId
    receiptEmail
    canceledAt
    canceledBy
    reviews { id decision note decidedBy decidedAt }
    openReview {
      here { amount currency }
      accept { ...DeskOutcome }
      refund { ...DeskOutcome }
    }
    version
    lines { kind reference name quantity unitAmount { amount currency } subtotal { amount currency } }
    metadata { key value }
    payments {
      id status disposition paymentIntentId createdAt
      amount { minorUnits amount currency }
      received { minorUnits amount currency }
      history { at fromStatus toStatus cause }
    }
    refunds { id status cause createdAt reason note customerMessage failureReason requestedBy amount { minorUnits amount currency } }
    disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }
  }

  fragment DeskOutcome on ReviewOutcome {
    total { amount currency }
    givesBack { amount currency }
    keeps { amount currency }
    refusal
  }
`)

export const ORDER = graphql(/* GraphQL */ `
  query DeskOrder($id: ID!) {
    order(id: $id) { id ...DeskOrder }
  }
`)
