// A shop's webhook endpoint on this machine: it keeps what it was sent, and answers as a test wants it to.
import { createHmac } from "node:crypto"
import { once } from "node:events"
import { type IncomingHttpHeaders, type Server, createServer } from "node:http"
import type { AddressInfo } from "node:net"

interface Received {
  type: string
  headers: IncomingHttpHeaders
  body: string
}

export class Receiver {
  readonly received: Received[] = []
  status = 204

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on("data", (part: Buffer) => parts.push(part))
      request.on("end", () => {
        const body = Buffer.concat(parts).toString()
        receiver.received.push({ type: (JSON.parse(body) as { type: string }).type, headers: request.headers, body })
        response.writeHead(receiver.status).end()
      })
    }).listen(0, "127.0.0.1")
    const receiver = new Receiver(server)
    await once(server, "listening")
    return receiver
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }
}

/** Whether one of the message's signatures was made with the secret, as Standard Webhooks says. */
export function isSignedWith(secret: string, { headers, body }: Received): boolean {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64")
  const text = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`
  const wanted = `v1,${createHmac("sha256", key).update(text).digest("base64")}`
  return String(headers["webhook-signature"]).split(" ").includes(wanted)
}
