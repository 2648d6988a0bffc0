// node persisted.mjs URL TOKEN KIND ORDER_ID: asks by hash as Apollo Client does, and prints what went over the wire.
// KIND: `automatic` or `automatic by GET`, where hashes are registered as they are met; `apollo` or `codegen`, where
// they come from that tool's manifest.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsFromManifest } from "@apollo/persisted-query-lists";
import typescript from "typescript";

const [url, token, kind, orderId] = process.argv.slice(2);
const wire = [];

async function recorded(address, request) {
  const answer = await fetch(address, request);
  const { errors } = await answer.clone().json();
  const { searchParams } = new URL(address);
  const { operationName, query } = request.body ? JSON.parse(request.body) : Object.fromEntries(searchParams);
  wire.push([request.method, operationName, query ? "text" : "hash", errors?.[0].extensions.code ?? "data"]);
  return answer;
}

const ours = () => import("./persisted.operations.js");

async function codegens() {
  const source = await readFile("persisted/graphql.ts", "utf8");
  const options = { compilerOptions: { module: "esnext", target: "es2022" } };
  await writeFile("persisted/graphql.mjs", typescript.transpileModule(source, options).outputText);
  const made = await import(new URL("persisted/graphql.mjs", import.meta.url));
  return { Config: made.ConfigDocument, Orders: made.OrdersDocument, Cancel: made.CancelDocument };
}

const loadManifest = async () => JSON.parse(await readFile("persisted-query-manifest.json", "utf8"));
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const KINDS = {
  automatic: { documents: ours, options: { sha256 } },
  "automatic by GET": { documents: ours, options: { sha256, useGETForHashedQueries: true } },
  apollo: { documents: ours, options: generatePersistedQueryIdsFromManifest({ loadManifest }) },
  codegen: {
    documents: codegens,
    options: { generateHash: (document) => document.__meta__.hash, disable: () => false },
  },
};

const { documents, options } = KINDS[kind];
const { Config, Orders, Cancel } = await documents();

function client(...links) {
  const http = new HttpLink({ uri: url, fetch: recorded, headers: { authorization: `Bearer ${token}` } });
  return new ApolloClient({ link: ApolloLink.from([...links, http]), cache: new InMemoryCache() });
}

async function ask() {
  const apollo = client(new PersistedQueryLink(options));
  const config = await apollo.query({ query: Config });
  const orders = await apollo.query({ query: Orders, variables: { first: 5 } });
  const cancel = await apollo.mutate({ mutation: Cancel, variables: { orderId } });
  return [config.data.paymentConfig.apiVersion, orders.data.orders.nodes.length, cancel.data.cancelOrder.status];
}

const answers = [await ask(), await ask()];
const unlisted = gql("query Unlisted { paymentConfig { publishableKey } }");
await client().query({ query: unlisted, errorPolicy: "all" });
console.log(JSON.stringify({ wire, answers }));
