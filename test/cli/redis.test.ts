/** The command line on Redis: `doctor` tells what loses sessions, and `copy` fills it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { lacksRedis, type RedisServer, startRedis } from "../support/redis.js"
import { aRecord, filesIn, inPlace, type Outcome, seed } from "./support.js"

const checksOf = ({ output }: Outcome) =>
  Object.fromEntries(
    (
      JSON.parse(output).checks as ReadonlyArray<{ check: string; ok: boolean; message: string }>
    ).map(({ check, message, ok }) => [check, `${ok ? "ok" : "FAILED"} ${message}`])
  )

describe.skipIf(lacksRedis)("the command line on a Redis server", () => {
  let server: RedisServer
  let env: Readonly<Record<string, string>>

  beforeAll(async () => {
    server = await startRedis()
    env = { SESSION_DRIVER: "redis", REDIS_URL: server.url }
  })

  afterAll(() => server?.close())

  it("doctor finds nothing wrong, and leaves nothing behind", () =>
    inPlace(async ({ run }) => {
      const outcome = await run(["doctor", "--json"], { ...env, SESSION_KEEP_ENDED: "7 days" })

      expect(outcome).toMatchObject({ code: 0, errors: "" })
      expect(checksOf(outcome)).toMatchObject({
        server: expect.stringMatching(/^ok (Redis|Valkey) [\d.]+, the master, keeps a log/),
        memory: expect.stringMatching(/^ok the server never deletes a live session/),
        "reading and writing": expect.stringMatching(/^ok stored, found and removed/)
      })
      expect(await run(["list", "--json", "--all"], env)).toMatchObject({ output: "[]\n" })
    }))

  it.each(["allkeys-lru", "volatile-ttl"])("doctor says that %s deletes sessions", (policy) =>
    inPlace(async ({ run }) => {
      await server.run("CONFIG", "SET", "maxmemory-policy", policy)

      const outcome = await run(["doctor", "--json"], env)
      await server.run("CONFIG", "SET", "maxmemory-policy", "noeviction")

      expect(outcome.code).toBe(1)
      expect(checksOf(outcome).memory).toMatch(/^FAILED .*deletes live sessions.*noeviction/)
    })
  )

  it("doctor says that the server is a replica, and no command works on it", () =>
    inPlace(async ({ run }) => {
      const replica = await startRedis({ replicaof: `127.0.0.1 ${server.port}` })
      const there = { ...env, REDIS_URL: replica.url }

      const outcome = await run(["doctor", "--json"], there)
      const list = await run(["list"], there)
      await replica.close()

      expect(checksOf(outcome).server).toMatch(/^FAILED .*is a replica/)
      expect(list).toMatchObject({ code: 1, output: "" })
      expect(list.errors).toContain("the server is a replica (READONLY)")
    }))

  it("doctor says that there is no server, without the password", () =>
    inPlace(async ({ run }) => {
      const outcome = await run(["doctor", "--json"], {
        ...env,
        REDIS_URL: "redis://ada:hush@127.0.0.1:1"
      })

      expect(checksOf(outcome).server).toMatch(/^FAILED .*no server listens there \(ECONNREFUSED\)/)
      expect(outcome.output).not.toContain("hush")
    }))

  it("copies sessions there, and a prefix makes it another store", () =>
    inPlace(async ({ files, run }) => {
      const records = [aRecord({ userId: "7" }), aRecord()]
      await seed(filesIn(files), records)
      const target = `${server.url}?prefix=shop`

      const copied = await run(["copy", "--from", `file:${files}`, "--to", target, "--json"])
      const same = await run(["copy", "--from", target, "--to", target])
      const shop = await run(["list", "--json"], { ...env, REDIS_URL: target })
      const other = await run(["list", "--json"], env)

      expect(JSON.parse(copied.output)).toMatchObject({ copied: 2 })
      expect(same.errors).toContain("{shop}")
      expect(JSON.parse(shop.output)).toHaveLength(2)
      expect(JSON.parse(other.output)).toEqual([])
    }))

  it("has nothing to migrate", () =>
    inPlace(async ({ run }) => {
      expect((await run(["migrate"], env)).errors).toContain("There is nothing to migrate")
    }))
})
