// node retries.mjs SAMPLE REFUSALS: runs a client of docs/clients.md. Its first calls are answered with the refusals
// ([{status, type, body}, …]), as the server gives them; prints how many calls there were and what came of them.
import { readFile, writeFile } from "node:fs/promises";
import typescript from "typescript";

const [sample, refusals] = process.argv.slice(2);
const TEXT = 'mutation Cancel { cancelOrder(orderId: "1") { __typename } }';
const DATA = '{"data": {"cancelOrder": {"__typename": "OrderNotFound"}}}';
const answers = [...JSON.parse(refusals), { status: 200, type: "application/json", body: DATA }];

let calls = 0;
globalThis.token = () => "token";
globalThis.fetch = async () => {
  const { status, type, body } = answers[calls++];
  return new Response(body, { status, headers: { "content-type": type } });
};

async function built(file) {
  const options = { compilerOptions: { module: "esnext", target: "es2022" } };
  const { outputText } = typescript.transpileModule(await readFile(file, "utf8"), options);
  await writeFile(file.replace(".ts", ".mjs"), outputText.replace("./gql/possible-types", "./gql/possible-types.mjs"));
}

await built("gql/possible-types.ts");
await built(sample);
const { client } = await import(new URL(sample.replace(".ts", ".mjs"), import.meta.url));
const { gql } = await import("@apollo/client");
const { data } = client.mutate
  ? await client.mutate({ mutation: gql(TEXT) })
  : await client.mutation(TEXT, {}).toPromise();
console.log(JSON.stringify([calls, data.cancelOrder.__typename]));
