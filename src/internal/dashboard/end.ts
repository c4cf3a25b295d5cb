/** The page that asks before sessions are ended, and what ends them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Csrf from "../../Csrf.js"
import * as Session from "../../Session.js"
import * as SessionAdmin from "../../SessionAdmin.js"
import type { SessionStore, SessionStoreError } from "../../SessionStore.js"
import { confirmPage, type Doomed } from "./confirmPage.js"
import { message, type Page } from "./layout.js"
import type { Target } from "./links.js"
import { type Needs, storeAway, surroundings } from "./look.js"
import type { Dashboard } from "./options.js"

/** The page that asks. */
export const askFor = <R>(
  dashboard: Dashboard<R>,
  target: Target | undefined
): Effect.Effect<Page, never, Needs<R>> =>
  Effect.gen(function* () {
    const { links, namespace } = dashboard
    const doomed = target === undefined ? undefined : yield* doomedBy(target, namespace)
    if (target === undefined || doomed === undefined) {
      return message(links, "Nothing to end", "There is no such session any more.", 404)
    }
    const own = yield* SessionAdmin.get(yield* Session.id, { namespace })
    const around = yield* surroundings(dashboard, usersOf(doomed))
    const isOwn = Option.exists(own, (session) => isAmong(session, doomed))
    return confirmPage(target, doomed, isOwn, around, yield* Csrf.field)
  }).pipe(Effect.catchTag("SessionStoreError", (error) => storeAway(dashboard, error)))

/** What there is to end; `undefined` where that is nothing. */
const doomedBy = (
  target: Target,
  namespace: string
): Effect.Effect<Doomed | undefined, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    if (target.kind === "user") {
      const count = yield* countOf(target.userId, namespace)
      return count === 0 ? undefined : { ...target, count }
    }
    const session = Option.getOrUndefined(yield* SessionAdmin.get(target.id, { namespace }))
    if (session === undefined) return undefined
    if (target.kind === "session") return { kind: "session", session }
    const userId = Option.getOrUndefined(session.userId)
    if (userId === undefined) return undefined
    const count = (yield* countOf(userId, namespace)) - 1
    return count <= 0 ? undefined : { kind: "others", session, userId, count }
  })

const countOf = (userId: string, namespace: string) =>
  Stream.runCount(SessionAdmin.stream({ userId, namespace }))

const usersOf = (doomed: Doomed): ReadonlyArray<string> =>
  doomed.kind === "session" ? Option.toArray(doomed.session.userId) : [doomed.userId]

const isAmong = ({ id, userId }: SessionAdmin.SessionSummary, doomed: Doomed): boolean => {
  if (doomed.kind === "session") return id === doomed.session.id
  const isOfUser = Option.contains(userId, doomed.userId)
  return isOfUser && !(doomed.kind === "others" && id === doomed.session.id)
}

/** Ends what was confirmed, in the name of an operator, and gives the page to go to. */
export const end = <R>(
  { links, namespace }: Dashboard<R>,
  target: Target | undefined,
  actor: string
): Effect.Effect<string, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    if (target === undefined) return links.ended(0, {})
    const by = { actor, namespace }
    if (target.kind === "user") {
      const { userId } = target
      return links.ended(yield* SessionAdmin.revokeUser(userId, by), { userId })
    }
    const { id, kind } = target
    const userId = Option.flatMap(yield* SessionAdmin.get(id, { namespace }), (one) => one.userId)
    const of = Option.match(userId, { onNone: () => ({}), onSome: (userId) => ({ userId }) })
    if (kind === "session") {
      return links.ended(Number(yield* SessionAdmin.revoke(id, by)), of)
    }
    if (Option.isNone(userId)) return links.ended(0, {})
    const count = yield* SessionAdmin.revokeUser(userId.value, { ...by, except: id })
    return links.ended(count, { session: id })
  })
