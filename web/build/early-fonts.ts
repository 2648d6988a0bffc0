import type { Plugin } from "vite"

/** Asks for a page's fonts before its styles are read, so that the first text has them already. */
export function earlyFonts(): Plugin {
  return {
    name: "early-fonts",
    transformIndexHtml: {
      order: "post",
      handler: (html, { bundle, path }) => {
        if (!bundle || (path !== "/index.html" && path !== "/desk/index.html")) return html
        const fonts = Object.keys(bundle).filter((name) => /(fraunces|instrument-sans).*\.woff2$/.test(name)).sort()
        return fonts.map((font) => ({
          tag: "link",
          attrs: { rel: "preload", as: "font", type: "font/woff2", href: `/${font}`, crossorigin: "" },
          injectTo: "head" as const,
        }))
      },
    },
  }
}
