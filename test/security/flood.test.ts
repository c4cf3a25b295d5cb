/** What costs a server nothing: visitors without a session and cookies that are none, as fast as they come. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { afterAll, beforeAll, expect, it } from "vitest"
import { isToken, makeToken } from "../../src/core/record/token.js"
import { cookieName } from "../http/support.js"
import { aNamespace, cookieOf, rowsOf, serve } from "./app.js"
import { counting } from "./counting.js"
import { type FloodRequest, flood } from "./flood.js"
import { type Random, randomOf, seed } from "./fuzz/random.js"
import { memoryPlace, type Place } from "./places.js"

let place: Place

beforeAll(async () => {
  place = await memoryPlace()
})

afterAll(() => place.close())

// The server itself refuses control characters, so none are sent.
const visible = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
  (character) => /[\t -~\x80-\xff]/.test(character)
)

const noise = (random: Random, most: number): string =>
  Array.from({ length: random.below(most) }, () => random.pick(visible)).join("")

/** A cookie header that names the session and is no session's. */
const malformed = (random: Random): string => {
  const token = makeToken()
  switch (random.below(6)) {
    case 0:
      return `${cookieName}=${noise(random, 80)}x`
    case 1:
      return cookieOf(token.slice(0, random.below(43)))
    case 2:
      // A semicolon would end a value that is a token.
      return cookieOf(`${token}${noise(random, 20).replaceAll(";", ":")}!`)
    case 3: {
      const at = random.below(43)
      return cookieOf(
        `${token.slice(0, at)}${random.pick([..."+/=. %\"'*\xe9"])}${token.slice(at + 1)}`
      )
    }
    case 4:
      return `${cookieOf(token)}; a=b; ${cookieOf(makeToken())}`
    default:
      return `${noise(random, 30)}; ${cookieName}="${token}"`
  }
}

const requests = (count: number): ReadonlyArray<FloodRequest> => {
  const random = randomOf(seed, "flood")
  return Array.from({ length: count }, () => ({ path: "/all", cookie: malformed(random) }))
}

/** The bytes in use once all garbage is gone. */
const heapUsed = (): number => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  if (typeof collect === "function") for (let times = 0; times < 3; times++) collect()
  return process.memoryUsage().heapUsed
}

it("R04 a hundred thousand malformed cookies: all answered, no store call, no cookie, no memory", () => {
  const counted = counting()
  return serve(
    place,
    async (server) => {
      const all = requests(100_000)
      await flood(server.url, all.slice(0, 5_000), 64)
      const before = heapUsed()
      const outcome = await flood(server.url, all, 64)
      const grown = heapUsed() - before

      expect(outcome).toEqual({ statuses: { 200: 100_000 }, cookiesSet: 0 })
      expect(counted.calls.length).toBe(0)
      // A kilobyte kept of each would be a hundred times as much.
      expect(grown).toBeLessThan(16 * 2 ** 20)
    },
    { store: counted.store }
  )
}, 600_000)

it("R22 A51 ten thousand visitors without a cookie, or with random ids, leave no row and get no cookie", () => {
  const namespace = aNamespace()
  return serve(
    place,
    async (server) => {
      const visitors = Array.from({ length: 10_000 }, (_, index) => {
        const token = makeToken()
        if (!isToken(token)) throw new Error("This is no token.")
        return { path: "/all", cookie: index % 2 === 0 ? undefined : cookieOf(token) }
      })
      const outcome = await flood(server.url, visitors, 64)

      expect(outcome).toEqual({ statuses: { 200: 10_000 }, cookiesSet: 0 })
      expect(await rowsOf(server, namespace)).toBe(0)
    },
    { config: { namespace } }
  )
}, 120_000)
