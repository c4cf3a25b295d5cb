/** What is tried with the pages about running servers. */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { request } from "node:http"
import { expect } from "vitest"
import { type Served, type Tour, type Visit, visitor } from "./harness.js"

/** A change of the key over servers that have it and servers that do not yet. */
export const changingTheKey: Tour = async (start) => {
  const [old, young] = ["old", "new"].map((id) => `${id}:${randomBytes(32).toString("base64")}`)
  const serverWith = (...keys: ReadonlyArray<string | undefined>) =>
    start({ SESSION_ENCRYPT: "true", SESSION_KEYS: keys.join(), SESSION_FILES: "sessions" })
  const [before, reading, writing, after] = await Promise.all([
    serverWith(old),
    serverWith(old, young),
    serverWith(young, old),
    serverWith(young)
  ])
  const visit = visitor(fetch)
  const visitsAt = async ({ origin }: Served) => JSON.parse((await visit(`${origin}/`)).text).visits

  expect(await visitsAt(before)).toBe(1)
  expect(await visitsAt(reading)).toBe(2)
  expect(await visitsAt(before)).toBe(3)
  expect(await visitsAt(writing)).toBe(4)
  // Too early: this server lacks the new key, and leaves alone what it cannot read.
  expect(await visitsAt(before)).toBe(1)
  expect(await visitsAt(reading)).toBe(5)
  // Too early: the session was last written with the old key.
  expect(await visitsAt(after)).toBe(1)
  expect(await visitsAt(writing)).toBe(6)
  expect(await visitsAt(after)).toBe(7)
}

/** A stop while a request is on its way, behind a proxy. */
export const stopping: Tour = async (start) => {
  const env = { SESSION_DRIVER: "file", SESSION_FILES: "sessions" }
  const [first, second] = await Promise.all([start(env), start(env)])
  const visit = visitor(fetch)
  const proxied = { headers: { "x-forwarded-for": "203.0.113.9" } }
  expect((await visit(`${first.origin}/health`)).text).toBe("ok")
  const begun = await visit(`${first.origin}/`, proxied)
  expect(begun.text).toBe('{"visits":1}')
  await expect.poll(first.printed).toMatch(/"session\.created".*"client\.address":"203\.0\.113\.9"/)

  const cookie = begun.cookies[0]?.split(";", 1)[0] ?? ""
  const headers = { cookie, "content-length": "4", "content-type": "text/plain" }
  const upload = request(`${first.origin}/upload`, { method: "POST", headers, agent: false })
  const answer = once(upload, "response")
  upload.write("ab")
  await expect.poll(first.printed).toContain("an upload began")
  first.process.kill("SIGTERM")
  await expect
    .poll(() =>
      fetch(`${first.origin}/health`).then(
        () => "up",
        () => "down"
      )
    )
    .toBe("down")
  upload.end("cd")
  const [response] = await answer
  expect([response.statusCode, response.headers.connection]).toEqual([200, "close"])
  expect(await first.ended).toBe(0)

  expect((await visit(`${second.origin}/`)).text).toBe('{"visits":3}')
}

/** From files to a database, with visitors who come and one who does not. */
export const betweenStores: Tour = async (start) => {
  const stepped = async (STEP: string, test: (origin: string) => Promise<void>) => {
    const server = await start({ STEP })
    await test(server.origin)
    server.process.kill("SIGTERM")
    await server.ended
  }
  const [visit, absent] = [visitor(fetch), visitor(fetch)]
  const visits = async (who: Visit, origin: string) => JSON.parse((await who(`${origin}/`)).text)
  await stepped("files", async (origin) => {
    expect(await visits(visit, origin)).toEqual({ visits: 1 })
    expect(await visits(absent, origin)).toEqual({ visits: 1 })
  })
  await stepped("both", async (origin) => {
    expect(await visits(visit, origin)).toEqual({ visits: 2 })
    await expect.poll(async () => JSON.parse((await visit(`${origin}/progress`)).text).left).toBe(0)
  })
  await stepped("database", async (origin) => {
    expect(await visits(visit, origin)).toEqual({ visits: 3 })
    expect(await visits(absent, origin)).toEqual({ visits: 2 })
  })
}
