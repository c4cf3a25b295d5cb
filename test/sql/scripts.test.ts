import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { expect, test } from "vitest"
import { dialects, scripts } from "../../src/internal/sql/migrate.js"

const migrations = fileURLToPath(new URL("../../migrations/", import.meta.url))

for (const [name, dialect] of Object.entries(dialects)) {
  // `vitest run -u` writes the files anew.
  test(`the .${name}.sql files hold the statements that the code runs`, async () => {
    const written = Effect.runSync(scripts(dialect, "sessions"))

    expect(written).not.toEqual([])
    for (const { name: migration, text } of written) {
      await expect(text).toMatchFileSnapshot(`${migrations}${migration}.${name}.sql`)
    }
  })
}
