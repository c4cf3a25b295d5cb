/** Redis with Sentinels and Redis as a cluster: real processes, a master that is killed, a slot that moves. */
import { spawnSync } from "node:child_process"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as RedisSessionStore from "../../src/RedisSessionStore.js"
import { type Service, SessionStore, type SessionStoreError } from "../../src/SessionStore.js"
import { eventually } from "../support/process.js"
import { aRecord } from "../support/record.js"
import {
  commandAt,
  lacksRedis,
  type RedisServer,
  type Sentinel,
  startRedis,
  startSentinel
} from "../support/redis.js"

/** A store, and how its calls are run as promises. */
interface Opened {
  readonly run: <A>(call: (store: Service) => Effect.Effect<A, SessionStoreError>) => Promise<A>
  readonly close: () => Promise<void>
}

const opened = (options: RedisSessionStore.Options): Opened => {
  const runtime = ManagedRuntime.make(Layer.orDie(RedisSessionStore.layer(options)))
  return {
    run: (call) => runtime.runPromise(Effect.flatMap(SessionStore, call)),
    close: () => runtime.dispose()
  }
}

/** Stores until it succeeds; tells what was stored. */
const storedAgain = ({ run }: Opened) =>
  eventually(async () => {
    const record = aRecord()
    if (!(await run((store) => store.insert(record)))) throw new Error("It is taken.")
    return record
  })

const isFound = ({ run }: Opened, id: string): Promise<boolean> =>
  run((store) => Effect.map(store.find(id), Option.isSome))

describe.skipIf(lacksRedis)("a Redis master with a replica and three Sentinels", () => {
  const name = "sessions"
  let master: RedisServer
  let replica: RedisServer
  let sentinels: ReadonlyArray<Sentinel>
  let store: Opened

  beforeAll(async () => {
    master = await startRedis()
    replica = await startRedis({ replicaof: `127.0.0.1 ${master.port}` })
    await eventually(async () => {
      if (!/state=online/.test(String(await master.run("INFO", "replication")))) throw new Error()
    })
    sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(name, master.port, 2)))
    await eventually(async () => {
      for (const { port } of sentinels) {
        const url = `redis://127.0.0.1:${port}`
        const told = String(await commandAt(url, ["INFO", "sentinel"]))
        if (!/slaves=1,sentinels=3/.test(told)) throw new Error("They do not know each other yet.")
      }
    })
    const [first, ...others] = sentinels.map(({ port }) => `127.0.0.1:${port}`)
    const more = others.map((node) => `&node=${node}`).join("")
    store = opened({ url: `redis://${first}?sentinel=${name}${more}` })
  }, 60_000)

  afterAll(async () => {
    await store?.close()
    for (const sentinel of sentinels ?? []) await sentinel.close()
    await replica?.close()
    await master?.close()
  })

  it("goes on at the new master after the old one was killed, by the same store", async () => {
    const before = await storedAgain(store)
    await eventually(async () => {
      const [, , offset] = (await replica.run("ROLE")) as ReadonlyArray<unknown>
      expect(offset).toBe(master.port)
      expect(await replica.run("EXISTS", `{effect-session}:s:${before.id}`)).toBe(1)
    })

    await master.stopNow()
    const after = await storedAgain(store)

    expect(await isFound(store, before.id)).toBe(true)
    expect(await isFound(store, after.id)).toBe(true)
    expect(await replica.run("EXISTS", `{effect-session}:s:${after.id}`)).toBe(1)
  }, 60_000)
})

