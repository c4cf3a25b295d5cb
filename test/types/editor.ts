/** A text in an editor, as its writer sees it: errors, hovers, completions. */
import { join } from "node:path"
import ts from "typescript"
import { languageServiceOf, programOf, root } from "../support/languageService.js"

const file = join(root, "in-the-editor.ts")

/** Opens a text in an editor. */
export const open = (text: string) => {
  const service = languageServiceOf(new Map([[file, text]]))
  const lineOf = (at: number) => text.slice(0, at).split("\n").length - 1
  return {
    program: programOf(service),
    /** The first line of each error, by the text of the line it stands on. */
    errors: (): ReadonlyMap<string, string> =>
      new Map(
        service
          .getSemanticDiagnostics(file)
          .map(({ messageText, start }) => [
            text.split("\n")[lineOf(start ?? 0)]?.trim() ?? "",
            ts.flattenDiagnosticMessageText(messageText, "\n").split("\n")[0] ?? ""
          ])
      ),
    /** What hovering shows below the type, on the name before the first bracket of some text. */
    hover: (of: string): string => {
      const at = text.indexOf(of) + of.indexOf("(") - 1
      return ts.displayPartsToString(service.getQuickInfoAtPosition(file, at)?.documentation)
    },
    /** What is offered between the quotes that end some text. */
    completions: (of: string): ReadonlyArray<string> => {
      const at = text.indexOf(of) + of.length
      const found = service.getCompletionsAtPosition(file, at, undefined)
      return (found?.entries ?? []).map(({ name }) => name)
    }
  }
}
