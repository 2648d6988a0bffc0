import type { CodegenConfig } from "@graphql-codegen/cli"

const typed = {
  preset: "client",
  presetConfig: { fragmentMasking: false },
  config: {
    strictScalars: true,
    scalars: { CurrencyCode: "string", DateTime: "string", MinorUnits: "number" },
    useTypeImports: true,
    enumsAsTypes: true,
    nonOptionalTypename: true,
    skipTypeNameForRoot: true,
  },
} as const

// The desk has documents of its own: whatever stands in one list of documents is sent with every page that uses the list.
const config: CodegenConfig = {
  schema: "../schema.graphql",
  generates: {
    "src/gql/": { ...typed, documents: ["src/{shop,shared,explorer}/**/*.{ts,tsx}", "!src/**/*.test.ts"] },
    "src/desk/gql/": { ...typed, documents: ["src/desk/**/*.{ts,tsx}", "!src/desk/gql/**", "!src/**/*.test.ts"] },
    "src/gql/possible-types.ts": { plugins: ["fragment-matcher"], config: { useExplicitTyping: true } },
  },
}

export default config
