/** All rules, each by what it is for. */
import type { Member } from "../origin.js"
import * as AsEffect from "./asEffect.js"
import * as Cause from "./cause.js"
import * as Cli from "./cli.js"
import * as Collections from "./collections.js"
import * as Context from "./context.js"
import * as Effect from "./effect.js"
import * as Either from "./either.js"
import * as Http from "./http.js"
import * as Layer from "./layer.js"
import * as Logger from "./logger.js"
import * as Methods from "./methods.js"
import * as Metric from "./metric.js"
import * as PlatformError from "./platformError.js"
import { properties, reads } from "./properties.js"
import type { CallRule, NameRule, NodeRule, ReadRule } from "./rule.js"
import * as Schema from "./schema.js"
import * as Sql from "./sql.js"
import * as Tests from "./tests.js"
import * as Time from "./time.js"

export const callRules: ReadonlyMap<Member, CallRule> = new Map(
  [
    Cause,
    Cli,
    Collections,
    Effect,
    Http,
    Layer,
    Logger,
    Methods,
    Metric,
    Schema,
    Sql,
    Time
  ].flatMap(({ calls }) => Object.entries(calls))
)

export const nameRules: ReadonlyMap<Member, NameRule> = new Map(
  [Cause, Cli, Context, Effect, Http, Logger, Metric, Schema, Sql, Time].flatMap(({ names }) =>
    Object.entries(names)
  )
)

export const nodeRules: ReadonlyArray<NodeRule> = [
  AsEffect,
  Cli,
  Collections,
  Context,
  Effect,
  Either,
  Http,
  Logger,
  PlatformError,
  Schema,
  Sql,
  Tests
].flatMap(({ nodes }) => nodes)

export const readRules: ReadonlyMap<Member, ReadRule> = new Map(Object.entries(reads))

/** Names that nothing but Effect 3 has: where the types do not say what one is, it would be left as it stands. */
export const telltales: ReadonlySet<string> = new Set(
  Object.keys(properties)
    .map((member) => member.slice(member.lastIndexOf(".") + 1))
    .filter((name) => name.startsWith("unsafe"))
)

export const renamedProperties: ReadonlyMap<Member, string> = new Map(Object.entries(properties))
