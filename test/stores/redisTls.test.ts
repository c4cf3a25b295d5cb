/** Redis over TLS, with a certificate that only who is given it trusts. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as RedisSessionStore from "../../src/RedisSessionStore.js"
import { SessionStore } from "../../src/SessionStore.js"
import { eventually, freePort, isOnPath, temporaryDirectory } from "../support/process.js"
import { aRecord } from "../support/record.js"
import { lacksRedis, type RedisServer, startRedis, startSentinel } from "../support/redis.js"

const lacks = lacksRedis || !isOnPath("openssl")

describe.skipIf(lacks)("a Redis store over TLS", () => {
  let directory: string
  let ca: Buffer
  let server: RedisServer
  let tlsPort: number

  beforeAll(async () => {
    directory = await temporaryDirectory("tls")
    ca = certificateIn(directory)
    tlsPort = await freePort()
    // One node has all slots, so it answers alone and as a cluster.
    server = await startRedis({
      ...settingsOf(directory, tlsPort),
      "cluster-enabled": "yes",
      "tls-cluster": "yes"
    })
    await server.run("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    await eventually(async () => {
      if (!/state:ok/.test(String(await server.run("CLUSTER", "INFO")))) throw new Error()
    })
  })

  afterAll(async () => {
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })

  it.each([
    ["one server", ""],
    ["a cluster", "?cluster=true"]
  ])("keeps a session on %s", async (_, parameters) => {
    const url = `rediss://127.0.0.1:${tlsPort}${parameters}`

    expect(await isKeptBy({ url, tls: { ca } })).toBe(true)
  })

  it("keeps a session on the master that a Sentinel over TLS names", async () => {
    const [masterPort, sentinelPort] = [await freePort(), await freePort()]
    const master = await startRedis(settingsOf(directory, masterPort))
    const sentinel = await startSentinel("sessions", masterPort, 1, {
      ...settingsOf(directory, sentinelPort),
      // It reaches the master over TLS, too.
      "tls-replication": "yes"
    })
    try {
      const url = `rediss://127.0.0.1:${sentinelPort}?sentinel=sessions`

      expect(await isKeptBy({ url, tls: { ca } })).toBe(true)
    } finally {
      await sentinel.close()
      await master.close()
    }
  })

  it("does not open on a server whose certificate it does not trust", async () => {
    const failure = await refusal({ url: `rediss://127.0.0.1:${tlsPort}` })

    expect(failure).toMatchObject({ _tag: "SessionStoreError", reason: "unavailable" })
  })

  it("refuses options of TLS for a URL without it", async () => {
    const failure = await refusal({ url: `redis://127.0.0.1:${tlsPort}`, tls: { ca } })

    expect(failure).toMatchObject({ _tag: "SessionConfigError", field: "tls" })
  })
})

/** Whether the store gives back what it was given. */
const isKeptBy = (options: RedisSessionStore.Options): Promise<boolean> => {
  const record = aRecord()
  const kept = Effect.flatMap(SessionStore, (store) =>
    Effect.zipRight(store.insert(record), store.find(record.id))
  )
  return Effect.runPromise(
    Effect.map(Effect.provide(kept, RedisSessionStore.layer(options)), (found) =>
      Option.exists(found, ({ payload }) => payload === record.payload)
    )
  )
}

const refusal = (options: RedisSessionStore.Options) =>
  Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(RedisSessionStore.layer(options)))))

/** Makes a key and a certificate of 127.0.0.1 that vouches for itself. */
const certificateIn = (directory: string): Buffer => {
  const made = spawnSync(
    "openssl",
    [
      ...["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"],
      ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", join(directory, "key.pem"), "-out", join(directory, "certificate.pem")]
    ],
    { encoding: "utf8" }
  )
  if (made.status !== 0) throw new Error(made.stderr)
  return readFileSync(join(directory, "certificate.pem"))
}

const settingsOf = (directory: string, tlsPort: number) => ({
  "tls-port": String(tlsPort),
  "tls-cert-file": join(directory, "certificate.pem"),
  "tls-key-file": join(directory, "key.pem"),
  "tls-ca-cert-file": join(directory, "certificate.pem"),
  "tls-auth-clients": "no"
})
