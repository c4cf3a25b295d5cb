/** Which files and tests of the repository the edition has, and why it lacks the others. */

interface LeftOut {
  readonly files: string
  readonly pattern: RegExp
  readonly reason: string
}

const leavingOut = (pattern: RegExp, reason: string): LeftOut => ({
  files: pattern.source.replace(/^\^|\\(?=[/.])/g, ""),
  pattern,
  reason
})

const noDriver = "no driver of Effect 4 for this database can be had"

/** Files that are left out, with the reason. */
export const leftOutFiles: ReadonlyArray<LeftOut> = [
  leavingOut(
    /^test\/browser\/accessibility\.test/,
    "looks at the pages of the demo, which are the same in both lines"
  ),
  leavingOut(/^test\/docs\/(?!guides\/harness)/, "is about the pages of the repository"),
  leavingOut(
    /^examples\/http-router\//,
    "uses the router that is gone; http-layer-router is the same app"
  ),
  leavingOut(/^examples\/analytics\//, "uses SQLite"),
  leavingOut(/^examples\/.*README\.md/, "tells of the examples for Effect 3"),
  leavingOut(/^test\/examples\/analytics\.test/, "uses SQLite"),
  leavingOut(/^test\/examples\/readme\.test/, "tries what the READMEs of the examples say"),
  leavingOut(/^test\/runtimes\//, "runs the built package of the repository"),
  leavingOut(/^test\/types\//, "reads the messages and the hover texts of Effect 3"),
  leavingOut(
    /^test\/http\/apiOrder\.test/,
    "the types of Effect 4 refuse a check outside of the session, and say so"
  ),
  leavingOut(/^test\/stores\/(?:libsql|mysql|mysqlSharing|sqlite)\.test/, noDriver),
  leavingOut(/^test\/security\/(?:sqlite|mariadb)\.test/, noDriver),
  leavingOut(/^test\/(?:blackbox|history)\/(?:sqlite|mariadb)\.test/, noDriver),
  leavingOut(/^test\/(?:cli\/sqlite\.test|sql\/(?:processes\.test|migrateWorker))/, "uses SQLite"),
  leavingOut(
    /^test\/faults\/(?:aborts\.test|workers\/aborts)/,
    "counts fibers by a supervisor, which Effect 4 does not have"
  ),
  leavingOut(
    /^test\/(?:stores\/postgres(?:LostReply|Sharing)\.test|support\/observedPostgres)/,
    "watches a pool that the driver of Effect 4 does not take"
  ),
  leavingOut(
    /^test\/sql\/partitioning\.test/,
    "runs the statements of the pages of the repository"
  ),
  leavingOut(
    /^test\/security\/secrets\.test/,
    "takes down spans and annotations in Effect 3's way"
  ),
  leavingOut(/^test\/security\/coverage\.test/, "compares the tests with a page of the repository"),
  leavingOut(
    /^test\/(?:architecture|reliability)\.test/,
    "is about the source, not about what is made of it"
  )
]

/** Declarations that are left out. */
export const leftOutNames: ReadonlyArray<readonly [file: string, name: string, reason: string]> = [
  [
    "src/SessionDashboard.ts",
    "router",
    "the router of Effect 3 is gone; `layer` is for that of Effect 4"
  ],
  ["test/support/sqlClients.ts", "mysql", noDriver],
  ["test/support/sqlClients.ts", "sqlite", noDriver],
  ["src/SessionHttpApi.ts", "withSession", "a middleware of your own says `requires: Session`"]
]

/** Single tests that are left out. */
export const leftOutTests: ReadonlyArray<readonly [file: string, test: string, reason: string]> = [
  ["test/examples/mounts.test.ts", "http-router", "the router of Effect 3 is gone"],
  [
    "test/examples/mounts.test.ts",
    "%s ends with 0 on SIGTERM",
    "NodeRuntime.runMain of Effect 4 ends with 130"
  ],
  [
    "test/sql/plans.test.ts",
    "every statement reads an index and never the whole table",
    "looks at statements by a transformer, which Effect 4 has in the context that the store leaves"
  ],
  [
    "test/sql/texts.test.ts",
    "a client that maps texts is refused",
    "replaces the parsers of the driver that Effect 3 uses"
  ],
  [
    "test/env/urlParameters.test.ts",
    "a timeout that the driver sets is honoured",
    "the client of Effect 4 takes no timeouts by URL, and they are refused"
  ],
  [
    "test/cli/copy.test.ts",
    "copies every live session, leaves the source as it is, and copies nothing twice",
    "uses SQLite"
  ],
  [
    "test/cli/copy.test.ts",
    "moves with --move and --yes, and without --yes nothing where it cannot ask",
    "uses SQLite"
  ],
  [
    "test/cli/copy.test.ts",
    "tells which of two databases lacks the table, and the advice makes that one",
    "uses SQLite"
  ],
  [
    "test/cli/doctor.test.ts",
    "tells that the table is missing, and once it was migrated that all is well",
    "uses SQLite"
  ],
  [
    "test/cli/environment.test.ts",
    "gives a database driver what it reads by itself",
    "the client of Effect 4 for PostgreSQL reads no variables"
  ],
  [
    "test/cli/process.test.ts",
    "names the package that is not installed",
    "names the client for MySQL"
  ],
  [
    "test/env/urlParameters.test.ts",
    "ssl takes no false",
    "the client of Effect 4 does not know that parameter, which is refused"
  ],
  [
    "test/shutdown/order.test.ts",
    "answers 503 while the store waits for the requests in flight",
    "the platform's server of Effect 4 takes no new connection once it is told to end"
  ],
  [
    "test/env/packages.test.ts",
    "%s names no other versions",
    "compares the versions with those on the pages of the repository"
  ],
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
  ],
  [
    "test/SessionConfigEnv.test.ts",
    "to fall back to a default where the provider fails",
    "makes a provider in Effect 3's way"
  ],
  [
    "test/SessionSchema.test.ts",
    "modify keeps properties a newer deploy has stored",
    "properties that the schema does not know are dropped inside of lists; elsewhere they are kept"
  ],
  [
    "test/SessionSchema.test.ts",
    "other kinds of fields",
    "renamed keys are gone in Effect 4, and it writes defaults, options and maps in another way"
  ],
  [
    "test/Session.types.test.ts",
    "the fields of Session.schema",
    "renamed keys are gone in Effect 4, and it writes defaults, options and maps in another way"
  ],
  [
    "test/SessionEvents.test.ts",
    "gives a hub whose events nobody else sees",
    "Effect 4 shares a layer between an app and what runs inside of it; Layer.fresh gives a hub of its own"
  ],
  [
    "test/stores/failingInPart.test.ts",
    "a database counts what was deleted when the statement after that fails",
    "uses SQLite"
  ],
  [
    "test/stores/redisKeys.test.ts",
    "are not lost to a listing while their sessions are moved",
    "runs a thousand fibers in Effect 3's way"
  ],
  [
    "test/SessionDashboard.test.ts",
    "is served by an HttpRouter, too",
    "the router of Effect 3 is gone"
  ],
  [
    "test/SessionEventsPublish.test.ts",
    "counts under the labels of the caller",
    "labels metrics in Effect 3's way"
  ]
]

/** Whether the edition has a file. */
export const isWanted = (path: string): boolean => {
  const [top = ""] = path.split("/")
  if (!["src", "test", "migrations", "examples"].includes(top)) return false
  return !leftOutFiles.some(({ pattern }) => pattern.test(path))
}
