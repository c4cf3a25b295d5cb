/** The store of docs/writing-a-store.md is the file of the examples, and it passes the conformance suite. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import * as MapSessionStore from "../../examples/own-store/MapSessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")

it("docs/writing-a-store.md shows the store of the examples", () => {
  const block = /<!-- file: (.+) -->\n```ts\n([\s\S]*?)```\n/.exec(read("docs/writing-a-store.md"))

  const [, file = "", code] = block ?? []
  expect(file).toBe("examples/own-store/MapSessionStore.ts")
  expect(code).toBe(read(file))
})

SessionStoreTest.suite("the map of docs/writing-a-store.md", MapSessionStore.layer, {
  layerKeeping7Days: MapSessionStore.layerWith({ keepEnded: "7 days" })
})
