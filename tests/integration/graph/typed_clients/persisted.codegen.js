// The settings that docs/clients.md recommends for trusted documents.
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";

export default {
  schema: "schema.graphql",
  documents: "persisted.operations.js",
  generates: {
    "persisted/": {
      preset: "client",
      presetConfig: { persistedDocuments: { hashAlgorithm: "sha256" } },
      documentTransforms: [addTypenameSelectionDocumentTransform], // without it Apollo can't tell a union's members
      config: {
        strictScalars: true,
        scalars: { CurrencyCode: "string", DateTime: "string", MinorUnits: "number" },
      },
    },
  },
};
