import { type ChildProcess, execFile, spawn } from "node:child_process"
import { createHmac } from "node:crypto"
import { once } from "node:events"
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"

const ROOT = resolve(import.meta.dirname, "../..")
const LEEWAY = 30 // seconds by which the server lets a clock be wrong
const RUN_SQL = `
import json, sys
from psycopg import connect
with connect(host=sys.argv[1], user="postgres", dbname="postgres") as database:
    cursor = database.execute(sys.argv[2])
    print(json.dumps(cursor.fetchall() if cursor.description else [], default=str))
`
/** The folder of a demo that has ended: in a copy of it the tables and the seed are there already. */
const TEMPLATE = process.env.DEMO_TEMPLATE
const PYTHON = process.env.PYTHON ?? join(ROOT, ".venv/bin/python")

// A test file that ends while its demos still run has left tests out: it must not count as passed, nor leave them behind.
const running = new Set<ChildProcess>()
process.on("exit", () => {
  if (!running.size) return
  process.exitCode = 1
  for (const child of running) child.kill("SIGTERM")
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

/** `python main.py demo` with ports and a database of its own. */
export class Demo {
  /** `settings` are what the demo reads of the environment, besides its place. */
  static async start(settings: Record<string, string> = {}): Promise<Demo> {
    const data = await mkdtemp(join(tmpdir(), "paygraph-"))
    if (TEMPLATE) await promisify(execFile)("cp", ["-a", "--reflink=auto", `${TEMPLATE}/.`, data])
    await chmod(data, 0o755) // as root, PostgreSQL runs as a user of its own
    const demo = new Demo(await freePorts(2), data, settings)
    await demo.up()
    return demo
  }

  #child: ChildProcess | null = null
  #beside: ChildProcess[] = []
  #log: string[] = []

  private constructor(
    readonly port: number,
    readonly data: string,
    private readonly settings: Record<string, string>,
  ) {}

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  get sandbox() {
    return `http://127.0.0.1:${this.port + 1}`
  }

  async up(): Promise<void> {
    const env = { ...process.env, ...this.settings, PORT: String(this.port), DATA_DIR: this.data, LOG_LEVEL: "WARNING" }
    const child = spawn(PYTHON, ["main.py", "demo"], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] })
    this.#child = child
    running.add(child)
    child.once("exit", () => running.delete(child))
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => this.#log.push(String(text)))
    for (const end = Date.now() + 90_000; Date.now() < end; await sleep(150)) {
      if (child.exitCode !== null) break
      const answer = await fetch(`${this.url}/readyz`).catch(() => null)
      if (answer?.ok) return
    }
    await this.down()
    throw new Error(`the demo did not start:\n${this.#log.join("")}`)
  }

  async down(): Promise<void> {
    const child = this.#child
    this.#child = null
    await end(child)
  }

  /** `python main.py serve` beside the demo, over its database: what production is like. Its address; it ends with the demo. */
  async serve(settings: Record<string, string>): Promise<string> {
    const port = await freePorts()
    const env = { ...process.env, ...settings, PORT: String(port), LOG_LEVEL: "WARNING" }
    const child = spawn(PYTHON, ["main.py", "serve", "--env-file", join(this.data, "demo.env")], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] })
    running.add(child)
    this.#beside.push(child)
    child.once("exit", () => running.delete(child))
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => this.#log.push(String(text)))
    const url = `http://127.0.0.1:${port}`
    for (const end = Date.now() + 60_000; Date.now() < end && child.exitCode === null; await sleep(150)) {
      if ((await fetch(`${url}/readyz`).catch(() => null))?.ok) return url
    }
    throw new Error(`it does not serve:\n${this.#log.join("")}`)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#beside.map(end))
    await this.down()
    await rm(this.data, { recursive: true, force: true })
  }

  /** What another command of main.py prints; it is told where this demo is. */
  async command(name: string, ...words: string[]): Promise<string> {
    const command = ["main.py", name, "--env-file", join(this.data, "demo.env"), ...words]
    return (await promisify(execFile)(PYTHON, command, { cwd: ROOT })).stdout.trim()
  }

  /** What a test orders of the stand-in for Stripe. */
  async order(path: string, body: unknown): Promise<void> {
    const answer = await fetch(`${this.sandbox}/_sandbox/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  }

  async forgetFaults(): Promise<void> {
    await fetch(`${this.sandbox}/_sandbox/faults`, { method: "DELETE" })
  }

  /** As the demo's customer, or its shopkeeper. */
  async graphql<T>(query: string, variables: unknown = {}, role: "customer" | "merchant" = "customer"): Promise<T> {
    const { users } = (await (await fetch(`${this.url}/config.json`)).json()) as { users: { token: string; role: string }[] }
    const user = users.find((each) => each.role === role)
    const answer = await fetch(`${this.url}/graphql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${user?.token}` },
      body: JSON.stringify({ query, variables }),
    })
    return ((await answer.json()) as { data: T }).data
  }

  /** What a shop's own people do to its tables: prices, names, what is for sale. Answers with the rows, if any. */
  async sql<Row extends unknown[]>(statement: string): Promise<Row[]> {
    const place = join(this.data, "postgres")
    const { stdout } = await promisify(execFile)(PYTHON, ["-c", RUN_SQL, place, statement])
    return JSON.parse(stdout) as Row[]
  }

  /** `count` more products, each of 1.00 USD, newer than all others: behind the first page of the catalogue. */
  async addProducts(count: number, name: (number: number) => string): Promise<void> {
    const rows = Array.from({ length: count }, (_, n) => `('${name(n + 1)}', 100, 'USD', now() + interval '${n} seconds')`)
    await this.sql(`INSERT INTO products (id, name, unit_amount, currency, created_at)
      SELECT gen_random_uuid(), * FROM (VALUES ${rows.join(", ")}) AS new (name, price, currency, at)`)
  }

  /** A token of the demo's customer that the server takes for `seconds` more. */
  async tokenFor(user: string, seconds: number): Promise<string> {
    const secret = await readFile(join(this.data, "jwt-secret"), "utf8")
    const now = Math.floor(Date.now() / 1000)
    const exp = now + seconds - LEEWAY
    const parts = [{ alg: "HS256", typ: "JWT" }, { sub: user, iat: exp - 60, exp }]
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`
  }

  async takes(token: string): Promise<boolean> {
    const answer = await fetch(`${this.url}/graphql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: "{ orders(first: 1) { nodes { id } } }" }),
    })
    return !(await answer.text()).includes("UNAUTHENTICATED")
  }

  async statusOf(orderId: string): Promise<string | undefined> {
    const data = await this.graphql<{ order: { status: string } | null }>("query($id: ID!) { order(id: $id) { status } }", { id: orderId })
    return data.order?.status
  }

  /** The order's PaymentIntent at Stripe; asking never makes a second one. */
  async intentOf(orderId: string): Promise<string> {
    const query = "mutation($id: ID!) { createPaymentIntent(orderId: $id) { ... on PaymentIntent { id } } }"
    const data = await this.graphql<{ createPaymentIntent: { id: string } }>(query, { id: orderId })
    return data.createPaymentIntent.id
  }

  /** How many charges succeeded for this order. */
  async chargesOf(orderId: string): Promise<number> {
    const headers = { Authorization: "Bearer sk_test_sandbox000000000000" }
    const answer = await fetch(`${this.sandbox}/v1/charges?limit=100`, { headers })
    const { data } = (await answer.json()) as { data: { status: string; metadata: Record<string, string> }[] }
    return data.filter((charge) => charge.status === "succeeded" && Object.values(charge.metadata).includes(orderId)).length
  }
}

async function end(child: ChildProcess | null): Promise<void> {
  if (!child || child.exitCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGTERM")
  const hard = setTimeout(() => child.kill("SIGKILL"), 20_000)
  await ended
  clearTimeout(hard)
}

export const sleep = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds))

/** Asks until `ask` says what is wanted. */
export async function until<T>(wanted: T, ask: () => T | Promise<T>, within = 15_000): Promise<void> {
  let last: T | undefined
  for (const end = Date.now() + within; Date.now() < end; await sleep(100)) {
    last = await ask()
    if (last === wanted) return
  }
  throw new Error(`waited for ${String(wanted)}, and it is ${String(last)}`)
}

/**
 * The first of so many free ports in a row. The system gives none of these to outgoing connections (Linux: from 32768
 * on, macOS: from 49152), so that a server that is stopped finds its port free when it comes back.
 */
export async function freePorts(count = 1): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 12_000)
    const ports = Array.from({ length: count }, (_, n) => first + n)
    const isFree = await Promise.all(ports.map(canListen))
    if (isFree.every(Boolean)) return first
  }
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1")
  const listens = await once(server, "listening").then(() => true, () => false)
  server.close()
  return listens
}
