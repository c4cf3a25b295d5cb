/** What is written by hand, and whether the original that it was written for is still the same. */
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { namesOf, noParts, type Parts, readParts } from "./parts.js"
import { leftOutNames } from "./selection.js"

export interface Overlay {
  /** The file that stands in the place of an original, or beside all of them. */
  readonly whole: ReadonlyMap<string, string>
  readonly partsOf: (path: string, original: ts.SourceFile) => Parts
  /** All files of the overlay. */
  readonly files: ReadonlyArray<string>
  readonly lines: number
}

const partEnd = ".part.ts"

export const readOverlay = (directory: string): Overlay => {
  const files = filesBelow(directory).filter((path) => path.endsWith(".ts"))
  const read = (path: string) => readFileSync(join(directory, path), "utf8")
  return {
    files,
    lines: files.map((path) => linesOf(read(path))).reduce((sum, lines) => sum + lines, 0),
    whole: new Map(
      files.filter((path) => !path.endsWith(partEnd)).map((path) => [path, read(path)])
    ),
    partsOf: (path, original) => {
      const part = path.replace(/\.ts$/, partEnd)
      const removed = leftOutNames.filter(([file]) => file === path).map(([, name]) => name)
      if (files.includes(part)) return readParts(parse(part, read(part)), original, removed)
      return removed.length === 0 ? noParts : readParts(parse(part, ""), original, removed)
    }
  }
}

const parse = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)

/**
 * Compares the originals with those that the overlay was written for, whose hashes are in `originals.json`. Gives what has
 * changed; with `accept` it writes the hashes anew.
 */
export const changedOriginals = (
  directory: string,
  overlay: Overlay,
  originalAt: (path: string) => ts.SourceFile | undefined,
  accept: boolean
): ReadonlyArray<string> => {
  const file = join(directory, "originals.json")
  const known: Record<string, string> = existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : {}
  const now: Record<string, string> = {}
  for (const path of overlay.files) {
    const source = path.replace(partEnd, ".ts")
    const original = originalAt(source)
    if (original === undefined) continue
    const text = path.endsWith(partEnd)
      ? overlay
          .partsOf(source, original)
          .names.map((name) => declared(original, name))
          .join("\n")
      : original.text
    now[path] = createHash("sha256").update(text).digest("hex").slice(0, 16)
  }
  if (accept) writeFileSync(file, `${JSON.stringify(now, undefined, 2)}\n`)
  return Object.keys(now).filter((path) => !accept && known[path] !== now[path])
}

const declared = (original: ts.SourceFile, name: string): string =>
  original.statements.find((one) => namesOf(one).includes(name))?.getText(original) ?? ""

export const linesOf = (text: string): number => text.split("\n").length - 1

/** The paths of all files below a directory. */
export const filesBelow = (directory: string): ReadonlyArray<string> =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
        .sort()
    : []
