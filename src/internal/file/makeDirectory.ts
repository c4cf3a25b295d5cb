/** Making a directory with what is missing above it. */
import { dirname } from "node:path"
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { isNotFound, isTaken } from "./failure.js"

/**
 * Makes a directory and what is missing above it, each with this mode (default 0777, less the umask). It does not use
 * `recursive`, with which Node tries for ever in `/proc`, where the system says that the directory above is missing.
 */
export const makeDirectory = (
  fs: FileSystem.FileSystem,
  directory: string,
  mode = 0o777
): Effect.Effect<void, PlatformError> => {
  const alone = Effect.catchIf(fs.makeDirectory(directory, { mode }), isTaken, () => Effect.void)
  const above = dirname(directory)
  return above === directory
    ? alone
    : Effect.catchIf(alone, isNotFound, () =>
        Effect.zipRight(makeDirectory(fs, above, mode), alone)
      )
}
