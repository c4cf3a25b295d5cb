/**
 * Every name of Effect 3 that the source uses, and its name in Effect 4.
 *
 * A name stands here when somebody has looked at both sides: `map` means the same, `zipRight>andThen` has another name.
 * What needs more than a name has a rule in `rules/`. A name that is in neither is refused, because some names of Effect 3
 * still compile on Effect 4 and mean something else.
 */
import type { Member, Module } from "./origin.js"
import { callRules, nameRules } from "./rules/index.js"

interface Words {
  /** The module of Effect 4, where it is another one. */
  readonly to?: Module
  readonly words: string
}

const modules: Readonly<Record<Module, Words>> = {
  "@effect/cli/Args": { to: "effect/cli/Argument", words: "map optional" },
  "@effect/cli/Command": {
    to: "effect/cli/Command",
    words:
      "Command Command.Config Command.ParseConfig>Config.Infer make withDescription withSubcommands"
  },
  "@effect/cli/Options": {
    to: "effect/cli/Flag",
    words: "choice>Literals map optional text>String withAlias withDefault"
  },
  "@effect/platform-node/NodeContext": {
    to: "@effect/platform-node/NodeServices",
    words: "NodeContext>NodeServices layer"
  },
  "@effect/platform-node/NodeFileSystem": { words: "layer" },
  "@effect/platform-node/NodeHttpServer": { words: "layerTest" },
  "@effect/platform-node/NodePath": { words: "layer" },
  "@effect/platform-node/NodeRuntime": { words: "" },
  "@effect/platform/Cookies": {
    to: "effect/http/Cookies",
    words: "Cookie serializeCookie setCookie unsafeMakeCookie>makeCookieUnsafe"
  },
  "@effect/platform/Error": { to: "effect/PlatformError", words: "PlatformError" },
  "@effect/platform/Etag": { to: "effect/http/Etag", words: "Generator" },
  "@effect/platform/FileSystem": { to: "effect/FileSystem", words: "File FileSystem FileTypeId" },
  "@effect/platform/HttpApi": { to: "effect/http-api/HttpApi", words: "make" },
  "@effect/platform/HttpApiBuilder": { to: "effect/http-api/HttpApiBuilder", words: "group" },
  "@effect/platform/HttpApiEndpoint": { to: "effect/http-api/HttpApiEndpoint", words: "get post" },
  "@effect/platform/HttpApiGroup": { to: "effect/http-api/HttpApiGroup", words: "make" },
  "@effect/platform/HttpApiSecurity": {
    to: "effect/http-api/HttpApiSecurity",
    words: "ApiKey annotate apiKey"
  },
  "@effect/platform/HttpApiSwagger": { to: "effect/http-api/HttpApiSwagger", words: "layer" },
  "@effect/platform/HttpApp": {
    to: "effect/http/HttpEffect",
    words: "PreResponseHandler appendPreResponseHandler toWebHandlerLayer"
  },
  "@effect/platform/HttpBody": {
    to: "effect/http/HttpBody",
    words: "HttpBody unsafeJson>jsonUnsafe"
  },
  "@effect/platform/HttpClient": {
    to: "effect/http/HttpClient",
    words: "HttpClient withCookiesRef"
  },
  "@effect/platform/HttpClientRequest": {
    to: "effect/http/HttpClientRequest",
    words: "post setHeader"
  },
  "@effect/platform/HttpLayerRouter": {
    to: "effect/http/HttpRouter",
    words:
      "HttpRouter Middleware Provided Request Request.From add addAll cors middleware route serve toWebHandler use"
  },
  "@effect/platform/HttpMiddleware": {
    to: "effect/http/HttpMiddleware",
    words: "cors logger"
  },
  "@effect/platform/HttpPlatform": { to: "effect/http/HttpPlatform", words: "HttpPlatform" },
  // The tests have what they use of the router that is gone.
  "@effect/platform/HttpRouter": {
    to: "./test/support/effect3.js",
    words: "all concat empty get mount mountApp post use"
  },
  "@effect/platform/HttpServer": {
    to: "effect/http/HttpServer",
    words: "HttpServer make serve withLogAddress"
  },
  "@effect/platform/HttpServerError": {
    to: "effect/http/HttpServerError",
    words: "ServeError RequestError"
  },
  "@effect/platform/HttpServerRequest": {
    to: "effect/http/HttpServerRequest",
    words: "HttpServerRequest fromWeb schemaBodyJson schemaBodyUrlParams"
  },
  "@effect/platform/HttpServerRespondable": {
    to: "effect/http/HttpServerRespondable",
    words: "Respondable symbol toResponse"
  },
  "@effect/platform/HttpServerResponse": {
    to: "effect/http/HttpServerResponse",
    words: `HttpServerResponse empty fromWeb html json mergeCookies raw redirect setBody setHeader setHeaders stream text
      unsafeJson>jsonUnsafe unsafeSetCookie>setCookieUnsafe updateCookies`
  },
  "@effect/platform/Multipart": { to: "effect/http/Multipart", words: "makeChannel" },
  "@effect/platform/OpenApi": { to: "effect/http-api/OpenApi", words: "Description fromApi" },
  "@effect/platform/Path": { to: "effect/Path", words: "Path" },
  "@effect/platform/Socket": { to: "effect/socket/Socket", words: "Socket toChannel" },
  "@effect/platform/UrlParams": { to: "effect/http/UrlParams", words: "getFirst" },
  "@effect/sql-pg": { words: "PgClient" },
  "@effect/sql-pg/PgClient": { words: "layer layerConfig" },
  "@effect/sql/Migrator": { to: "effect/sql/Migrator", words: "fromRecord make" },
  "@effect/sql/Migrator/FileSystem": {
    to: "effect/sql/MigratorFileSystem",
    words: "fromFileSystem"
  },
  "@effect/sql/SqlClient": { to: "effect/sql/SqlClient", words: "SqlClient" },
  "@effect/sql/SqlError": { to: "effect/sql/SqlError", words: "SqlError" },
  "effect/Array": { words: "NonEmptyReadonlyArray chunksOf ensure flatten getSomes map" },
  "effect/Cause": {
    words: "Cause die empty fail failureOption>findErrorOption isDie>hasDies squash"
  },
  "effect/Clock": { words: "Clock currentTimeMillis" },
  "effect/Config": { words: "all integer>Int option redacted>Redacted string>String withDefault" },
  "effect/ConfigProvider": { words: "ConfigProvider" },
  "effect/Console": { words: "Console error log" },
  "effect/Context": {
    words:
      "Context GenericTag>Service Reference add get getOption make merge unsafeGet>getUnsafe unsafeMake>makeUnsafe"
  },
  "effect/Data": { words: "TaggedError" },
  "effect/DateTime": {
    words: "DateTime DateTime.Input Utc formatIso make now toEpochMillis unsafeMake>makeUnsafe"
  },
  "effect/Deferred": { words: "Deferred await complete fail make succeed unsafeDone>doneUnsafe" },
  "effect/Duration": {
    words: `Duration DurationInput>Input days format hours infinity max millis min minutes seconds toMillis toMinutes
      toSeconds zero`
  },
  "effect/Effect": {
    words: `Effect acquireRelease acquireUseRelease addFinalizer all as asSome asVoid async>callback catchAll>catch
      catchAllCause>catchCause catchAllDefect>catchDefect catchIf catchTag catchTags clockWith context
      contextWithEffect>contextWith delay die either>result ensuring exit fail failCause failSync filterOrFail flatMap
      flatten flip isFailure isSuccess tracer withSpan forEach forever fork>forkChild forkDaemon>forkDetach forkScoped ignore interrupt interruptible logDebug
      logError logInfo logWarning map mapError match matchCauseEffect matchEffect never onError onExit onInterrupt orDie
      orElseSucceed promise provide race raceFirst runtime>context provideService provideServiceEffect repeat replicateEffect retry runFork runPromise
      runPromiseExit runSync runSyncExit sandbox scope scoped scopedWith serviceOption sleep succeed succeedNone
      succeedSome suspend sync tapDefect tapError tapErrorCause>tapCause timeout timeoutOption try tryPromise uninterruptible uninterruptibleMask void
      whileLoop zipWith`
  },
  "effect/Either": {
    to: "effect/Result",
    words: `Either>Result all flip getOrElse getOrThrow isLeft>isFailure isRight>isSuccess left>fail match right>succeed`
  },
  "effect/Exit": {
    words:
      "Exit causeOption>getCause die fail failCause isInterrupted>hasInterrupts isFailure isSuccess succeed void"
  },
  "effect/Fiber": { words: "Fiber RuntimeFiber>Fiber await interrupt interruptAll join joinAll" },
  "effect/Layer": {
    words: `CurrentMemoMap Layer build buildWithMemoMap buildWithScope catchAllCause>catchCause effect effectDiscard empty
      fresh launch merge mergeAll orDie provide provideMerge scoped>effect scopedContext>effectContext
      scopedDiscard>effectDiscard succeed succeedContext suspend sync tap unwrapEffect>unwrap unwrapScoped>unwrap`
  },
  "effect/Logger": { words: "make map stringLogger>formatLogFmt withConsoleError" },
  "effect/LogLevel": { words: "LogLevel" },
  "effect/ManagedRuntime": { words: "make" },
  "effect/Metric": { words: "counter incrementBy>update value" },
  "effect/Option": {
    words: `Option contains exists filter flatMap fromNullable>fromNullishOr getOrElse getOrNull getOrThrow getOrThrowWith
      getOrUndefined isNone isOption isSome map match none orElse some toArray`
  },
  "effect/Predicate": { words: "hasProperty isNumber isString" },
  "effect/PubSub": { words: "PubSub publish shutdown sliding subscribe unbounded" },
  "effect/Random": { words: "next nextRange>nextBetween" },
  "effect/Redacted": { words: "Redacted isRedacted make value" },
  "effect/Ref": { words: "" },
  "effect/Schedule": { words: "recurs spaced" },
  "effect/Schema": {
    words: `Array Boolean Class MakeOptions NonEmptyArray NonEmptyString Int brand decode>decodeEffect encode>encodeEffect Null NullOr Number
      NumberFromString OptionFromNullOr String TaggedError UndefinedOr Unknown Void decodeOption decodeSync decodeUnknown>decodeUnknownEffect
      decodeUnknownEither>decodeUnknownResult decodeUnknownOption decodeUnknownSync encodeSync
      encodeUnknownEither>encodeUnknownResult is optional parseJson>fromJsonString suspend`
  },
  "effect/Scope": { words: "Scope addFinalizer close extend>provide make" },
  "effect/Stream": {
    words: `Stream concat decodeText die empty encodeText execute>fromEffectDrain fail filter flatMap flattenChunks>flattenIterable fromEffect fromIterable fromIterableEffect
      fromPubSub fromSchedule make map mapChunksEffect>mapArrayEffect mapEffect mapError paginateChunkEffect>paginate pipeThroughChannel runCollect runCount runDrain
      runForEach runHead runSum splitLines succeed suspend take tap unwrap`
  },
  "effect/String": { words: "split" },
  "effect/TestClock": { to: "effect/testing/TestClock", words: "adjust setTime" },
  "effect/Tracer": { words: "AnySpan ParentSpan make" }
}

const named = new Map<Member, string>()
for (const [module, { words }] of Object.entries(modules)) {
  for (const word of words.split(/\s+/).filter((one) => one !== "")) {
    const [from, to] = word.split(">")
    const names = from?.split(".") ?? []
    named.set(`${module}.${from}`, to ?? names.at(-1) ?? "")
  }
}

/** Whether a name is in a table or has a rule. */
export const isKnown = (member: Member): boolean =>
  named.has(member) || callRules.has(member) || nameRules.has(member)

/** The name of a member in Effect 4. */
export const nameIn4 = (member: Member): string => named.get(member) ?? lastOf(member)

const lastOf = (member: Member): string => member.slice(member.lastIndexOf(".") + 1)

/** The module of Effect 4 that a module of Effect 3 has become. */
export const moduleIn4 = (module: Module): Module | undefined =>
  Object.hasOwn(modules, module) ? (modules[module]?.to ?? module) : undefined
