/** Puts the calls of the Redis store together. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { settingMillis } from "../errors/durations.js"
import { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import type { Overrides, Primitives, Service } from "../store/contract.js"
import { keepsTime } from "../store/deadline.js"
import { make as makeStore } from "../store/make.js"
import { type Calls, makeCalls, type Sender } from "./calls.js"
import { entryIn, recordIn, textOf, tokenOf } from "./format.js"
import { collect, entries, page, removeWhere } from "./listing.js"
import { revokedWithin, revokeUser } from "./revocations.js"
import * as Scripts from "./scripts.js"

/** Opens the store; fails if the server is too old, or if a text does not come back from it as it was. */
export const openStore = (
  sender: Sender,
  base: string,
  keepEnded: Duration.DurationInput
): Effect.Effect<Service, SessionStoreError | SessionConfigError> =>
  Effect.suspend(() => {
    const calls = makeCalls(sender, base, settingMillis("keepEnded", keepEnded))
    return Effect.as(proven(calls), keepsTime(makeStore(primitives(calls), { keepEnded })))
  })

const primitives = (calls: Calls): Primitives & Overrides => {
  const { run } = calls
  const isDone = (operation: string, script: Scripts.Script, args: ReadonlyArray<string>) =>
    Effect.map(run(operation, script, args), (answer) => answer === 1)
  const replace = (operation: string, id: string, record: SessionRecord, version: number) =>
    isDone(operation, Scripts.replace, [textOf(record), tokenOf(record), id, String(version)])
  const insert: Primitives["insert"] = (record) =>
    isDone("insert", Scripts.insert, [textOf(record), tokenOf(record)])
  const removeMany = removeWhere(calls)
  return {
    // A text that is no id finds nothing, and is no part of a key.
    find: (id) =>
      isId(id)
        ? Effect.flatMap(run("find", Scripts.find, [id]), (answer) => found(answer))
        : Effect.succeedNone,
    insert,
    insertMany: (records) => Effect.forEach(records, insert, { concurrency: "unbounded" }),
    update: (record, version) => replace("update", record.id, record, version),
    move: (fromId, record, version) => replace("move", fromId, record, version),
    touch: (id, version, lastActivityMillis, expiresAtMillis) =>
      isDone("touch", Scripts.touch, [
        id,
        String(version),
        String(lastActivityMillis),
        String(expiresAtMillis)
      ]),
    remove: (id) =>
      isId(id)
        ? Effect.flatMap(run("remove", Scripts.remove, [id]), (answer) =>
            typeof answer === "string"
              ? decoding("remove", () => Option.some(entryIn(answer)))
              : Effect.succeedNone
          )
        : Effect.succeedNone,
    entries: entries(calls),
    page: page(calls),
    collect: collect(calls),
    removeWhere: removeMany,
    revokeUser: revokeUser(calls, removeWhere(calls, "revokeUser")),
    revokedWithin: revokedWithin(calls)
  }
}

/** A text, or a text and its sealed token, which may have expired. */
const found = (answer: unknown): Effect.Effect<Option.Option<SessionRecord>, SessionStoreError> => {
  if (answer === null) return Effect.succeedNone
  const [text, token = null] = Array.isArray(answer) ? answer : [answer]
  return decoding("find", () => Option.some(recordIn(String(text), token)))
}

/** Reads a text; what throws is a session that this store cannot have written. */
const decoding = <A>(operation: string, read: () => A): Effect.Effect<A, SessionStoreError> =>
  Effect.try({
    try: read,
    catch: () =>
      new SessionStoreError({
        operation,
        reason: "corrupt",
        cause: new Error("The text of a session cannot be read.")
      })
  })

/** Characters of one to four bytes. */
const text = "aA\u00e9\u20ac\u{1f600}"

const proven = ({ run }: Calls): Effect.Effect<void, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const proof = yield* Effect.either(run("open", Scripts.prove, [text]))
    if (Either.isLeft(proof)) {
      return yield* isTooOld(proof.left)
        ? new SessionConfigError({ field: "server", reason: tooOld })
        : proof.left
    }
    if (proof.right !== text) {
      return yield* new SessionConfigError({ field: "send", reason: changesTexts })
    }
  })

const tooOld = "must be Redis 6.2 or newer, or Valkey."

const changesTexts =
  "must give texts back as they were given, and answers as the server gives them. Send without prefixes and without a mapping of types."

/** An older server does not know how to store a text with an instant of expiry. */
const isTooOld = ({ cause, reason }: SessionStoreError): boolean =>
  reason === "unknown" && cause instanceof Error && /syntax error/i.test(cause.message)
