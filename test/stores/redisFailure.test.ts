/** What the servers say of a script that fails, word for word, and what the store makes of it. */
import { describe, expect, it } from "vitest"
import { toStoreError } from "../../src/internal/redis/failure.js"

const on62 = (said: string) =>
  `ERR Error running script (call to f_d5ec79e8571616600405a4ead3706072442995a6): @user_script:1: ${said}`

const full = "command not allowed when used memory > 'maxmemory'."
const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"

const cases: ReadonlyArray<readonly [server: string, said: string, reason: string]> = [
  ["6.2, another type", on62(wrongType), "corrupt"],
  ["6.2, a text that is damaged", on62("user_script:1: CORRUPT"), "corrupt"],
  ["6.2, a full memory", on62(`@user_script: 1: -OOM ${full}`), "unavailable"],
  ["6.2, a wrong command", on62("ERR syntax error"), "unknown"],
  ["7.0, another type", `${wrongType} script: f_d5ec, on @user_script:1.`, "corrupt"],
  [
    "7.0, a text that is damaged",
    "ERR user_script:1: CORRUPT script: f_d5ec, on @user_script:1.",
    "corrupt"
  ],
  ["7.0, a full memory", `OOM ${full} script: f_d5ec, on @user_script:1.`, "unavailable"],
  ["7.0, a wrong command", "ERR syntax error script: f_d5ec, on @user_script:1.", "unknown"]
]

describe("a script that fails", () => {
  it.each(cases)("on Redis %s", (_, said, reason) => {
    expect(toStoreError("find", new Error(said)).reason).toBe(reason)
  })
})
