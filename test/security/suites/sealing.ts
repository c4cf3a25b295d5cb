/** Encryption at rest: what it hides, what it notices, and how its keys are changed without a logout. */
import { randomBytes } from "node:crypto"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import * as SessionConfig from "../../../src/SessionConfig.js"
import { type Client, pages, type Server, withApp } from "../../http/support.js"
import {
  aMember,
  aNamespace,
  aVisitor,
  cookieOf,
  recordOf,
  routes,
  serve,
  tokenOf
} from "../app.js"
import { type Events, hearing } from "../hearing.js"
import type { Place } from "../places.js"
import { overwrite } from "./values.js"

const aKey = () => randomBytes(32).toString("base64")

const sealedWith = (
  namespace: string,
  key = aKey()
): { readonly config: SessionConfig.Options } => ({
  config: { namespace, encrypt: { keys: [{ id: "k1", key: Redacted.make(key) }] } }
})

/** Serves with the settings that a deployment has in its environment. */
const serveFromEnvironment = (
  place: Place,
  keys: string,
  test: (server: Server, events: Events) => Promise<void>
): Promise<void> => {
  const environment = new Map([
    ["SESSION_ENCRYPT", "true"],
    ["SESSION_KEYS", keys]
  ])
  const events = hearing()
  const config = SessionConfig.layerEnv.pipe(
    Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(environment)))
  )
  return withApp(pages(routes), (server) => test(server, events), {
    store: place.layer,
    config: Layer.merge(config, events.layer)
  })
}

const payloadOf = async (
  server: Server,
  client: Client,
  namespace = "session"
): Promise<string> => {
  const found = await recordOf(server, tokenOf(client), namespace)
  return Option.match(found, { onNone: () => "", onSome: ({ payload }) => payload })
}

/** What a visitor sees whose payload was changed in the store, and what then becomes of a write. */
const afterChange = async (
  place: Place,
  change: (payload: string, other: string) => string,
  unsealed = false
) => {
  const namespace = aNamespace()
  const events = hearing()
  const outcome = { read: "", cookies: 0, renewed: false, events: [] as ReadonlyArray<unknown> }
  await serve(
    place,
    async (server) => {
      const [client, other] = [await aMember(server, "ann"), await aMember(server, "bob")]
      const [token, foreign] = [tokenOf(client), await payloadOf(server, other, namespace)]
      await overwrite(server, token, namespace, ({ payload }) => change(payload, foreign))
      const read = await client.send("/user")
      outcome.read = read.text
      outcome.cookies = read.setCookies.length
      await client.send("/put?k=a&v=1")
      outcome.renewed = tokenOf(client) !== token
      outcome.events = events
        .heard()
        .flatMap((event) => (event._tag === "PayloadDiscarded" ? [event.reason] : []))
    },
    {
      ...(unsealed ? { config: { namespace } } : sealedWith(namespace)),
      surroundings: events.layer
    }
  )
  return outcome
}

const voided = {
  read: "false",
  cookies: 0,
  renewed: true,
  events: ["corrupt", "corrupt"]
}

/** Changes the bytes of a sealed payload after its key's id. */
const changeBytes = (payload: string, change: (bytes: Buffer) => Buffer): string => {
  const body = payload.lastIndexOf(".") + 1
  const bytes = Buffer.from(payload.slice(body), "base64url")
  return payload.slice(0, body) + change(bytes).toString("base64url")
}

