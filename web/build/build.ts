// npm run build: each page by itself, so that none carries what only another one needs; then compressed.
import { rm } from "node:fs/promises"
import { join, resolve } from "node:path"
import { build } from "vite"
import { compress, packedIn } from "./compressed.ts"

const DIST = resolve(import.meta.dirname, "../dist")
const PAGES = { shop: "index.html", desk: "desk/index.html", explorer: "explorer/index.html" }

const before = await packedIn(DIST)
await rm(DIST, { recursive: true, force: true })
for (const [name, page] of Object.entries(PAGES)) {
  await build({ root: join(import.meta.dirname, ".."), build: { emptyOutDir: false, rolldownOptions: { input: { [name]: page } } } })
}
await compress(DIST, before)
