/** How a request that stays open, as a websocket does, learns that its session is over. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ownId, type RequestSession } from "../commit/RequestSession.js"
import { settingMillis } from "../errors/durations.js"
import type { Service } from "../store/contract.js"

const reason = "must be a duration of at least 1 millisecond."

/** Looks for the session now and then, until it is over. A store that fails tells nothing: it is asked again. */
export const ended = (
  { life, request: { store } }: RequestSession,
  interval: Duration.DurationInput
): Effect.Effect<void> => {
  // Without a pause the store would be asked without end.
  const everyMillis = settingMillis("interval", interval, { least: 1, reason })
  const watch = (id: string | null): Effect.Effect<void> =>
    id === null
      ? Effect.void
      : Effect.zipRight(
          Effect.sleep(everyMillis),
          Effect.flatMap(idNow(store, id), (now) => watch(now))
        )
  const id = ownId(life)
  return id === null ? Effect.void : Effect.flatMap(idNow(store, id), watch)
}

/** The id of the session that had this one; none where that is dead. */
const idNow = (store: Service, id: string): Effect.Effect<string | null> =>
  Effect.match(store.find(id), {
    onFailure: () => id,
    onSuccess: Option.match({
      onNone: () => null,
      onSome: ({ id: current, previous }) =>
        current === id || previous?.kind === "alias" ? current : null
    })
  })
