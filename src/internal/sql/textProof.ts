/**
 * Proves, before a store opens, that its database gives back each text as it was given, and never takes two user ids for one.
 * Nothing is written: a text goes through the types of the table's columns, beside a query of the table that finds no row.
 */
import * as Effect from "effect/Effect"
import { SessionConfigError, type SessionStoreError } from "../errors/errors.js"
import type { Database } from "./database.js"
import type { Parameter, Row } from "./dialect.js"
import { Reader } from "./rows.js"
import { decoding } from "./sessionTable.js"
import type { TableNames } from "./tableNames.js"

/** Two bytes, three and four in UTF-8. */
const text = "Zo\u00eb \u0442om \u20ac \u{1f511}"

/** Texts that some collations take for the same: by case, accent, composition, a blank at the end, or as unknown signs. */
const lookAlikes = [
  text.toLowerCase(),
  text.replace("\u00eb", "e"),
  text.normalize("NFD"),
  `${text} `,
  text.replace("\u{1f511}", "\u{1f510}")
]

/** Fails with a sentence if the database or the client changes texts. */
export const checkClient = (
  database: Database,
  names: TableNames
): Effect.Effect<void, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const { advice, query } = database.dialect.unfit(names, text)
    const unfit = yield* database.call("open", database.query(query.text, query.parameters))
    if (unfit.length > 0) {
      const found = unfit.map((row) => new Reader("open", row).text("unfit")).join(", ")
      return yield* wrong(`cannot keep every text: ${found}. ${advice}`)
    }
    const echo = database.query("select coalesce(?, '') as text", [text])
    const [row] = yield* database.call("open", echo)
    if (row?.text !== text) return yield* wrong("gives back other texts than it is given.")
  })

/** Fails with a sentence if the table changes texts or takes two for one. */
export const checkColumns = (
  database: Database,
  names: TableNames
): Effect.Effect<void, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const rows = yield* database.call("open", database.query(...proof(names)))
    const same = yield* decoding("open", () => rows.filter(isText).length)
    if (same === 1 && rows.length === 1) return
    const fault = same === 1 ? "takes different texts for the same" : "gives back other texts"
    return yield* wrong(
      `${fault}. The columns namespace, user_id and payload must be as those in the package's folder migrations/.`
    )
  })

const wrong = (reason: string) => new SessionConfigError({ field: "client", reason })

const isText = (row: Row): boolean => {
  const read = new Reader("open", row)
  return ["namespace", "user_id", "payload"].every((column) => read.text(column) === text)
}

const proof = ({ sessions }: TableNames): readonly [string, ReadonlyArray<Parameter>] => {
  const rows = [
    [text, text, text],
    ...lookAlikes.flatMap((other) => [
      [other, text, text],
      [text, other, text]
    ])
  ]
  const given = rows.map(() => " union all select ?, ?, ?").join("")
  return [
    `select namespace, user_id, payload from (select namespace, user_id, payload from ${sessions} where 1 = 0${given}) as proof where namespace = ? and user_id = ?`,
    [...rows.flat(), text, text]
  ]
}
