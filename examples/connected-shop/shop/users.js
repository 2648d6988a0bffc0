// The shop's own users: who is signed in is the shop's business, and Paygraph needs to know nothing of it.
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto"
import { query } from "./database.js"

const hash = (password, salt = randomBytes(16).toString("hex")) => `${salt}:${scryptSync(password, salt, 32).toString("hex")}`

function isRight(password, stored) {
  return timingSafeEqual(Buffer.from(hash(password, stored.split(":")[0])), Buffer.from(stored))
}

/** Two users to try the shop with. */
export async function addUsers() {
  const add = "INSERT INTO users VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
  await query(add, "ada", "ada@shop.test", hash("lovelace"), false)
  await query(add, "admin", "admin@shop.test", hash("shopkeeper"), true)
}

/** A new session's token, or null. */
export async function signIn(email, password) {
  const [user] = await query("SELECT id, password FROM users WHERE email = $1", email)
  if (!user || !isRight(password, user.password)) return null
  const token = randomBytes(32).toString("hex")
  await query("INSERT INTO sessions VALUES ($1, $2)", token, user.id)
  return token
}

/** Express middleware: `request.user` is who is signed in, or null. */
export async function whoIsIt(request, _, next) {
  const [, token] = /(?:^|; )session=(\w+)/.exec(request.headers.cookie ?? "") ?? []
  const found = token && (await query("SELECT id, email, is_admin FROM sessions JOIN users ON users.id = user_id WHERE token = $1", token))
  request.user = found?.[0] ?? null
  next()
}

/** Express middleware for pages of the shop's own people. */
export function onlyAdmins(request, response, next) {
  if (request.user?.is_admin) next()
  else response.redirect(303, "/sign-in")
}
