/** Every kind of event, from what really happens over HTTP. */
import * as HttpServer from "@effect/platform/HttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { expect, it } from "vitest"
import * as Csrf from "../../src/Csrf.js"
import { tokenId } from "../../src/core/record/token.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionGc from "../../src/SessionGc.js"
import * as SessionGuard from "../../src/SessionGuard.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { pages, type Server, withLayer } from "../http/support.js"
import { aMember, aVisitor, routes, tokenOf } from "./app.js"
import { hearing } from "./hearing.js"
import { overwrite } from "./suites/values.js"

/** The store, in which another process is faster whenever `races` says so. */
const racing = (races: () => boolean) =>
  Layer.effect(
    SessionStore.SessionStore,
    Effect.map(SessionStore.SessionStore, (store) =>
      SessionStore.SessionStore.of({
        ...store,
        update: (record, version) =>
          races()
            ? Effect.zipRight(bump(store, record.id), store.update(record, version))
            : store.update(record, version)
      })
    )
  ).pipe(Layer.provide(SessionStore.layerMemory))

const bump = (store: SessionStore.Service, id: string) =>
  Effect.flatMap(
    store.find(id),
    Option.match({
      onNone: () => Effect.void,
      onSome: (record) =>
        Effect.asVoid(store.update({ ...record, version: record.version + 1 }, record.version))
    })
  )

const app = pages(routes).pipe(
  Csrf.middleware,
  SessionGuard.userAgentWith({ versions: "compare" }),
  SessionMiddleware.middleware
)

it("R42 each kind of event is published once by what it stands for, with no token in it", async () => {
  const events = hearing()
  const conflict = { pending: false }
  const races = () => {
    const answer = conflict.pending
    conflict.pending = false
    return answer
  }
  const issued: Array<string> = []
  const after = async (step: () => Promise<unknown>) => {
    await step()
    const heard = events.heard()
    for (const token of issued) expect(JSON.stringify(heard)).not.toContain(token)
    return heard.map(({ _tag }) => _tag)
  }
  const life = async (server: Server) => {
    const client = await aVisitor(server)
    expect(await after(async () => {})).toEqual(["Created"])
    issued.push(tokenOf(client))
    expect(await after(() => client.send("/login?user=ann"))).toEqual(["Regenerated", "LoggedIn"])
    issued.push(tokenOf(client))
    expect(await after(() => server.client("__Host-session=x").send("/"))).toEqual(["InvalidId"])
    expect(await after(() => client.send("/", { method: "POST" }))).toEqual(["CsrfRejected"])
    conflict.pending = true
    expect(await after(() => client.send("/put?k=a&v=2"))).toEqual(["ConflictReplayed"])
    await after(() => overwrite(server, tokenOf(client), "session", () => "{}"))
    expect(await after(() => client.send("/"))).toEqual(["PayloadDiscarded"])
    const thief = await aMember(server, "bob")
    issued.push(tokenOf(thief))
    await after(async () => {})
    const headers = { "user-agent": "another" }
    expect(await after(() => thief.send("/", { headers }))).toEqual(["GuardTripped", "Destroyed"])
    const revoked = await aVisitor(server)
    await after(async () => {})
    const id = tokenId(tokenOf(revoked), "session")
    expect(await after(() => server.run(SessionAdmin.revoke(id)))).toEqual(["Revoked"])
    await server.run(TestClock.adjust("1 day"))
    expect(await after(() => server.run(SessionGc.collect))).toEqual(["Expired"])
  }

  await withLayer(HttpServer.serve(app), life, {
    store: racing(races),
    config: Layer.mergeAll(TestContext.TestContext, SessionConfig.layer({}), events.layer)
  })
})
