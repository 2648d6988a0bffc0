// `npm run connect`: tells Paygraph where this shop takes webhooks, and prints what signs them. Again: a new secret.
import { createWebhookEndpoint, enableWebhookEndpoint, rotateWebhookSecret, webhookEndpoints } from "./paygraph/client.js"
import { config } from "./shop/config.js"

const address = `${config.url}/webhooks/paygraph`
try {
  const known = (await webhookEndpoints()).find(({ url }) => url === address)
  if (known && !known.enabled) await enableWebhookEndpoint(known.id)
  const { secret } = await (known ? rotateWebhookSecret(known.id) : createWebhookEndpoint(address))
  console.log(`PAYGRAPH_WEBHOOK_SECRET=${secret}`)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
