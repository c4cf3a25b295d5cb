#!/usr/bin/env node
/**
 * The command `effect-session`. It is an entry of its own, so that servers never load it. The packages it needs are
 * optional: when one is missing, it says how to install them.
 *
 * @since 0.1.0
 */

import { installing, isNotInstalled } from "./internal/env/optionalPackages.js"

const packages = [
  "@effect/cli",
  "@effect/printer",
  "@effect/printer-ansi",
  "@effect/platform-node"
] as const

try {
  const { main } = await import("./internal/cli/main.js")
  main()
} catch (error) {
  if (!isNotInstalled(error, packages)) throw error
  process.stderr.write(
    `The command effect-session needs more packages. Install them with: ${installing(packages)}\n`
  )
  process.exitCode = 1
}
