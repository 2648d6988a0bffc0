/** What the server says of itself in `/config.json`. Tokens are the demo's, and stay in memory. */
export interface DemoUser {
  id: string
  name: string
  role: "customer" | "merchant"
  token: string
}

/** Where the desk's people sign in by OpenID Connect, and as what the desk is known there. */
export interface SignInService {
  issuer: string
  clientId: string
  scope: string
  audience: string | null
}

export interface Config {
  graphql: string
  stripeJs: string
  publishableKey: string
  /** The stand-in for Stripe, if there is one: its test cards are offered. */
  sandbox: string | null
  users: DemoUser[]
  signIn: SignInService | null
}

export async function readConfig(): Promise<Config> {
  const answer = await fetch("/config.json", { cache: "no-store" })
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`)
  return (await answer.json()) as Config
}
