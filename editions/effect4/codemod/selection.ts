/** Which files and tests of the repository the edition has, and why it lacks the others. */

/** Files that are left out, with the reason. */
export const leftOutFiles: ReadonlyArray<{
  readonly files: string
  readonly pattern: RegExp
  readonly reason: string
}> = [
  {
    files: "src/cli.ts, src/internal/cli",
    pattern: /^src\/(?:cli\.ts|internal\/cli\/)/,
    reason: "the command line is not carried over yet"
  },
  {
    files: "test/http/apiOrder.test.ts",
    pattern: /^test\/http\/apiOrder\.test\.ts$/,
    reason: "the types of Effect 4 refuse a check outside of the session, and say so"
  },
  {
    files: "test/support/{backing,observedPostgres,serverStores}.ts",
    pattern: /^test\/support\/(?:backing|observedPostgres|serverStores)\.ts$/,
    reason: "they need drivers that Effect 4 lacks"
  }
]

/** Single tests that are left out. */
export const leftOutTests: ReadonlyArray<readonly [file: string, test: string, reason: string]> = [
  [
    "test/http/serialize.test.ts",
    "lets the next request in when the lock of one that never ended has lapsed",
    "a server of Effect 4 waits for a handler that never ends and cannot be interrupted"
  ],
  [
    "test/http/errors.test.ts",
    "says what a client is told of it, under a short name",
    "asks the schema in Effect 3's own way"
  ],
  [
    "test/http/errors.test.ts",
    "stand in the OpenAPI document under short names, each with a sentence",
    "Effect 4 names the schema of what is sent `SessionConflictEncoded`"
  ],
  [
    "test/http/openapi.test.ts",
    "names schemas without slashes",
    "Effect 4 names the schema of what is sent `SessionConflictEncoded`"
  ],
  [
    "test/http/apiAnswers.test.ts",
    "says in the OpenAPI document of each endpoint that it may answer 409 and 503",
    "Effect 4 names the schema of what is sent `SessionConflictEncoded`"
  ]
]

/** What there is of tests beside those that are carried over. */
export const notTried: ReadonlyArray<string> = []

const tests =
  /^test\/(?:core|model|commit|effect|http|support)\/|^test\/stores\/(?:memory|derived|deadline|inFlight)/

/** Whether the edition has a file. */
export const isWanted = (path: string): boolean =>
  (/^(?:src|migrations)\//.test(path) || tests.test(path)) &&
  !leftOutFiles.some(({ pattern }) => pattern.test(path))
