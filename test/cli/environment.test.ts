/** `.env`: read as dotenv tools do, and told of. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parseEnv } from "../../src/internal/cli/environment.js"
import { aRecord, filesIn, inPlace, runAsProcess, seed } from "./support.js"

describe("the text of a .env file", () => {
  it.each([
    ["A=1", "1"],
    ["A = spaced out  ", "spaced out"],
    ["export A=1", "1"],
    ["\ufeffA=1", "1"],
    ["\r\nA=1\r\n", "1"],
    ["A=", ""],
    ["A=\nB=2", ""],
    ["A: 1", "1"],
    ["A=a=b=c", "a=b=c"],
    ["A=bare # comment", "bare"],
    ["A=bare#comment", "bare"],
    ["# A=2\nA=1", "1"],
    ["A='single # $x \\n'", "single # $x \\n"],
    ['A="double # $x \\n" # comment', "double # $x \n"],
    ["A=`back ' \" tick`", "back ' \" tick"],
    ['A="one\ntwo\nthree"', "one\ntwo\nthree"],
    ["A='one\ntwo'", "one\ntwo"],
    ['A="it\'s"', "it's"],
    ["A=pa$$word\u0024{x}", "pa$$word\u0024{x}"],
    ['A="not closed', '"not closed'],
    ["A=1\nA=2", "2"],
    ["what is this\nA=1", "1"]
  ])("%j gives %j", (text, value) => {
    expect(parseEnv(text).A).toBe(value)
  })

  it("reads several variables, whatever their names", () => {
    const read = parseEnv("A=1\n\n  B.c='2'\n__proto__=3\nD-e=\"4\n5\"\nF=6")

    expect(Object.entries(read)).toEqual([
      ["A", "1"],
      ["B.c", "2"],
      ["__proto__", "3"],
      ["D-e", "4\n5"],
      ["F", "6"]
    ])
  })
})

describe("the command line beside a .env", { timeout: 120_000 }, () => {
  it("takes from it what the process lacks; doctor says so, and errors do", () =>
    inPlace(async ({ directory, files }) => {
      const one = aRecord()
      await seed(filesIn(files), [one])
      writeFileSync(join(directory, ".env"), `export SESSION_FILES='./sessions' # here\nOTHER=1\n`)

      const list = await runAsProcess(directory, ["list", "--json"])
      const doctor = await runAsProcess(directory, ["doctor"])
      const process = await runAsProcess(directory, ["list"], { SESSION_FILES: "elsewhere" })
      const none = await runAsProcess(directory, ["list", "--no-env-file"])

      expect(list.errors).toBe("")
      expect(JSON.parse(list.output)).toMatchObject([{ id: one.id }])
      expect(doctor.code).toBe(0)
      expect(doctor.output).toMatch(/^ok +variables .*\.env, which gives SESSION_FILES$/m)
      expect(process.errors).toMatch(
        /no directory elsewhere\..*\(Variables were read from \.env\.\)$/m
      )
      expect(none.errors).toMatch(/no directory storage\/sessions\./)
      expect(none.errors).not.toContain(".env")
    }))

  it("gives a database driver what it reads by itself", () =>
    inPlace(async ({ directory }) => {
      writeFileSync(
        join(directory, ".env"),
        "SESSION_DRIVER=database\nDATABASE_URL=postgres:///app\nPGHOST=127.0.0.1\nPGPORT=1\n"
      )

      const list = await runAsProcess(directory, ["list"])

      expect(list.errors).toContain("ECONNREFUSED")
    }))

  it("leaves a directory of that name alone, and reads the file that --env-file names", () =>
    inPlace(async ({ directory, files, run }) => {
      mkdirSync(join(directory, ".env"))
      writeFileSync(
        join(directory, "production.env"),
        `SESSION_FILES=${files}\nSESSION_LIFETIME=soon`
      )
      await seed(filesIn(files), [aRecord()])
      const given = ["--env-file", join(directory, "production.env")]

      const list = await runAsProcess(directory, ["list"])
      const doctor = await run(["doctor", "--json", ...given], { SESSION_FILES: files })
      const missing = await run(["list", "--env-file", join(directory, "none")])

      expect(list.errors).toContain("no directory storage/sessions")
      expect(doctor.output).toContain("SESSION_LIFETIME must be a number")
      expect(doctor.output).toContain("production.env, which gives SESSION_FILES, SESSION_LIFETIME")
      expect(missing).toMatchObject({ code: 1, output: "" })
      expect(missing.errors).toMatch(/^The file .*none cannot be read \(ENOENT\)\./)
    }))
})
