import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^effect-session$/, replacement: at("out/src/index.ts") },
      { find: /^effect-session\/(.*)$/, replacement: `${at("out/src/")}$1.ts` },
      { find: /^@effect\/vitest$/, replacement: at("testing/effectVitest.ts") }
    ]
  },
  test: {
    maxWorkers: 3,
    // The examples run as processes, and import the library by its name.
    env: { TSX_TSCONFIG_PATH: at("tsconfig.out.json") },
    include: ["out/test/**/*.test.ts", "out/examples/**/*.test.ts", "testing/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
