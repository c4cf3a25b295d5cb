import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as SessionAdmin from "../../SessionAdmin.js"

/** A stand-in until `SessionAdmin.page` is there. */
export const page = (
  options: SessionAdmin.Listing & { limit?: number; after?: string | undefined }
) =>
  Effect.map(Stream.runCollect(SessionAdmin.stream(options)), (all) => {
    const limit = options.limit ?? 50
    const key = (s: SessionAdmin.SessionSummary) => `${1e15 - s.createdAt.epochMillis}-${s.id}`
    const sorted = Chunk.toReadonlyArray(all)
      .map((s) => [key(s), s] as const)
      .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    const from = sorted.filter(([k]) => options.after === undefined || k > options.after)
    const shown = from.slice(0, limit)
    return {
      sessions: shown.map(([, s]) => s),
      next: from.length > limit ? Option.fromNullable(shown.at(-1)?.[0]) : Option.none<string>()
    }
  })
