/** Programs that tests start. Node starts one file several times as fast as its many sources. */
import { renameSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { buildSync } from "esbuild"

const made = new Map<string, string>()

/**
 * Makes one file of a TypeScript file and all that it imports, once in this process, and gives its path. It stays beside its source,
 * where it finds the packages that cannot be bundled; git ignores it.
 */
export const programOf = (source: string): string => {
  const known = made.get(source)
  if (known !== undefined) return known
  const path = join(dirname(source), `.${basename(source, ".ts")}.cjs`)
  const { outputFiles } = buildSync({
    entryPoints: [source],
    write: false,
    bundle: true,
    platform: "node",
    target: "node20",
    // It loads a package that is not bundled where it is asked for, so that a program without SQLite needs none.
    format: "cjs",
    external: ["pg-native", "better-sqlite3", "@libsql/*", "libsql"],
    logLevel: "error"
  })
  // Test files run at the same time: none of them may see half a program.
  const whole = `${path}.${process.pid}`
  for (const { contents } of outputFiles) writeFileSync(whole, contents)
  renameSync(whole, path)
  made.set(source, path)
  return path
}
