// The payment page, in the customer's browser: it calls Paygraph itself, with the token for this one order.
const form = document.querySelector("#payment")
const button = form.querySelector("button")
const { paygraph, token, order: orderId, total, back } = form.dataset

function post(path, body) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` }
  return fetch(`${paygraph}${path}`, { method: "POST", headers, body: JSON.stringify(body) })
}

/** One try: the answer, its status and `after` how many seconds to ask again. No answer at all may be repeated too. */
async function tryToCreate() {
  try {
    const response = await post("/api/payments/create-intent", { orderId })
    return { ...(await response.json()), status: response.status, after: Number(response.headers.get("retry-after")) }
  } catch (problem) {
    return { retryable: true, problem }
  }
}

/** The client secret of the order's one PaymentIntent, however often it is asked for. */
async function createIntent() {
  for (let failures = 0; ; ) {
    const { status, after, clientSecret, ...answer } = await tryToCreate()
    if (clientSecret) return clientSecret
    // In a crowd 429 says when it is our turn, which is no failure; everything else is tried five times.
    const isCrowded = status === 429
    if (!answer.retryable || (!isCrowded && ++failures > 5)) throw answer
    const seconds = after || 0.3 * 2 ** failures
    say(isCrowded ? `Many customers are paying at the moment. It is your turn in ${Math.ceil(seconds)} seconds.` : "One moment, please …")
    await new Promise((done) => setTimeout(done, seconds * 1000))
  }
}

/** How the order stands at Paygraph, and the key that Stripe.js starts with. */
async function look() {
  const query = "query($id: ID!) { paymentConfig { publishableKey } order(id: $id) { status total { minorUnits } } }"
  const { data } = await (await post("/graphql", { query, variables: { id: orderId } })).json()
  return data
}

const say = (message) => (form.querySelector("[role=alert]").textContent = message)

async function begin() {
  const [clientSecret, { paymentConfig }] = await Promise.all([createIntent(), look()])
  const stripe = Stripe(paymentConfig.publishableKey)
  const elements = stripe.elements({ clientSecret })
  elements.create("payment").mount("#card")
  say("")
  button.disabled = false
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    button.disabled = true
    pay(stripe, elements).catch(unclear)
  })
}

async function pay(stripe, elements) {
  // Nobody pays another amount than the one on the button, nor what another tab has paid.
  const { order } = await look()
  if (order.status !== "PENDING") return location.replace(back)
  if (order.total.minorUnits !== Number(total)) return (location.search = "?changed")
  const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: back } })
  // Only these two mean that nothing was charged. All else may hide a payment: ask how the order stands.
  if (!["card_error", "validation_error"].includes(error.type)) return location.replace(back)
  say(error.message)
  button.disabled = false
}

function unclear(problem) {
  if (problem.code === "ORDER_NOT_PAYABLE") return location.replace(back)
  console.error(problem) // "Failed to fetch" here: is this page's origin in Paygraph's CORS_ORIGINS?
  say(problem.code ? problem.message : "We can't reach the payment service. Load this page again in a moment.")
}

begin().catch(unclear)