describe.skipIf(lacksRedis)("a Redis cluster of three masters and a replica", () => {
  let nodes: ReadonlyArray<RedisServer>
  let masters: ReadonlyArray<RedisServer>
  let store: Opened

  beforeAll(async () => {
    const settings = { "cluster-enabled": "yes", "cluster-node-timeout": "1000", appendonly: "no" }
    nodes = await Promise.all([1, 2, 3, 4].map(() => startRedis(settings)))
    masters = nodes.slice(0, 3)
    const made = spawnSync(
      "redis-cli",
      [
        "--cluster",
        "create",
        ...masters.map(({ port }) => `127.0.0.1:${port}`),
        "--cluster-replicas",
        "0",
        "--cluster-yes"
      ],
      { encoding: "utf8" }
    )
    if (made.status !== 0) throw new Error(`${made.stdout}${made.stderr}`)
    for (const node of masters) await isOk(node)
    store = opened({ cluster: masters.map(({ host, port }) => ({ host, port })) })
  }, 60_000)

  afterAll(async () => {
    await store?.close()
    for (const node of nodes ?? []) await node.close()
  })

  const isOk = (node: RedisServer) =>
    eventually(async () => {
      const told = String(await node.run("CLUSTER", "INFO"))
      if (!/cluster_state:ok/.test(told)) throw new Error("The cluster is not ready.")
    })

  const slotOf = async (): Promise<string> =>
    String(await nodes[0]?.run("CLUSTER", "KEYSLOT", "{effect-session}"))

  const idOf = async (node: RedisServer): Promise<string> =>
    String(await node.run("CLUSTER", "MYID"))

  const ownerOf = async (): Promise<RedisServer> => {
    for (const node of masters) {
      const keys = await node.run("CLUSTER", "COUNTKEYSINSLOT", await slotOf()).catch(() => 0)
      if (Number(keys) > 0) return node
    }
    throw new Error("No node has the keys.")
  }

  it("keeps all keys of a store on one node, and those of another prefix where they belong", async () => {
    const other = opened({
      url: `redis://127.0.0.1:${masters[0]?.port}?cluster=true&prefix=shop-7`
    })
    const records = await Promise.all([storedAgain(store), storedAgain(store), storedAgain(other)])

    const found = await Promise.all([
      isFound(store, records[0].id),
      isFound(store, records[1].id),
      isFound(other, records[2].id),
      isFound(store, records[2].id)
    ])
    await other.close()

    expect(found).toEqual([true, true, true, false])
    const sizes = await Promise.all(masters.map((node) => node.run("DBSIZE")))
    expect(sizes.filter((size) => Number(size) > 0).length).toBeLessThanOrEqual(2)
  })

  it("follows its slot to another node", async () => {
    const before = await storedAgain(store)
    const from = await ownerOf()
    const to = masters.find((node) => node !== from) as RedisServer
    await moveSlot(await slotOf(), from, to)

    const after = await storedAgain(store)

    expect(await isFound(store, before.id)).toBe(true)
    expect(await isFound(store, after.id)).toBe(true)
    expect(await ownerOf()).toBe(to)
  })

  const moveSlot = async (slot: string, from: RedisServer, to: RedisServer): Promise<void> => {
    await to.run("CLUSTER", "SETSLOT", slot, "IMPORTING", await idOf(from))
    await from.run("CLUSTER", "SETSLOT", slot, "MIGRATING", await idOf(to))
    const keys = (await from.run("CLUSTER", "GETKEYSINSLOT", slot, "100000")) as Array<string>
    await from.run("MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys)
    for (const node of [to, from, ...masters]) {
      await node.run("CLUSTER", "SETSLOT", slot, "NODE", await idOf(to)).catch(() => {})
    }
  }

  it("goes on at the replica after the master of its slot was killed", async () => {
    const before = await storedAgain(store)
    const owner = await ownerOf()
    const replica = nodes[3] as RedisServer
    await replica.run("CLUSTER", "MEET", "127.0.0.1", String(owner.port))
    const id = await idOf(owner)
    await eventually(() => replica.run("CLUSTER", "REPLICATE", id))
    await eventually(async () => {
      expect(String(await replica.run("INFO", "replication"))).toContain("master_link_status:up")
    })
    await isOk(replica)

    await owner.stopNow()
    const after = await storedAgain(store)

    expect(await isFound(store, before.id)).toBe(true)
    expect(await isFound(store, after.id)).toBe(true)
    expect(String(await replica.run("INFO", "replication"))).toContain("role:master")
  }, 60_000)
})
