/** Each row of `docs/reliability.md` names tests that exist and carry its id. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"

const root = new URL("../", import.meta.url)
const page = readFileSync(new URL("docs/reliability.md", root), "utf8")

const rows = [...page.matchAll(/^\| (X\d+) \|(.*)\|$/gm)].map(([, id = "", rest = ""]) => ({
  id,
  files: rest.match(/test\/[\w/.-]+\.ts/g) ?? []
}))

it("has a row for each fault", () => {
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, nth) => `X${nth + 1}`))
})

it.each(rows)("finds a test called $id in each file that its row names", ({ id, files }) => {
  const name = new RegExp(`["'\`]${id} `)

  const without = files.filter((file) => !name.test(readFileSync(new URL(file, root), "utf8")))

  expect(files).not.toEqual([])
  expect(without).toEqual([])
})
