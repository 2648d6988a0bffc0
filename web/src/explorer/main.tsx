import { createRoot } from "react-dom/client"
import { readConfig } from "../shared/config.ts"
import "./explorer.css"

const root = createRoot(document.getElementById("app") as HTMLElement)
root.render(<p className="loading">Opening the explorer…</p>)

try {
  // The editor is large: the page says that it is coming first, and everything is asked for at once.
  const [config, { Explorer }, { examplesOf, somethingReal }] = await Promise.all([
    readConfig(), import("./explorer.tsx"), import("./examples.ts"),
  ])
  root.render(<Explorer config={config} examples={examplesOf(await somethingReal(config))} />)
} catch {
  root.render(
    <p className="loading" role="alert">
      The server isn’t answering. <button onClick={() => location.reload()}>Load again</button>
    </p>,
  )
}
