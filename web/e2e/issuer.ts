// An identity provider on this machine: discovery, keys, a page where somebody chooses who they are, and tokens for a code
// and the verifier that fits it (PKCE).
import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto"
import { once } from "node:events"
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http"
import type { AddressInfo } from "node:net"

export const CLIENT = "paygraph-desk"
export const AUDIENCE = "paygraph"

interface Grant {
  person: string
  query: URLSearchParams
}

const PEOPLE: Record<string, { email: string; role: string }> = {
  mara: { email: "mara@shop.example", role: "merchant" },
  milo: { email: "milo@shop.example", role: "merchant" },
  carl: { email: "carl@home.example", role: "customer" },
}

export class Issuer {
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 })
  readonly #grants = new Map<string, Grant>()
  readonly asked: URLSearchParams[] = [] // at its page, the latest last
  lifetime = 300 // seconds, of an access token
  nonce: string | null = null // in place of the right one
  isAway = false

  private constructor(private readonly server: Server) {
    server.on("request", (request, response) => void this.#answer(request, response))
  }

  static async start(): Promise<Issuer> {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    return new Issuer(server)
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url)
    if (this.isAway) return void response.writeHead(503, { "Access-Control-Allow-Origin": "*" }).end()
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return this.#json(response, {
          issuer: this.url, authorization_endpoint: `${this.url}/authorize`, token_endpoint: `${this.url}/token`, jwks_uri: `${this.url}/jwks`,
          response_types_supported: ["code"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["RS256"],
          code_challenge_methods_supported: ["S256"], authorization_response_iss_parameter_supported: true,
        })
      case "/jwks":
        return this.#json(response, { keys: [{ ...this.#keys.publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] })
      case "/authorize":
        return this.#ask(response, searchParams)
      case "/choose":
        return this.#choose(response, searchParams)
      case "/token":
        return this.#grant(response, new URLSearchParams(await textOf(request)))
      default:
        response.writeHead(404).end()
    }
  }

  #ask(response: ServerResponse, query: URLSearchParams): void {
    this.asked.push(query)
    const links = [...Object.keys(PEOPLE), "refuse"].map((choice) => `<a href="/choose?${new URLSearchParams({ choice, query: query.toString() }).toString()}">${choice}</a>`)
    response.writeHead(200, { "Content-Type": "text/html", "Cross-Origin-Opener-Policy": "same-origin" })
    response.end(`<!doctype html><html lang="en"><title>Sign in</title><link rel="icon" href="data:,"><h1>Who are you?</h1>${links.join(" ")}</html>`)
  }

  #choose(response: ServerResponse, choice: URLSearchParams): void {
    const query = new URLSearchParams(choice.get("query") ?? "")
    const person = choice.get("choice") ?? ""
    const code = randomUUID()
    if (person !== "refuse") this.#grants.set(code, { person, query })
    const answer: Record<string, string> = person === "refuse" ? { error: "access_denied", error_description: "no" } : { code }
    const back = new URL(query.get("redirect_uri") ?? "")
    const told = { ...answer, state: query.get("state") ?? "", iss: this.url }
    for (const [name, value] of Object.entries(told)) back.searchParams.set(name, value)
    response.writeHead(302, { Location: back.href }).end()
  }

  #grant(response: ServerResponse, form: URLSearchParams): void {
    const code = form.get("code") ?? ""
    const grant = this.#grants.get(code)
    this.#grants.delete(code) // a code is for once
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url")
    const isRight = grant && form.get("client_id") === CLIENT && grant.query.get("client_id") === CLIENT &&
      grant.query.get("code_challenge_method") === "S256" && grant.query.get("code_challenge") === challenge && grant.query.get("redirect_uri") === form.get("redirect_uri")
    if (!isRight) return this.#json(response, { error: "invalid_grant" }, 400)
    const now = Math.floor(Date.now() / 1000)
    const who = { iss: this.url, sub: grant.person, iat: now, exp: now + this.lifetime, email: PEOPLE[grant.person]?.email }
    this.#json(response, {
      token_type: "Bearer", expires_in: this.lifetime,
      access_token: this.#signed({ ...who, aud: AUDIENCE, role: PEOPLE[grant.person]?.role }),
      id_token: this.#signed({ ...who, aud: CLIENT, nonce: this.nonce ?? grant.query.get("nonce") }),
    })
  }

  #signed(claims: object): string {
    const text = [{ alg: "RS256", typ: "JWT", kid: "1" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")
    return `${text}.${createSign("RSA-SHA256").update(text).sign(this.#keys.privateKey, "base64url")}`
  }

  #json(response: ServerResponse, body: object, status = 200): void {
    response.writeHead(status, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store" })
    response.end(JSON.stringify(body))
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
