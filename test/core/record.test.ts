import { describe, expect, it } from "vitest"
import { isUserId } from "../../src/core/record/record.js"

describe("isUserId", () => {
  const users = ["1", "0", "ada", " ", "ünï", "👍", "a".repeat(255), "é".repeat(127), "\u0001"]

  for (const text of users) {
    it(`takes ${JSON.stringify(text).slice(0, 20)}`, () => {
      expect(isUserId(text)).toBe(true)
    })
  }

  const nobody = [
    "",
    "a".repeat(256),
    "é".repeat(128),
    "a\0b",
    "\0",
    "\ud83d",
    "a\udc4d",
    "\udc4d\ud83d"
  ]

  for (const text of nobody) {
    it(`refuses ${JSON.stringify(text).slice(0, 20)}`, () => {
      expect(isUserId(text)).toBe(false)
    })
  }

  it("refuses what is no text", () => {
    // A caller without types.
    expect(isUserId(7 as unknown as string)).toBe(false)
  })
})
