// The authorization code flow with PKCE (RFC 7636), as a public client: https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
// The access token is what the server gets: it is made for an API. The ID token is made for this page, which checks it
// (issuer, audience, nonce) and takes the person's name from it. In a file of its own, which is loaded when it is needed.
import * as oauth from "oauth4webapi"
import type { SignInService } from "../../shared/config.ts"
import type { Attempt } from "./attempts.ts"

export interface Granted {
  token: string
  name: string
  until: number | null
}

/** A sentence for whoever signs in. */
export class SignInProblem extends Error {}

const redirectAddress = (): string => new URL("/desk/", location.href).href
const clientOf = ({ clientId }: SignInService): oauth.Client => ({ client_id: clientId })
/** Plain HTTP is for an issuer on this machine; the server lets no other one be set. */
const overHttp = ({ issuer }: SignInService) => ({ [oauth.allowInsecureRequests]: issuer.startsWith("http://") })

/** Where to send the browser, and what has to be known when it comes back. `isFresh` asks for the password again. */
export async function begin(service: SignInService, isFresh: boolean): Promise<{ address: string; attempt: Attempt }> {
  const server = await discovered(service)
  if (!server.authorization_endpoint) throw new SignInProblem("The sign-in service has no page to sign in at.")
  const attempt = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
    back: location.pathname + location.search,
  }
  const address = new URL(server.authorization_endpoint)
  const asked = {
    client_id: service.clientId,
    redirect_uri: redirectAddress(),
    response_type: "code",
    scope: service.scope,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: "S256",
    ...(service.audience && { audience: service.audience }),
    ...(isFresh && { prompt: "login" }),
  }
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value)
  return { address: address.href, attempt }
}

export async function finish(service: SignInService, attempt: Attempt, answer: URLSearchParams): Promise<Granted> {
  const server = await discovered(service)
  const client = clientOf(service)
  const checked = oauth.validateAuthResponse(server, client, answer, attempt.state)
  const asked = oauth.authorizationCodeGrantRequest(server, client, oauth.None(), checked, redirectAddress(), attempt.verifier, overHttp(service))
  const given = await oauth.processAuthorizationCodeResponse(server, client, await answering(asked), {
    expectedNonce: attempt.nonce,
    requireIdToken: true,
  })
  const { access_token: token, expires_in: seconds } = given
  if (token.split(".").length !== 3) throw new SignInProblem(`${NO_JWT} Ask who manages the accounts.`)
  return { token, name: nameOf(oauth.getValidatedIdTokenClaims(given)), until: seconds ? Date.now() + seconds * 1_000 : null }
}

const NO_JWT = "The sign-in service gave a token that only itself can read; the desk needs one for its API (DESK_OIDC_AUDIENCE or DESK_OIDC_SCOPE)."

async function discovered(service: SignInService): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(service.issuer)
  const server = await oauth.processDiscoveryResponse(issuer, await answering(oauth.discoveryRequest(issuer, overHttp(service))))
  if (server.token_endpoint && new URL(server.token_endpoint).origin !== issuer.origin) {
    throw new SignInProblem("The sign-in service gives its tokens at another address than its own, and the desk asks no other one.")
  }
  return server
}

/** What is there and fails, as behind a proxy while it restarts, is as good as away. */
async function answering(asked: Promise<Response>): Promise<Response> {
  const response = await asked
  if (response.status >= 500) throw new TypeError(`status ${response.status}`)
  return response
}

function nameOf(claims: oauth.IDToken | undefined): string {
  const names = [claims?.["email"], claims?.["name"], claims?.["preferred_username"], claims?.sub]
  return names.find((each): each is string => typeof each === "string" && each !== "") ?? "Somebody"
}

/** Why nobody is signed in, in a sentence or two. */
export function inWords(error: unknown): string {
  if (error instanceof SignInProblem) return error.message
  if (error instanceof TypeError) return "The sign-in service isn’t answering this page. Try again in a moment."
  if (error instanceof oauth.AuthorizationResponseError && error.error === "access_denied") {
    return "The sign-in was refused there: you did not allow it, or your account may not use the desk."
  }
  if (error instanceof oauth.ResponseBodyError && error.error === "invalid_grant") {
    return "The sign-in took too long, or was used already. Sign in again."
  }
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    return `The sign-in service says: ${(error.error_description ?? error.error).slice(0, 300)}`
  }
  if (error instanceof oauth.OperationProcessingError && error.code === oauth.JWT_TIMESTAMP_CHECK) {
    return "The sign-in service’s answer is from another time than this computer’s clock says. Set the clock, then sign in again."
  }
  return `The sign-in service gave an answer that the desk does not trust${error instanceof Error ? ` (${error.message})` : ""}. Nobody was signed in.`
}
