/** Values and payloads that do not fit: what is refused changes nothing, what is taken comes back as it was. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import type { SessionRecord } from "../../../src/core/record/record.js"
import * as Session from "../../../src/Session.js"
import * as SessionStore from "../../../src/SessionStore.js"
import { json, type Server } from "../../http/support.js"
import { aNamespace, aVisitor, type Handler, ok, recordOf, serve, tokenOf } from "../app.js"
import { hearing } from "../hearing.js"
import type { Place } from "../places.js"

const putting = (value: unknown): Handler =>
  // As a plain JavaScript caller puts it.
  Effect.as(Session.put("b", value as string), ok)

const texts = [
  "\0",
  "a\0b",
  "\ud800",
  "\udc00\ud800",
  "😀",
  "\u2028",
  "'; --",
  '\\"',
  "é̂",
  "\ufeff"
]

const deep = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const manyKeys = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`k${index}`, 1]))

export const values = (place: () => Place): void => {
  describe("values", () => {
    it("R23 A56 what is too large, too deep or too much ends the request with 500 and leaves the session as it was", () => {
      const namespace = aNamespace()
      return serve(
        place(),
        async (server) => {
          const client = await aVisitor(server)
          const before = await recordOf(server, tokenOf(client), namespace)
          const answers = []
          for (const path of ["/large", "/deep", "/long", "/many", "/whole"]) {
            answers.push((await client.send(path)).status)
          }

          expect(answers).toEqual([500, 500, 500, 500, 500])
          expect(await recordOf(server, tokenOf(client), namespace)).toEqual(before)
        },
        {
          config: { namespace },
          routes: {
            "/large": putting("x".repeat(10_000_000)),
            "/deep": putting(deep(10_000)),
            "/long": putting(new Array(1_000_000).fill(0)),
            "/many": Effect.as(Session.put(manyKeys), ok),
            "/whole": Effect.zipRight(
              Session.put("b", "x".repeat(40_000)),
              Effect.as(Session.put("c", "x".repeat(40_000)), ok)
            )
          }
        }
      )
    })

    it("A57 odd texts come back as they were, on each server and after a change of id", () => {
      const namespace = aNamespace()
      const back = json(
        Effect.map(
          Session.get("texts"),
          Option.exists((found) => JSON.stringify(found) === JSON.stringify(texts))
        )
      )
      return serve(
        place(),
        async (server) => {
          const client = server.client()
          await client.send("/texts")
          const first = await client.send("/back")
          await client.send("/regenerate")

          expect([first.text, (await client.send("/back")).text]).toEqual(["true", "true"])
        },
        {
          config: { namespace },
          routes: { "/texts": Effect.as(Session.put("texts", texts), ok), "/back": back }
        }
      )
    })

    it("R38 a payload of another shape starts empty with an event, or ends with 503, as configured, and is kept either way", async () => {
      const outcomes: Array<unknown> = []
      for (const onInvalidPayload of ["discard", "fail"] as const) {
        const namespace = aNamespace()
        const events = hearing()
        await serve(
          place(),
          async (server) => {
            for (const payload of oldPayloads) {
              const client = await aVisitor(server)
              await overwrite(server, tokenOf(client), namespace, () => payload)
              const answer = await client.send("/all")
              const kept = await recordOf(server, tokenOf(client), namespace)
              const isKept = Option.exists(kept, (record) => record.payload === payload)
              outcomes.push([answer.status, answer.setCookies.length, isKept])
            }
          },
          { config: { namespace, onInvalidPayload }, surroundings: events.layer }
        )
        const discards = events.heard().filter(({ _tag }) => _tag === "PayloadDiscarded")
        expect(discards.length).toBe(onInvalidPayload === "discard" ? oldPayloads.length : 0)
      }

      const discarded = new Array(oldPayloads.length).fill([200, 0, true])
      const failed = new Array(oldPayloads.length).fill([503, 0, true])
      expect(outcomes).toEqual([...discarded, ...failed])
    })
  })
}

const oldPayloads = [
  "",
  "null",
  "{}",
  "[1]",
  '{"v":2,"d":{},"c":"x","s":0}',
  '{"v":1,"d":{"__proto__":{"admin":true}},"c":"x","s":0}',
  '{"v":1,"d":{"a":1e999},"c":"x","s":0}',
  '{"v":1,"d":[],"c":"x","s":0}',
  '{"v":1,"d":{},"c":"x","s":0'
]

/** Changes a stored payload behind the library's back, as who can write to the store can. */
export const overwrite = (
  server: Server,
  token: string,
  namespace: string,
  change: (record: SessionRecord) => string
): Promise<boolean> =>
  server.run(
    Effect.flatMap(SessionStore.SessionStore, (store) =>
      Effect.flatMap(
        Effect.promise(() => recordOf(server, token, namespace)),
        Option.match({
          onNone: () => Effect.die("There is no such session."),
          onSome: (record) =>
            store.update(
              { ...record, payload: change(record), version: record.version + 1 },
              record.version
            )
        })
      )
    )
  )
