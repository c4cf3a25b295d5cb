/** Makes docs/reference/errors.md: the errors that public modules export, as they are when the program runs. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import ts from "typescript"

/** What a tagged error of Effect's Schema has. */
interface ErrorClass {
  readonly ast: SchemaAST.AST
  readonly fields: Schema.Struct.Fields
}

export interface PublicError {
  readonly tag: string
  readonly status: number
  readonly fields: ReadonlyArray<readonly [name: string, type: string]>
  readonly modules: ReadonlyArray<string>
  readonly docs: string
}

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === "function" && value.prototype instanceof Error && "fields" in value

/** The suite of the tests registers tests where it is loaded, and exports no error. */
const withoutTests = (modules: ReadonlyArray<string>) =>
  modules.filter((name) => name !== "SessionStoreTest")

export const errorsOf = async (
  root: string,
  modules: ReadonlyArray<string>
): Promise<ReadonlyArray<PublicError>> => {
  const found = new Map<string, PublicError>()
  const docs = docsIn(root, ["src/internal/errors/errors.ts", "src/SessionHttpApi.ts"])
  for (const module of withoutTests(modules)) {
    const exported: Record<string, unknown> = await import(join(root, "src", `${module}.ts`))
    for (const [tag, value] of Object.entries(exported)) {
      if (!isErrorClass(value)) continue
      const known = found.get(tag)?.modules ?? []
      found.set(tag, { ...toldOf(tag, value, docs), modules: [...known, module] })
    }
  }
  return [...found.values()].sort((one, other) => one.tag.localeCompare(other.tag))
}

const toldOf = (tag: string, { ast, fields }: ErrorClass, docs: ReadonlyMap<string, string>) => ({
  tag,
  status: HttpApiSchema.getStatusErrorAST(ast),
  fields: Object.entries(fields)
    .filter(([name]) => name !== "_tag")
    // Every field of an error is a schema.
    .map(([name, field]) => [name, `${(field as Schema.Schema.Any).ast}`] as const),
  docs: docs.get(tag) ?? ""
})

/** The docs of the classes in some files. */
const docsIn = (root: string, files: ReadonlyArray<string>): ReadonlyMap<string, string> =>
  new Map(
    files.flatMap((name) => {
      const text = readFileSync(join(root, name), "utf8")
      const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
      return file.statements.filter(ts.isClassDeclaration).map((statement) => {
        const comment = ts.getJSDocCommentsAndTags(statement).find(ts.isJSDoc)
        return [
          statement.name?.text ?? "",
          ts.getTextOfJSDocComment(comment?.comment) ?? ""
        ] as const
      })
    })
  )

const row = ({ fields, modules, status, tag }: PublicError): string => {
  const names = fields.map(([name]) => `\`${name}\``).join(", ")
  const from = modules.map((module) => `[\`${module}\`](../../src/${module}.ts)`).join(", ")
  return `| [\`${tag}\`](#${tag.toLowerCase()}) | ${status} | ${names === "" ? "none" : names} | ${from} |`
}

const section = ({ docs, fields, status, tag }: PublicError): string => {
  const list = fields.map(([name, type]) => `- \`${name}\`: \`${type}\``).join("\n")
  return [`## ${tag}`, `HTTP ${status}.`, docs, ...(list === "" ? [] : [list])].join("\n\n")
}

export const errorsPage = (errors: ReadonlyArray<PublicError>): string => `# Errors

<!-- npm run docs:build writes this page. Its sentences are the docs of the source. -->

Each error has its name as \`_tag\`, so \`Effect.catchTag\` takes it. An error that nobody handles is answered with its status and one
sentence, without its cause. An \`HttpApi\` sends the tag and the fields as JSON.

| error | status | fields | exported by |
|---|---|---|---|
${errors.map(row).join("\n")}

${errors.map(section).join("\n\n")}
`
