// graphql-eslint's recommended rules for schemas; each exception with its reason.
import { readFileSync } from "node:fs";
import graphql from "@graphql-eslint/eslint-plugin";
import { buildSchema, isObjectType } from "graphql";

const types = Object.values(buildSchema(readFileSync("schema.graphql", "utf8")).getTypeMap()).filter(isObjectType);
const refusals = types.filter((type) => type.getInterfaces().some(({ name }) => name === "UserError"));

// They are what they hold and have no identity; a client's cache keeps them inside what they belong to.
const values = [
  "CheckoutToken",
  "Metadata",
  "Money",
  "MoneyMoved",
  "NewServiceKey",
  "NewWebhookEndpoint",
  "OpenReview",
  "OrderItem",
  "OrderLine",
  "PageInfo",
  "PaymentConfig",
  "PaymentTransition",
  "ReviewOutcome",
  "SavedProducts",
];

export default [
  {
    files: ["schema.graphql"],
    plugins: { "@graphql-eslint": graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "./schema.graphql" } },
    },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          acceptedIdNames: ["id"],
          acceptedIdTypes: ["ID"],
          exceptions: {
            types: [...refusals.map(({ name }) => name), ...values],
            suffixes: ["Connection", "Edge"],
          },
        },
      ],
    },
  },
];
