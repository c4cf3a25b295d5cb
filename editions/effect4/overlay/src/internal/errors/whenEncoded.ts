/** Schemas that do something beside encoding. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"

/** The same schema. Where it encodes a value it runs an effect. */
export const whenEncoded = <A>(
  ast: SchemaAST.Declaration,
  run: (value: A) => Effect.Effect<void>
): SchemaAST.Declaration => {
  const schema = Schema.make<Schema.Codec<A, unknown>>(ast)
  const running = schema.pipe(
    Schema.decodeTo(Schema.toType(schema), {
      decode: SchemaGetter.passthrough(),
      encode: SchemaGetter.transformEffect((value) => Effect.as(run(value), value))
    })
  )
  return running.ast as SchemaAST.Declaration
}
