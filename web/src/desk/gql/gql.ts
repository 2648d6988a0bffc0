/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query DeskDisputes($after: String) {\n    allOrders(first: 100, after: $after, filter: { disputed: true }) {\n      nodes {\n        id\n        reference\n        disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.DeskDisputesDocument,
    "\n  mutation DeskCloseCase($id: ID!, $note: String!) {\n    closeAttention(id: $id, note: $note) {\n      __typename\n      ... on AttentionCase { id ...DeskCase }\n      ... on UserError { message code retryable }\n    }\n  }\n": typeof types.DeskCloseCaseDocument,
    "\n  fragment DeskCase on AttentionCase {\n    id\n    kind\n    message\n    dueBy\n    openedAt\n    closedAt\n    closedBy\n    note\n    order { id reference }\n  }\n": typeof types.DeskCaseFragmentDoc,
    "\n  query DeskCases($open: Boolean!) {\n    attention(first: 100, open: $open) {\n      nodes { id ...DeskCase }\n      pageInfo { hasNextPage }\n    }\n  }\n": typeof types.DeskCasesDocument,
    "\n  mutation DeskCreateKey($input: CreateServiceKeyInput!) {\n    createServiceKey(input: $input) {\n      __typename\n      ... on NewServiceKey { secret key { id ...DeskKey } }\n      ... on UserError { message code retryable }\n    }\n  }\n": typeof types.DeskCreateKeyDocument,
    "\n  fragment DeskKey on ServiceKey {\n    id\n    name\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n": typeof types.DeskKeyFragmentDoc,
    "\n  query DeskKeys {\n    serviceKeys { id ...DeskKey }\n  }\n": typeof types.DeskKeysDocument,
    "\n  mutation DeskRevokeKey($id: ID!) {\n    revokeServiceKey(id: $id) {\n      __typename\n      ... on ServiceKey { id ...DeskKey }\n      ... on UserError { message code retryable }\n    }\n  }\n": typeof types.DeskRevokeKeyDocument,
    "\n  subscription DeskOrderNews($id: ID!) {\n    orderUpdated(orderId: $id) { id ...DeskOrder }\n  }\n": typeof types.DeskOrderNewsDocument,
    "\n  mutation DeskCancel($orderId: ID!) {\n    cancelOrder(orderId: $orderId) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotCancelable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n": typeof types.DeskCancelDocument,
    "\n  fragment DeskOrder on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    updatedAt\n    userId\n    receiptEmail\n    version\n    lines { kind reference name quantity unitAmount { amount currency } subtotal { amount currency } }\n    metadata { key value }\n    payments {\n      id status disposition paymentIntentId createdAt\n      amount { minorUnits amount currency }\n      received { minorUnits amount currency }\n      history { at fromStatus toStatus cause }\n    }\n    refunds { id status cause createdAt reason note customerMessage failureReason amount { minorUnits amount currency } }\n    disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n  }\n": typeof types.DeskOrderFragmentDoc,
    "\n  query DeskOrder($id: ID!) {\n    order(id: $id) { id ...DeskOrder }\n  }\n": typeof types.DeskOrderDocument,
    "\n  mutation DeskRefund($input: RefundOrderInput!) {\n    refundOrder(input: $input) {\n      __typename\n      ... on Refund { id status amount { minorUnits amount currency } }\n      ... on AmountNotRefundable { refundable { amount currency } }\n      ... on OrderNotRefundable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n": typeof types.DeskRefundDocument,
    "\n  mutation DeskReview($input: ResolveReviewInput!) {\n    resolveReview(input: $input) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotInReview { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n": typeof types.DeskReviewDocument,
    "\n  query DeskStripeMode {\n    paymentConfig { publishableKey }\n  }\n": typeof types.DeskStripeModeDocument,
    "\n  query DeskExport($after: String, $filter: OrderFilter) {\n    allOrders(first: 100, after: $after, filter: $filter) {\n      nodes { ...DeskStanding createdAt reference userId receiptEmail }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.DeskExportDocument,
    "\n  query DeskOrders($first: Int!, $after: String, $filter: OrderFilter) {\n    allOrders(first: $first, after: $after, filter: $filter) {\n      nodes { id ...DeskOrderRow }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.DeskOrdersDocument,
    "\n  fragment DeskOrderRow on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    userId\n    receiptEmail\n    lines { kind name quantity }\n  }\n": typeof types.DeskOrderRowFragmentDoc,
    "\n  fragment DeskStanding on Order {\n    id\n    status\n    expiresAt\n    cancelReason\n    total { minorUnits amount currency }\n    payments { id status disposition paymentIntentId received { minorUnits amount currency } }\n    refunds { id status amount { minorUnits amount currency } }\n    disputes { id status dueBy }\n  }\n": typeof types.DeskStandingFragmentDoc,
    "\n  mutation DeskSaveProduct($input: [ProductInput!]!) {\n    saveProducts(input: $input) {\n      __typename\n      ... on SavedProducts { products { id ...DeskProduct } }\n      ... on UserError { message code retryable }\n    }\n  }\n": typeof types.DeskSaveProductDocument,
    "\n  fragment DeskProduct on Product {\n    id\n    reference\n    name\n    description\n    price { minorUnits amount currency }\n  }\n": typeof types.DeskProductFragmentDoc,
    "\n  query DeskProducts($after: String) {\n    products(first: 50, after: $after) {\n      nodes { id ...DeskProduct }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.DeskProductsDocument,
    "\n  query DeskFind($filter: OrderFilter!) {\n    allOrders(first: 1, filter: $filter) { nodes { id } }\n  }\n": typeof types.DeskFindDocument,
};
const documents: Documents = {
    "\n  query DeskDisputes($after: String) {\n    allOrders(first: 100, after: $after, filter: { disputed: true }) {\n      nodes {\n        id\n        reference\n        disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.DeskDisputesDocument,
    "\n  mutation DeskCloseCase($id: ID!, $note: String!) {\n    closeAttention(id: $id, note: $note) {\n      __typename\n      ... on AttentionCase { id ...DeskCase }\n      ... on UserError { message code retryable }\n    }\n  }\n": types.DeskCloseCaseDocument,
    "\n  fragment DeskCase on AttentionCase {\n    id\n    kind\n    message\n    dueBy\n    openedAt\n    closedAt\n    closedBy\n    note\n    order { id reference }\n  }\n": types.DeskCaseFragmentDoc,
    "\n  query DeskCases($open: Boolean!) {\n    attention(first: 100, open: $open) {\n      nodes { id ...DeskCase }\n      pageInfo { hasNextPage }\n    }\n  }\n": types.DeskCasesDocument,
    "\n  mutation DeskCreateKey($input: CreateServiceKeyInput!) {\n    createServiceKey(input: $input) {\n      __typename\n      ... on NewServiceKey { secret key { id ...DeskKey } }\n      ... on UserError { message code retryable }\n    }\n  }\n": types.DeskCreateKeyDocument,
    "\n  fragment DeskKey on ServiceKey {\n    id\n    name\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n": types.DeskKeyFragmentDoc,
    "\n  query DeskKeys {\n    serviceKeys { id ...DeskKey }\n  }\n": types.DeskKeysDocument,
    "\n  mutation DeskRevokeKey($id: ID!) {\n    revokeServiceKey(id: $id) {\n      __typename\n      ... on ServiceKey { id ...DeskKey }\n      ... on UserError { message code retryable }\n    }\n  }\n": types.DeskRevokeKeyDocument,
    "\n  subscription DeskOrderNews($id: ID!) {\n    orderUpdated(orderId: $id) { id ...DeskOrder }\n  }\n": types.DeskOrderNewsDocument,
    "\n  mutation DeskCancel($orderId: ID!) {\n    cancelOrder(orderId: $orderId) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotCancelable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n": types.DeskCancelDocument,
    "\n  fragment DeskOrder on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    updatedAt\n    userId\n    receiptEmail\n    version\n    lines { kind reference name quantity unitAmount { amount currency } subtotal { amount currency } }\n    metadata { key value }\n    payments {\n      id status disposition paymentIntentId createdAt\n      amount { minorUnits amount currency }\n      received { minorUnits amount currency }\n      history { at fromStatus toStatus cause }\n    }\n    refunds { id status cause createdAt reason note customerMessage failureReason amount { minorUnits amount currency } }\n    disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n  }\n": types.DeskOrderFragmentDoc,
    "\n  query DeskOrder($id: ID!) {\n    order(id: $id) { id ...DeskOrder }\n  }\n": types.DeskOrderDocument,
    "\n  mutation DeskRefund($input: RefundOrderInput!) {\n    refundOrder(input: $input) {\n      __typename\n      ... on Refund { id status amount { minorUnits amount currency } }\n      ... on AmountNotRefundable { refundable { amount currency } }\n      ... on OrderNotRefundable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n": types.DeskRefundDocument,
    "\n  mutation DeskReview($input: ResolveReviewInput!) {\n    resolveReview(input: $input) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotInReview { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n": types.DeskReviewDocument,
    "\n  query DeskStripeMode {\n    paymentConfig { publishableKey }\n  }\n": types.DeskStripeModeDocument,
    "\n  query DeskExport($after: String, $filter: OrderFilter) {\n    allOrders(first: 100, after: $after, filter: $filter) {\n      nodes { ...DeskStanding createdAt reference userId receiptEmail }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.DeskExportDocument,
    "\n  query DeskOrders($first: Int!, $after: String, $filter: OrderFilter) {\n    allOrders(first: $first, after: $after, filter: $filter) {\n      nodes { id ...DeskOrderRow }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.DeskOrdersDocument,
    "\n  fragment DeskOrderRow on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    userId\n    receiptEmail\n    lines { kind name quantity }\n  }\n": types.DeskOrderRowFragmentDoc,
    "\n  fragment DeskStanding on Order {\n    id\n    status\n    expiresAt\n    cancelReason\n    total { minorUnits amount currency }\n    payments { id status disposition paymentIntentId received { minorUnits amount currency } }\n    refunds { id status amount { minorUnits amount currency } }\n    disputes { id status dueBy }\n  }\n": types.DeskStandingFragmentDoc,
    "\n  mutation DeskSaveProduct($input: [ProductInput!]!) {\n    saveProducts(input: $input) {\n      __typename\n      ... on SavedProducts { products { id ...DeskProduct } }\n      ... on UserError { message code retryable }\n    }\n  }\n": types.DeskSaveProductDocument,
    "\n  fragment DeskProduct on Product {\n    id\n    reference\n    name\n    description\n    price { minorUnits amount currency }\n  }\n": types.DeskProductFragmentDoc,
    "\n  query DeskProducts($after: String) {\n    products(first: 50, after: $after) {\n      nodes { id ...DeskProduct }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.DeskProductsDocument,
    "\n  query DeskFind($filter: OrderFilter!) {\n    allOrders(first: 1, filter: $filter) { nodes { id } }\n  }\n": types.DeskFindDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskDisputes($after: String) {\n    allOrders(first: 100, after: $after, filter: { disputed: true }) {\n      nodes {\n        id\n        reference\n        disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query DeskDisputes($after: String) {\n    allOrders(first: 100, after: $after, filter: { disputed: true }) {\n      nodes {\n        id\n        reference\n        disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeskCloseCase($id: ID!, $note: String!) {\n    closeAttention(id: $id, note: $note) {\n      __typename\n      ... on AttentionCase { id ...DeskCase }\n      ... on UserError { message code retryable }\n    }\n  }\n"): (typeof documents)["\n  mutation DeskCloseCase($id: ID!, $note: String!) {\n    closeAttention(id: $id, note: $note) {\n      __typename\n      ... on AttentionCase { id ...DeskCase }\n      ... on UserError { message code retryable }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment DeskCase on AttentionCase {\n    id\n    kind\n    message\n    dueBy\n    openedAt\n    closedAt\n    closedBy\n    note\n    order { id reference }\n  }\n"): (typeof documents)["\n  fragment DeskCase on AttentionCase {\n    id\n    kind\n    message\n    dueBy\n    openedAt\n    closedAt\n    closedBy\n    note\n    order { id reference }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskCases($open: Boolean!) {\n    attention(first: 100, open: $open) {\n      nodes { id ...DeskCase }\n      pageInfo { hasNextPage }\n    }\n  }\n"): (typeof documents)["\n  query DeskCases($open: Boolean!) {\n    attention(first: 100, open: $open) {\n      nodes { id ...DeskCase }\n      pageInfo { hasNextPage }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeskCreateKey($input: CreateServiceKeyInput!) {\n    createServiceKey(input: $input) {\n      __typename\n      ... on NewServiceKey { secret key { id ...DeskKey } }\n      ... on UserError { message code retryable }\n    }\n  }\n"): (typeof documents)["\n  mutation DeskCreateKey($input: CreateServiceKeyInput!) {\n    createServiceKey(input: $input) {\n      __typename\n      ... on NewServiceKey { secret key { id ...DeskKey } }\n      ... on UserError { message code retryable }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment DeskKey on ServiceKey {\n    id\n    name\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n"): (typeof documents)["\n  fragment DeskKey on ServiceKey {\n    id\n    name\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskKeys {\n    serviceKeys { id ...DeskKey }\n  }\n"): (typeof documents)["\n  query DeskKeys {\n    serviceKeys { id ...DeskKey }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeskRevokeKey($id: ID!) {\n    revokeServiceKey(id: $id) {\n      __typename\n      ... on ServiceKey { id ...DeskKey }\n      ... on UserError { message code retryable }\n    }\n  }\n"): (typeof documents)["\n  mutation DeskRevokeKey($id: ID!) {\n    revokeServiceKey(id: $id) {\n      __typename\n      ... on ServiceKey { id ...DeskKey }\n      ... on UserError { message code retryable }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription DeskOrderNews($id: ID!) {\n    orderUpdated(orderId: $id) { id ...DeskOrder }\n  }\n"): (typeof documents)["\n  subscription DeskOrderNews($id: ID!) {\n    orderUpdated(orderId: $id) { id ...DeskOrder }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeskCancel($orderId: ID!) {\n    cancelOrder(orderId: $orderId) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotCancelable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n"): (typeof documents)["\n  mutation DeskCancel($orderId: ID!) {\n    cancelOrder(orderId: $orderId) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotCancelable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment DeskOrder on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    updatedAt\n    userId\n    receiptEmail\n    version\n    lines { kind reference name quantity unitAmount { amount currency } subtotal { amount currency } }\n    metadata { key value }\n    payments {\n      id status disposition paymentIntentId createdAt\n      amount { minorUnits amount currency }\n      received { minorUnits amount currency }\n      history { at fromStatus toStatus cause }\n    }\n    refunds { id status cause createdAt reason note customerMessage failureReason amount { minorUnits amount currency } }\n    disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n  }\n"): (typeof documents)["\n  fragment DeskOrder on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    updatedAt\n    userId\n    receiptEmail\n    version\n    lines { kind reference name quantity unitAmount { amount currency } subtotal { amount currency } }\n    metadata { key value }\n    payments {\n      id status disposition paymentIntentId createdAt\n      amount { minorUnits amount currency }\n      received { minorUnits amount currency }\n      history { at fromStatus toStatus cause }\n    }\n    refunds { id status cause createdAt reason note customerMessage failureReason amount { minorUnits amount currency } }\n    disputes { id status reason createdAt dueBy amount { minorUnits amount currency } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskOrder($id: ID!) {\n    order(id: $id) { id ...DeskOrder }\n  }\n"): (typeof documents)["\n  query DeskOrder($id: ID!) {\n    order(id: $id) { id ...DeskOrder }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeskRefund($input: RefundOrderInput!) {\n    refundOrder(input: $input) {\n      __typename\n      ... on Refund { id status amount { minorUnits amount currency } }\n      ... on AmountNotRefundable { refundable { amount currency } }\n      ... on OrderNotRefundable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n"): (typeof documents)["\n  mutation DeskRefund($input: RefundOrderInput!) {\n    refundOrder(input: $input) {\n      __typename\n      ... on Refund { id status amount { minorUnits amount currency } }\n      ... on AmountNotRefundable { refundable { amount currency } }\n      ... on OrderNotRefundable { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeskReview($input: ResolveReviewInput!) {\n    resolveReview(input: $input) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotInReview { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n"): (typeof documents)["\n  mutation DeskReview($input: ResolveReviewInput!) {\n    resolveReview(input: $input) {\n      __typename\n      ... on Order { id ...DeskOrder }\n      ... on OrderNotInReview { orderStatus }\n      ... on RateLimited { retryAfter }\n      ... on UserError { message code retryable }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskStripeMode {\n    paymentConfig { publishableKey }\n  }\n"): (typeof documents)["\n  query DeskStripeMode {\n    paymentConfig { publishableKey }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskExport($after: String, $filter: OrderFilter) {\n    allOrders(first: 100, after: $after, filter: $filter) {\n      nodes { ...DeskStanding createdAt reference userId receiptEmail }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query DeskExport($after: String, $filter: OrderFilter) {\n    allOrders(first: 100, after: $after, filter: $filter) {\n      nodes { ...DeskStanding createdAt reference userId receiptEmail }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskOrders($first: Int!, $after: String, $filter: OrderFilter) {\n    allOrders(first: $first, after: $after, filter: $filter) {\n      nodes { id ...DeskOrderRow }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query DeskOrders($first: Int!, $after: String, $filter: OrderFilter) {\n    allOrders(first: $first, after: $after, filter: $filter) {\n      nodes { id ...DeskOrderRow }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment DeskOrderRow on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    userId\n    receiptEmail\n    lines { kind name quantity }\n  }\n"): (typeof documents)["\n  fragment DeskOrderRow on Order {\n    ...DeskStanding\n    reference\n    createdAt\n    userId\n    receiptEmail\n    lines { kind name quantity }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment DeskStanding on Order {\n    id\n    status\n    expiresAt\n    cancelReason\n    total { minorUnits amount currency }\n    payments { id status disposition paymentIntentId received { minorUnits amount currency } }\n    refunds { id status amount { minorUnits amount currency } }\n    disputes { id status dueBy }\n  }\n"): (typeof documents)["\n  fragment DeskStanding on Order {\n    id\n    status\n    expiresAt\n    cancelReason\n    total { minorUnits amount currency }\n    payments { id status disposition paymentIntentId received { minorUnits amount currency } }\n    refunds { id status amount { minorUnits amount currency } }\n    disputes { id status dueBy }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeskSaveProduct($input: [ProductInput!]!) {\n    saveProducts(input: $input) {\n      __typename\n      ... on SavedProducts { products { id ...DeskProduct } }\n      ... on UserError { message code retryable }\n    }\n  }\n"): (typeof documents)["\n  mutation DeskSaveProduct($input: [ProductInput!]!) {\n    saveProducts(input: $input) {\n      __typename\n      ... on SavedProducts { products { id ...DeskProduct } }\n      ... on UserError { message code retryable }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment DeskProduct on Product {\n    id\n    reference\n    name\n    description\n    price { minorUnits amount currency }\n  }\n"): (typeof documents)["\n  fragment DeskProduct on Product {\n    id\n    reference\n    name\n    description\n    price { minorUnits amount currency }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskProducts($after: String) {\n    products(first: 50, after: $after) {\n      nodes { id ...DeskProduct }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query DeskProducts($after: String) {\n    products(first: 50, after: $after) {\n      nodes { id ...DeskProduct }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DeskFind($filter: OrderFilter!) {\n    allOrders(first: 1, filter: $filter) { nodes { id } }\n  }\n"): (typeof documents)["\n  query DeskFind($filter: OrderFilter!) {\n    allOrders(first: 1, filter: $filter) { nodes { id } }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;