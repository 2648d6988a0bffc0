var e=({query:e})=>/(?:query|mutation|subscription) (\w+)/.exec(e)?.[1]??``,t=`    ... on UserError {
      message
      code
      retryable
    }`,n=(e,n,r,i)=>`# ${i}\nmutation ${e} {\n  ${n} {\n    __typename\n${r}\n${t}\n  }\n}`,r=e=>JSON.stringify(e,null,2);function i({productId:e,orderId:t,paidOrderId:i}){let a=()=>crypto.randomUUID(),o=[{kind:`PRODUCT`,name:`Stoneware mug`,quantity:2,unitAmount:1999},{kind:`SHIPPING`,name:`Parcel`,unitAmount:490},{kind:`DISCOUNT`,name:`Voucher HELLO`,unitAmount:500}],s=(e,t={})=>r({orderId:e,...t});return[{role:`anyone`,isOpen:!0,what:`What is for sale`,query:`# What is for sale. Needs no token.
query ListProducts {
  products(first: 5) {
    nodes { id name price { amount currency minorUnits } }
    pageInfo { hasNextPage endCursor }
  }
}`},{role:`anyone`,isOpen:!0,what:`What Stripe.js is started with`,query:`# What Stripe.js is started with.
query PaymentConfig {
  paymentConfig {
    publishableKey
    apiVersion
  }
}`},{role:`customer`,isOpen:!0,what:`Places an order`,query:n(`CreateOrder($input: CreateOrderInput!)`,`createOrder(input: $input)`,`    ... on Order { id status total { amount currency } }
    ... on OrderTotalMismatch { sum { amount currency } }`,`Places an order. The same idempotencyKey again gives the same order.`),variables:r({input:{idempotencyKey:a(),items:[{productId:e,quantity:2}]}})},{role:`customer`,isOpen:!0,what:`Makes an order payable`,query:n(`CreatePaymentIntent($orderId: ID!)`,`createPaymentIntent(orderId: $orderId)`,`    ... on PaymentIntent { id clientSecret status amount { amount currency } }
    ... on OrderNotPayable { orderStatus }`,`Makes a pending order payable. Safe to repeat: an order has one PaymentIntent.`),variables:s(t)},{role:`customer`,isOpen:!0,what:`Follows an order, through restarts of the server too`,query:`# The order as it is now, and again each time it changes: pay or cancel it meanwhile.
subscription FollowOrder($orderId: ID!) {
  orderUpdated(orderId: $orderId) {
    id
    status
    payments { status }
  }
}`,variables:s(t)},{role:`customer`,isOpen:!0,what:`The orders of whoever asks`,query:`# The orders of whoever the token speaks for.
query MyOrders {
  me { id isMerchant }
  orders(first: 5) {
    nodes { id status total { amount currency } items { productName quantity } }
  }
}`},{role:`customer`,what:`Cancels an order that is not paid`,query:n(`CancelOrder($orderId: ID!)`,`cancelOrder(orderId: $orderId)`,`    ... on Order { id status cancelReason }
    ... on OrderNotCancelable { orderStatus }`,`Cancels a pending order and its PaymentIntent together. Twice is the same as once.`),variables:s(t)},{role:`merchant`,what:`One order with its lines and its money`,query:`# Any order of this shop, with all that happened to its money.
query LookIntoOrder($orderId: ID!) {
  order(id: $orderId) {
    id
    status
    userId
    version
    total { amount currency }
    lines { kind name quantity subtotal { amount } }
    payments { status paymentIntentId received { amount } history { toStatus cause at } }
    refunds { status amount { amount } }
    disputes { status reason amount { amount } }
  }
}`,variables:s(t)},{role:`merchant`,what:`Brings in an order of the shop's own system`,query:n(`ImportOrder($input: ImportOrderInput!)`,`importOrder(input: $input)`,`    ... on Order { id reference version total { amount currency } }
    ... on OrderTotalMismatch { sum { amount currency } }`,`An order that your own shop placed. The same reference again is the same order; the total must be the lines' sum.`),variables:r({input:{reference:`R-${a().slice(0,8)}`,userId:`ada`,currency:`USD`,lines:o,total:3988}})},{role:`merchant`,what:`Gives a pending order other lines`,query:n(`UpdateOrder($input: UpdateOrderInput!)`,`updateOrder(input: $input)`,`    ... on Order { id version total { amount currency } }
    ... on OrderChangedMeanwhile { order { version } }`,`All lines anew. expectedVersion is the version that you saw: see LookIntoOrder.`),variables:r({input:{orderId:t,expectedVersion:1,lines:o,total:3988}})},{role:`merchant`,what:`A link for a guest: a token for one order`,query:n(`CreateCheckoutToken($orderId: ID!, $minutes: Int! = 60)`,`createCheckoutToken(orderId: $orderId, minutes: $minutes)`,`    ... on CheckoutToken { token expiresAt }`,`Whoever holds the token may pay this one order. In the demo's shop: /?pay=<order>#token=<token>`),variables:s(t)},{role:`merchant`,what:`Gives money back`,query:n(`RefundOrder($input: RefundOrderInput!)`,`refundOrder(input: $input)`,`    ... on Refund { id status amount { amount currency } }
    ... on AmountNotRefundable { refundable { amount currency } }`,`Gives 5.00 of a paid order back. The same idempotencyKey again gives it back once.`),variables:r({input:{orderId:i,amount:500,reason:`requested_by_customer`,idempotencyKey:a()}})},{role:`merchant`,what:`A key for one of the shop's own systems`,query:n(`CreateServiceKey($input: CreateServiceKeyInput!)`,`createServiceKey(input: $input)`,`    ... on NewServiceKey { secret key { id name scopes } }`,"The secret is shown once. Send it as `Authorization: Bearer pgk_…`."),variables:r({input:{name:`Warehouse`,scopes:[`ORDERS_READ`]}})},{role:`merchant`,what:`Ends a key`,query:n(`RevokeServiceKey($id: ID!)`,`revokeServiceKey(id: $id)`,`    ... on ServiceKey { id name revokedAt }`,`Within seconds no server takes the key. Twice is the same as once.`),variables:r({id:`a key's id`})}]}var a=`{
  products(first: 1) { nodes { id } }
  pending: orders(first: 1, status: PENDING) { nodes { id } }
  paid: orders(first: 1, status: PAID) { nodes { id } }
}`;async function o(e){let t=e.users[0]?.token,n=t?await s(e.graphql,t).catch(()=>null):null;return{productId:n?.products.nodes[0]?.id??`a product's id`,orderId:n?.pending.nodes[0]?.id??`an order's id`,paidOrderId:n?.paid.nodes[0]?.id??`the id of a paid order`}}async function s(e,t){return(await(await fetch(e,{method:`POST`,headers:{"Content-Type":`application/json`,Authorization:`Bearer ${t}`},body:JSON.stringify({query:a})})).json()).data}export{e as n,o as r,i as t};