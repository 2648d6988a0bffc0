async function e(e){let n=e.users[0]?.token,i=n?t({Authorization:`Bearer ${n}`}):void 0,{productId:a,orderId:o}=await r(e,n),s={idempotencyKey:crypto.randomUUID(),items:[{productId:a,quantity:2}]};return[{query:`# What is for sale. Needs no token.
query ListProducts {
  products(first: 5) {
    nodes {
      id
      name
      price {
        amount
        currency
        minorUnits
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`,headers:i},{query:`# Places an order. The same idempotencyKey again gives the same order.
mutation CreateOrder($input: CreateOrderInput!) {
  createOrder(input: $input) {
    __typename
    ... on Order {
      id
      status
      total {
        amount
        currency
      }
    }
    ... on UserError {
      message
      code
      retryable
    }
  }
}`,variables:t({input:s}),headers:i},{query:`# Makes a pending order payable. Safe to repeat: an order has one PaymentIntent.
mutation CreatePaymentIntent($orderId: ID!) {
  createPaymentIntent(orderId: $orderId) {
    __typename
    ... on PaymentIntent {
      id
      clientSecret
      status
      amount {
        amount
        currency
      }
    }
    ... on OrderNotPayable {
      orderStatus
    }
    ... on UserError {
      message
      code
      retryable
    }
  }
}`,variables:t({orderId:o}),headers:i},{query:`# The order as it is now, and again each time it changes: pay or cancel it meanwhile.
subscription FollowOrder($orderId: ID!) {
  orderUpdated(orderId: $orderId) {
    id
    status
    payments {
      status
    }
  }
}`,variables:t({orderId:o}),headers:i},{query:`# The orders of whoever the token in the headers speaks for.
query MyOrders {
  me {
    id
    isMerchant
  }
  orders(first: 5) {
    nodes {
      id
      status
      total {
        amount
        currency
      }
      items {
        productName
        quantity
      }
    }
  }
}`,headers:i},{query:`# What Stripe.js is started with.
query PaymentConfig {
  paymentConfig {
    publishableKey
    apiVersion
  }
}`,headers:i}]}var t=e=>JSON.stringify(e,null,2),n=`{ products(first: 1) { nodes { id } } orders(first: 1, status: PENDING) { nodes { id } } }`;async function r(e,t){let r={productId:`a product's id`,orderId:`an order's id`};if(!t)return r;let{data:i}=await(await fetch(e.graphql,{method:`POST`,headers:{"Content-Type":`application/json`,Authorization:`Bearer ${t}`},body:JSON.stringify({query:n})})).json();return{productId:i?.products.nodes[0]?.id??r.productId,orderId:i?.orders.nodes[0]?.id??r.orderId}}export{e as examples};