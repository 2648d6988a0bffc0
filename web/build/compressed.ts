import { readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib"

const COMPRESSIBLE = /\.(js|css|html|svg|ttf)$/
const PACKED = /\.(br|gz)$/
const WORTH_IT = 0.9 // of the size
const SMALLEST = 1_000 // bytes: what fits into a packet gains nothing

const FORMATS = {
  br: {
    compress: (content: Buffer) =>
      brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
    expand: brotliDecompressSync,
  },
  gz: { compress: (content: Buffer) => gzipSync(content, { level: 9 }), expand: gunzipSync },
}

/** What an earlier build packed, by its place. */
export async function packedIn(folder: string): Promise<Map<string, Buffer>> {
  const files = (await filesOf(folder).catch(() => [])).filter((file) => PACKED.test(file))
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file)] as const)))
}

/**
 * Writes `file.br` and `file.gz` beside what is worth it; the server sends those. One of `before` that still expands to
 * the same bytes is kept: another version of zlib may write other bytes for the same content.
 */
export async function compress(folder: string, before: Map<string, Buffer>): Promise<void> {
  for (const file of await filesOf(folder)) {
    if (!COMPRESSIBLE.test(file)) continue
    const content = await readFile(file)
    if (content.length < SMALLEST) continue
    for (const [ending, { compress: pack, expand }] of Object.entries(FORMATS)) {
      const place = `${file}.${ending}`
      const kept = before.get(place)
      const packed = kept && expands(kept, expand, content) ? kept : pack(content)
      if (packed.length < content.length * WORTH_IT) await writeFile(place, packed)
    }
  }
}

function expands(packed: Buffer, expand: (packed: Buffer) => Buffer, content: Buffer): boolean {
  try {
    return expand(packed).equals(content)
  } catch {
    return false
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort()
}
