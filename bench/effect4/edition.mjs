/** Puts the edition for Effect 4, as its package holds it, where an app would install it. */
import { cpSync, existsSync, rmSync } from "node:fs"

const from = new URL("../../editions/effect4/out/package/", import.meta.url)
const to = new URL("node_modules/effect-session/", import.meta.url)

rmSync(to, { recursive: true, force: true })
if (existsSync(new URL("dist/index.js", from))) {
  for (const part of ["dist", "package.json"]) {
    cpSync(new URL(part, from), new URL(part, to), { recursive: true })
  }
} else console.log("Without the edition for Effect 4: `npm run effect4` has not built it.")
