import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const src = fileURLToPath(new URL("src/", import.meta.url))

export default defineConfig({
  resolve: {
    // The examples import the package by its name, as `paths` of tsconfig.json.
    alias: [
      { find: /^effect-session$/, replacement: `${src}index.ts` },
      { find: /^effect-session\/(.*)$/, replacement: `${src}$1.ts` }
    ]
  },
  test: {
    // Much of the suite waits for servers and for deadlines, so more files than cores run at a time.
    maxWorkers: 3,
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
