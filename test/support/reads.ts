/** Steps in where the store reads a file of a session, which it does by `node:fs` and not by Effect's `FileSystem`. */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import * as Effect from "effect/Effect"

/** Reads a file as the system does. */
type Read = () => Buffer

/** Reads every file of a store by `instead`, until the scope is closed. What it throws is what the system would throw. */
export const readingBy = (instead: (path: string, read: Read) => Buffer) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { readFileSync } = fs
      const replaced = (...given: Parameters<typeof readFileSync>) => {
        const read = () => readFileSync(...given)
        const [path, options] = given
        if (typeof path !== "string" || options !== undefined) return read()
        // Without options the system gives bytes, which the types of the call do not tell.
        return instead(path, read as Read)
      }
      fs.readFileSync = replaced as typeof readFileSync
      syncBuiltinESMExports()
      return readFileSync
    }),
    (readFileSync) =>
      Effect.sync(() => {
        fs.readFileSync = readFileSync
        syncBuiltinESMExports()
      })
  )

/** What the system throws. */
export const refusal = (code: string): Error =>
  Object.assign(new Error(`${code}: refused`), { code })
