// The shop's own PostgreSQL.
import { readFile } from "node:fs/promises"
import pg from "pg"
import { config } from "./config.js"

const pool = new pg.Pool({ connectionString: config.databaseUrl })
pool.on("error", (error) => console.error(`database: ${error.message}`)) // an idle connection broke; the next is a new one

/** The rows that a statement answers with. */
export async function query(sql, ...values) {
  return (await pool.query(sql, values)).rows
}

/** Runs `work(query)` in one transaction. */
export async function transaction(work) {
  const client = await pool.connect()
  try {
    await client.query("BEGIN")
    const result = await work(async (sql, ...values) => (await client.query(sql, values)).rows)
    await client.query("COMMIT")
    return result
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {})
    throw error
  } finally {
    client.release()
  }
}

/** Makes the database and its tables, where they are not there yet. */
export async function prepareDatabase() {
  await query("SELECT").catch(createDatabase)
  await pool.query(await readFile(new URL("schema.sql", import.meta.url), "utf8"))
}

async function createDatabase(error) {
  if (error.code !== "3D000") throw error // anything but "database does not exist"
  const { database, ...server } = new pg.Client({ connectionString: config.databaseUrl }).connectionParameters
  const admin = new pg.Client({ ...server, database: "postgres" })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`)
  await admin.end()
}

export const closeDatabase = () => pool.end()
