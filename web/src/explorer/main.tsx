import { createRoot } from "react-dom/client"
import { readConfig } from "../shared/config.ts"
import "./explorer.css"

const root = createRoot(document.getElementById("app") as HTMLElement)
root.render(<p className="loading">Opening the explorer…</p>)

try {
  // The editor is large: the page says that it is coming first.
  const [config, { Explorer }] = await Promise.all([readConfig(), import("./explorer.tsx")])
  const { examples } = await import("./examples.ts")
  root.render(<Explorer config={config} tabs={await examples(config)} />)
} catch {
  root.render(<p className="loading">The server isn’t answering. Load the page again in a moment.</p>)
}
