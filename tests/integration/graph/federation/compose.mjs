// Composes the subgraphs named `NAME=FILE` and prints what came of it: the errors, or the API's schema.
import { readFileSync } from "node:fs"
import { composeServices } from "@apollo/composition"
import { parse } from "graphql"

const services = process.argv.slice(2).map((each) => {
  const [name, file] = each.split("=")
  return { name, url: `http://${name}.test/graphql`, typeDefs: parse(readFileSync(file, "utf8")) }
})
const result = composeServices(services)
if (result.errors) {
  console.log(result.errors.map((error) => `${error.extensions?.code}: ${error.message}`).join("\n"))
  process.exit(1)
}
console.log(result.supergraphSdl)