export const sealing = (place: () => Place): void => {
  describe("sealing", () => {
    it("R37 A32 keys are changed without a logout, and a key that was dropped locks its sessions without harming them", async () => {
      const [old, next] = [`old:${aKey()}`, `new:${aKey()}`]
      const kept: Record<string, string> = {}
      await serveFromEnvironment(place(), old, async (server) => {
        kept.active = tokenOf(await aVisitor(server))
        kept.silent = tokenOf(await aVisitor(server))
      })
      await serveFromEnvironment(place(), `${old},${next}`, async (server) => {
        const client = server.client(cookieOf(kept.active ?? ""))
        await client.send("/put?k=a&v=1")

        expect(await payloadOf(server, client)).toMatch(/^s1\.old\./)
      })
      await serveFromEnvironment(place(), `${next},${old}`, async (server) => {
        const client = server.client(cookieOf(kept.active ?? ""))

        expect((await client.send("/all")).text).toBe('{"a":"1"}')
        expect(await payloadOf(server, client)).toMatch(/^s1\.old\./)
        await client.send("/put?k=b&v=2")
        expect(await payloadOf(server, client)).toMatch(/^s1\.new\./)
      })
      await serveFromEnvironment(place(), next, async (server, events) => {
        const active = server.client(cookieOf(kept.active ?? ""))
        const silent = server.client(cookieOf(kept.silent ?? ""))
        const before = await recordOf(server, tokenOf(silent), "session")
        const answers = [await silent.send("/all"), await silent.send("/put?k=a&v=9")]

        expect((await active.send("/all")).text).toBe('{"a":"1","b":"2"}')
        expect(answers.map(({ setCookies, status }) => [status, setCookies])).toEqual([
          [200, []],
          [200, []]
        ])
        expect(answers[0]?.text).toBe("{}")
        expect(await recordOf(server, tokenOf(silent), "session")).toEqual(before)
        expect(events.heard()).toContainEqual(
          expect.objectContaining({ _tag: "PayloadDiscarded", reason: "unknown key" })
        )
      })
      await serveFromEnvironment(place(), `${next},${old}`, async (server) => {
        const silent = server.client(cookieOf(kept.silent ?? ""))

        expect((await silent.send("/all")).text).toBe('{"a":"1"}')
      })
    })

    it("R37 a sealed store shows no data and no key in a dump", async () => {
      const [namespace, plainNamespace] = [aNamespace(), aNamespace()]
      const key = aKey()
      const life = (marker: string) => async (server: Server) => {
        const client = await aMember(server, "ann")
        for (const path of ["/put", "/redirect"])
          await client.send(`${path}?k=${marker}&v=${marker}`)
        await client.send("/migrate")
        await client.send("/regenerate")
        await client.send(`/put?k=again&v=${marker}`)
      }
      await serve(place(), life("hiddenMarker"), sealedWith(namespace, key))
      await serve(place(), life("plainMarker"), { config: { namespace: plainNamespace } })
      const dump = await place().dump()

      expect(dump).toContain("plainMarker")
      for (const secret of ["hiddenMarker", key, Buffer.from(key, "base64").toString("latin1")]) {
        expect(dump.includes(secret)).toBe(false)
      }
      for (const form of ["base64", "base64url", "hex"] as const) {
        expect(dump.includes(Buffer.from("hiddenMarker").toString(form).slice(0, 14))).toBe(false)
      }
    })

    it("A29 a flipped bit voids the session: nothing is read, the cookie is replaced at the next write, an event tells", async () => {
      const outcome = await afterChange(place(), (payload) =>
        changeBytes(payload, (bytes) => {
          bytes[20] = (bytes[20] ?? 0) ^ 1
          return bytes
        })
      )

      expect(outcome).toEqual(voided)
    })

    it("A30 a tag of 4 bytes is no tag", async () => {
      const cut = (payload: string) =>
        changeBytes(payload, (bytes) => bytes.subarray(0, bytes.length - 12))

      expect(await afterChange(place(), cut)).toEqual(voided)
    })

    it("R36 A31 the ciphertext of another row, whole and genuine, opens nothing", async () => {
      expect(await afterChange(place(), (_payload, other) => other)).toEqual(voided)
    })

    it("A32 another version of the envelope is refused", async () => {
      const bumped = (payload: string) => payload.replace(/^s1\./, "s2.")

      expect(await afterChange(place(), bumped)).toEqual(voided)
    })

    it("R35 A33 a payload in the clear is refused where encryption is on, and a sealed one is no data where it is off", async () => {
      const clear = '{"v":1,"d":{"admin":true},"c":"x","u":"mallory","s":0}'
      const sealed = `s1.k1.${randomBytes(80).toString("base64url")}`
      const off = await afterChange(place(), () => sealed, true)

      expect(await afterChange(place(), () => clear)).toEqual(voided)
      expect([off.read, off.cookies]).toEqual(["false", 0])
    })
  })
}
