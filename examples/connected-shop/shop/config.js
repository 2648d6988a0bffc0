// What the environment says; .env.example explains each name.
const { env } = process

export const config = {
  paygraph: env.PAYGRAPH_URL ?? "http://127.0.0.1:8000",
  key: needed("PAYGRAPH_KEY"),
  webhookSecret: env.PAYGRAPH_WEBHOOK_SECRET ?? "",
  databaseUrl: needed("DATABASE_URL"),
  stripeJs: env.STRIPE_JS || "https://js.stripe.com/endive/stripe.js",
  port: Number(env.PORT ?? 3000),
  url: env.SHOP_URL ?? "http://127.0.0.1:3000",
  pullEvery: Number(env.PULL_EVERY ?? 30),
}

function needed(name) {
  if (env[name]) return env[name]
  console.error(`${name}: is not set; see .env.example`)
  process.exit(1)
}
