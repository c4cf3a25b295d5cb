import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const noClient =
  "names a database that no client of Effect 4 can be had for yet. Provide SqlSessionStore with a client of your own."

const mysql = ({ source }: Given): Connection["client"] =>
  Layer.effectContext(fail(source, noClient))

const sqlite = ({ source }: Given): Effect.Effect<Connection, SessionConfigError> =>
  fail(source, noClient)
