/** Making a directory, for the store of files and for whoever else is told to make one. */
import { dirname } from "node:path"
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { isNotFound, isTaken } from "./failure.js"

/**
 * Makes a directory and what is missing above it, each with this mode (default: what the umask leaves of 0777). Not with
 * `recursive`: where the system makes no directory but says that the one above is missing, as `/proc` does, Node tries
 * for ever.
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
