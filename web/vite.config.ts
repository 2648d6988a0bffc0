import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"
import { earlyFonts } from "./build/early-fonts.ts"

// The pages are built by build/build.ts. Nothing is inlined as data: or as a script, so that the pages run under a strict CSP.
export default defineConfig({
  plugins: [react(), earlyFonts()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 5_000,
    rolldownOptions: {
      onLog: (level, log, write) => log.code !== "MODULE_LEVEL_DIRECTIVE" && write(level, log), // GraphiQL's "use no memo"
    },
  },
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:8000", ws: true }, "/config.json": "http://127.0.0.1:8000" } },
})
