/** Schemas that do something beside encoding. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as SchemaAST from "effect/SchemaAST"

/** The same schema. Where it encodes a value while a fiber runs, it runs an effect in the surroundings of that fiber. */
export const whenEncoded = <A>(ast: SchemaAST.AST, run: (value: A) => Effect.Effect<void>) => {
  const encode = (value: A) =>
    Option.match(Fiber.getCurrentFiber(), {
      onNone: () => ParseResult.succeed(value),
      onSome: (fiber) =>
        Effect.sync(() => {
          Effect.runSync(Effect.zipRight(Effect.setFiberRefs(fiber.getFiberRefs()), run(value)))
          return value
        })
    })
  return new SchemaAST.Transformation(
    ast,
    SchemaAST.typeAST(ast),
    new SchemaAST.FinalTransformation(ParseResult.succeed, encode),
    ast.annotations
  )
}
