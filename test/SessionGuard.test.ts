import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as SessionGuard from "../src/SessionGuard.js"

const refused: ReadonlyArray<readonly [string, () => unknown, string]> = [
  ["ipv4Prefix", () => SessionGuard.ipAddressWith({ ipv4Prefix: 0 }), "from 1 to 32"],
  ["ipv4Prefix", () => SessionGuard.ipAddressWith({ ipv4Prefix: 33 }), "from 1 to 32"],
  ["ipv6Prefix", () => SessionGuard.ipAddressWith({ ipv6Prefix: 129 }), "from 1 to 128"],
  ["ipv6Prefix", () => SessionGuard.ipAddressWith({ ipv6Prefix: 63.5 }), "from 1 to 128"],
  // Plain JavaScript may say anything.
  ["policy", () => SessionGuard.ipAddressWith({ policy: "kill" as "log" }), '"terminate" or "log"'],
  ["policy", () => SessionGuard.userAgentWith({ policy: "kill" as "log" }), '"terminate" or "log"'],
  [
    "versions",
    () => SessionGuard.userAgentWith({ versions: "no" as "ignore" }),
    '"compare" or "ignore"'
  ],
  ["idleTimeout", () => SessionGuard.idleTimeout("999 millis"), "at least 1 second"],
  ["idleTimeout", () => SessionGuard.idleTimeout(Duration.infinity), "at least 1 second"]
]

describe("SessionGuard", () => {
  for (const [field, make, reason] of refused) {
    it(`refuses a wrong ${field} at once: ${make.toString().slice(6)}`, () => {
      expect(make).toThrow(`The session setting ${field}`)
      expect(make).toThrow(reason)
    })
  }
})
