#!/usr/bin/env node
/**
 * The command `effect-session`: an entry of its own, so that servers never load it. What it needs beside the library is
 * optional, and named where it is missing.
 *
 * @since 0.1.0
 */

import { installing, type OptionalPackage } from "./internal/env/optionalPackages.js"

const packages: ReadonlyArray<OptionalPackage> = [
  "@effect/cli",
  "@effect/printer",
  "@effect/printer-ansi",
  "@effect/platform-node"
]

const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  error.code === "ERR_MODULE_NOT_FOUND" &&
  packages.some((name) => error.message.includes(name))

try {
  const { main } = await import("./internal/cli/main.js")
  main()
} catch (error) {
  if (!isMissing(error)) throw error
  process.stderr.write(`The command line needs more packages: ${installing(packages)}\n`)
  process.exitCode = 1
}
