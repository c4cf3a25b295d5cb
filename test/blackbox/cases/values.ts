/** Keys, values and limits: what the operations answer, and what must never be stored. */
import { expect } from "vitest"
import type { Case } from "../harness.js"
import type { Step } from "../operations.js"
import { idOf, visitor } from "./support.js"

/** The steps end the handler with a 500 and change nothing; the next request is fine. */
const refuses = (what: string, ...steps: ReadonlyArray<Step>): Case => [
  `${what} ends the handler with a 500 and stores nothing`,
  async (harness) => {
    const client = await visitor(harness, { a: 1, list: [1, 2], text: "t" })
    const fresh = await harness.client().ask({ steps })
    const answer = await client.ask({ steps: [["put", "b", 1], ...steps] })

    expect([answer.status, answer.setCookies]).toEqual([500, []])
    expect([fresh.status, fresh.setCookies]).toEqual([500, []])
    expect(await client.elsewhere(["all"], ["polluted"])).toEqual([
      { a: 1, list: [1, 2], text: "t" },
      false
    ])
  }
]

/** The steps, run on `{ a: 1, zero: 0, nothing: null, list: [1, 2, 3], deep: { x: { y: 1 } } }`, give this. */
const gives = (what: string, steps: ReadonlyArray<Step>, results: ReadonlyArray<unknown>): Case => [
  what,
  async (harness) => {
    const client = await visitor(harness, {
      a: 1,
      zero: 0,
      nothing: null,
      list: [1, 2, 3],
      deep: { x: { y: 1 } }
    })
    const answer = await client.ask({ steps })

    expect([answer.status, answer.results]).toEqual([200, results])
  }
]

/** The steps leave this behind, for the other server to read. */
const leaves = (what: string, data: object, steps: ReadonlyArray<Step>, after: object): Case => [
  what,
  async (harness) => {
    const client = await visitor(harness, data)
    const answer = await client.ask({ steps })

    expect(answer.status).toBe(200)
    expect(await client.elsewhere(["all"])).toEqual([after])
  }
]

const bad = (step: Step): Step => ["try", step]
const typeError = { error: "SessionTypeError" }

export const valueCases: ReadonlyArray<Case> = [
  ...["nan", "infinity", "undefined", "bigint", "date", "map", "function", "cycle"].map((kind) =>
    refuses(`a value that is not JSON (${kind})`, ["putStrange", "x", kind])
  ),
  refuses("a value deeper than 32 levels", ["putNested", "x", 40]),
  refuses("a path deeper than 32 levels", ["put", Array(40).fill("a").join("."), 1]),
  refuses("a path of 10,000 segments", ["put", Array(1000).fill("a").join("."), 1]),
  refuses("a value over 64 KiB", ["putSized", "x", 65_537]),
  refuses("a payload over 64 KiB", ["putSized", "x", 40_000], ["putSized", "y", 40_000]),
  refuses(
    "a flash that makes the payload too large",
    ["flash", "x", "y".repeat(9000)],
    ["putSized", "z", 60_000]
  ),
  refuses("more than 256 keys", ["putKeys", 257]),
  refuses("an empty key", ["put", "", 1]),
  refuses("an empty segment", ["put", "a..b", 1]),
  refuses("a leading dot", ["put", ".a", 1]),
  refuses("a trailing dot", ["get", "a."]),
  refuses("__proto__ in a key", ["put", "__proto__.polluted", 1]),
  refuses("constructor.prototype in a key", ["put", "constructor.prototype.polluted", 1]),
  refuses("__proto__ inside a key", ["put", "a.__proto__.polluted", 1]),
  refuses("prototype in a reading key", ["get", "x.prototype"]),
  refuses("__proto__ in a flash key", ["flash", "__proto__", 1]),
  refuses("__proto__ in an object of keys", ["putAll", JSON.parse('{"__proto__":1}')]),
  refuses("__proto__ in a literal path", ["putLiteral", ["x", "__proto__"], 1]),
  refuses("__proto__ in forget, has, pull and keep", ["forget", "__proto__"]),
  refuses("an increment by NaN", ["incrementNaN", "x"]),
  [
    "a word on a list, and an index beyond its end, end the handler",
    async (harness) => {
      const client = await visitor(harness, { list: [1, 2] })
      for (const step of [
        ["put", "list.length", 0],
        ["put", "list.word", 0],
        ["put", "list.3", 0],
        ["put", "list.-1", 0],
        ["put", "list.01", 0],
        ["put", "list.1e0", 0]
      ] as const) {
        expect((await client.ask({ steps: [step] })).status).toBe(500)
      }
      expect(await client.elsewhere(["all"])).toEqual([{ list: [1, 2] }])
    }
  ],
  [
    "__proto__ inside a value pollutes nothing and is refused or kept as an own key",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["putProto", "x"]] })
      const [polluted, value] = await client.elsewhere(["polluted"], ["get", "x"])

      expect(polluted).toBe(false)
      if (answer.status === 200) expect(JSON.stringify(value)).toContain('"fine":1')
      else expect([answer.status, value]).toEqual([500, null])
    }
  ],
  [
    "256 keys, 32 levels and a value just below the limit are taken",
    async (harness) => {
      for (const step of [
        ["putKeys", 256],
        ["putNested", "x", 31],
        ["putSized", "x", 64_000]
      ] as const) {
        const client = harness.client()
        expect((await client.ask({ steps: [step] })).status).toBe(200)
        expect((await client.elsewhere(["isNew"]))[0]).toBe(false)
      }
    }
  ],
  [
    "the payload limit is configurable, and Session.commit gives it as a typed error",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "small")
      const answer = await client.ask({
        steps: [
          ["putSized", "x", 700],
          ["putSized", "y", 700],
          ["try", ["commit"]],
          ["forget", "y"]
        ]
      })

      expect(answer.results[2]).toEqual({ error: "SessionEncodeError" })
      expect(answer.status).toBe(200)
      expect(await client.elsewhere(["has", "x"], ["has", "y"])).toEqual([false, false])
    }
  ],
  [
    "lone surrogates and NUL come back as they were put",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["putStrange", "s", "surrogate"], ["putStrange", "n", "nul"])

      expect(await client.elsewhere(["get", "s"], ["get", "n"])).toEqual([
        { some: "\ud800" },
        { some: "a\u0000b" }
      ])
    }
  ],
  [
    "texts of every kind come back as they were put, as keys too",
    async (harness) => {
      const client = await visitor(harness)
      const texts = [
        "\u{1f600}",
        "'; DROP TABLE sessions; --",
        "\\",
        '"',
        "\r\n",
        "\u2028",
        "$x",
        "%00",
        ""
      ]
      const object = { texts, "key with \u{1f600} '\"\\": 1 }
      await client.run(["putLiteral", ["o"], object])

      expect(await client.elsewhere(["get", "o"])).toEqual([{ some: object }])
    }
  ],
  [
    "numbers keep their precision",
    async (harness) => {
      const numbers = [1e308, 5e-324, 0.1, -1, 9007199254740991, -9007199254740991, 1e21]
      const client = await visitor(harness, { numbers })

      expect(await client.elsewhere(["get", "numbers"])).toEqual([{ some: numbers }])
    }
  ],
  gives(
    "a stored null is Some(null), and comes back from getOrElse",
    [
      ["get", "nothing"],
      ["getOrElse", "nothing", 5],
      ["getOrElse", "gone", 5],
      ["get", "gone"]
    ],
    [{ some: null }, null, 5, null]
  ),
  gives(
    "has means present and not null, exists present",
    [
      ["has", "a"],
      ["has", "zero"],
      ["has", "nothing"],
      ["has", "a", "gone"],
      ["has"],
      ["hasAny", "gone", "a"],
      ["hasAny", "nothing"],
      ["hasAny"],
      ["exists", "nothing"],
      ["exists", "a", "gone"],
      ["missing", "nothing"],
      ["missing", "gone"],
      ["missing", "gone", "a"]
    ],
    [true, true, false, false, true, true, false, false, true, false, false, true, false]
  ),
  gives(
    "paths walk objects and list indexes",
    [
      ["get", "deep.x.y"],
      ["get", "list.1"],
      ["get", "list.3"],
      ["get", "list.length"],
      ["get", "list.01"],
      ["get", "a.b"],
      ["get", "nothing.x"],
      ["has", "toString"],
      ["get", "valueOf"],
      ["get", "list.map"],
      ["exists", "deep.hasOwnProperty"]
    ],
    [{ some: 1 }, { some: 2 }, null, null, null, null, null, false, null, null, false]
  ),
  gives(
    "only and except",
    [
      ["only", "a", "gone"],
      ["except", "list", "deep", "nothing"],
      ["only", "deep.x.y"]
    ],
    [{ a: 1 }, { a: 1, zero: 0 }, expect.anything()]
  ),
  gives(
    "increment and decrement",
    [
      ["increment", "a"],
      ["increment", "nothing", 3],
      ["increment", "fresh", 2.5],
      ["decrement", "a", 10],
      bad(["increment", "list"]),
      bad(["increment", "deep"]),
      ["get", "list"]
    ],
    [2, 3, 2.5, -8, typeError, typeError, { some: [1, 2, 3] }]
  ),
  gives(
    "an increment whose result is not a safe finite number is a typed error",
    [
      ["put", "big", 9007199254740991],
      bad(["increment", "big"]),
      ["put", "huge", 1e308],
      bad(["increment", "huge", 1e308]),
      ["get", "big"],
      ["get", "huge"]
    ],
    [null, typeError, null, typeError, { some: 9007199254740991 }, { some: 1e308 }]
  ),
  gives(
    "push makes a list of missing and null, and refuses other values",
    [
      ["push", "fresh", 1],
      ["push", "nothing", 1],
      ["push", "list", [4]],
      bad(["push", "a", 1]),
      bad(["push", "deep", 1]),
      ["only", "fresh", "nothing", "list", "a"]
    ],
    [
      null,
      null,
      null,
      typeError,
      typeError,
      { fresh: [1], nothing: [1], list: [1, 2, 3, [4]], a: 1 }
    ]
  ),
  gives(
    "isKey tells keys that come from outside",
    ["a", "a.b", "list.0", "", ".", "a..b", "a.", "__proto__", "x.constructor", "prototype.y"].map(
      (key): Step => ["isKey", key]
    ),
    [true, true, true, false, false, false, false, false, false, false]
  ),
  gives(
    "a value decodes with a schema, or fails typed",
    [["getAs", "a", "number"], ["getAs", "gone", "number"], bad(["getAs", "a", "text"])],
    [{ some: 1 }, null, { error: "SessionDecodeError" }]
  ),
  gives(
    "pull gives and forgets, a stored null too",
    [
      ["pull", "nothing"],
      ["exists", "nothing"],
      ["pull", "gone"],
      ["pull", "list.0"],
      ["get", "list"]
    ],
    [{ some: null }, false, null, { some: 1 }, { some: [2, 3] }]
  ),
  leaves(
    "put of an object takes each entry as a path",
    { a: 1 },
    [["putAll", { "b.c": 1, d: 2 }]],
    { a: 1, b: { c: 1 }, d: 2 }
  ),
  leaves(
    "a scalar in the way of a path is replaced by an object",
    { a: 1 },
    [["put", "a.b.c", 2]],
    { a: { b: { c: 2 } } }
  ),
  leaves(
    "a list takes 0 to its length, forgetting an element closes the gap",
    { list: [1, 2, 3] },
    [
      ["put", "list.0", "first"],
      ["put", "list.3", 4],
      ["forget", "list.1"]
    ],
    { list: ["first", 3, 4] }
  ),
  leaves(
    "forget of what is absent is no operation, an emptied parent stays",
    { a: { b: 1 } },
    [
      ["forget", "gone"],
      ["forget", "a.b"],
      ["forget", "a.x.y"]
    ],
    { a: {} }
  ),
  leaves("a literal path may hold dots", { a: 1 }, [["putLiteral", ["a.b", "c"], 1]], {
    a: 1,
    "a.b": { c: 1 }
  }),
  leaves("replace flushes the data and puts the object", { a: 1 }, [["replace", { "b.c": 1 }]], {
    b: { c: 1 }
  }),
  [
    "flush is stored, keeps the id, and clears the token",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)
      const [token] = await client.run(["csrfToken"])
      await client.run(["flush"])

      expect(await client.elsewhere(["all"], ["id"], ["verifyToken", token])).toEqual([
        {},
        id,
        false
      ])
    }
  ],
  [
    "the last key's removal is stored",
    async (harness) => {
      for (const step of [
        ["forget", "a"],
        ["pull", "a"],
        ["consume", "a"]
      ] as const) {
        const client = await visitor(harness)
        await client.run(step)

        expect(await client.elsewhere(["all"], ["isNew"])).toEqual([{}, false])
      }
    }
  ],
  [
    "all hides bookkeeping",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(
        ["csrfToken"],
        ["login", "someone"],
        ["putFor", "k", 1, 60_000],
        ["setPreviousUrl", "/page"]
      )

      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, k: 1 }])
    }
  ],
  [
    "the CSRF token is masked anew each time, every rendering is valid, and nothing else is",
    async (harness) => {
      const client = await visitor(harness)
      const other = await visitor(harness)
      const tokens = (await client.run(...Array(20).fill(["csrfToken"] as Step))) as Array<string>
      const [foreign] = await other.run(["csrfToken"])
      const wrong = ["", "x", "A".repeat(86), `${tokens[0]}A`, tokens[0]?.slice(1), foreign]

      expect(new Set(tokens).size).toBe(20)
      expect(
        await client.elsewhere(...tokens.map((token): Step => ["verifyToken", token]))
      ).toEqual(tokens.map(() => true))
      expect(await client.elsewhere(...wrong.map((token): Step => ["verifyToken", token]))).toEqual(
        wrong.map(() => false)
      )
      await client.run(["regenerateToken"])
      expect(await client.elsewhere(["verifyToken", tokens[0]])).toEqual([false])
    }
  ],
  [
    "typed keys decode on read and encode on write, others stay untouched",
    async (harness) => {
      const client = await visitor(harness, { other: "x", cart: { items: [] } })
      await client.run(["typedPut", "theme", "dark"], ["typedPutSince", 1000], ["typedIncrement"])

      expect(await client.elsewhere(["typedGet", "theme"], ["typedSince"], ["all"])).toEqual([
        { some: "dark" },
        { some: 1000 },
        {
          other: "x",
          theme: "dark",
          visits: 1,
          cart: { items: [], since: "1970-01-01T00:00:01.000Z" }
        }
      ])
    }
  ],
  [
    "a value of an older deploy is missing, or fails typed with onInvalid fail; the stored one stays",
    async (harness) => {
      const client = await visitor(harness, { theme: "purple" })

      expect(
        await client.run(["typedGet", "theme"], ["try", ["strictGet", "theme"]], ["get", "theme"])
      ).toEqual([null, { error: "SessionDecodeError" }, { some: "purple" }])
      const answer = await client.ask({ steps: [["strictGet", "theme"]] })
      expect(answer.status).toBe(500)
      expect(await client.elsewhere(["get", "theme"])).toEqual([{ some: "purple" }])
    }
  ],
  [
    "previousUrl is a path of this origin, anything else is ignored",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["setPreviousUrl", "/page?x=1"])
      for (const url of [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "\t//evil.example",
        "/a\r\nSet-Cookie: x=1",
        "/\t/evil.example",
        `/${"x".repeat(3000)}`,
        ""
      ]) {
        expect((await client.ask({ steps: [["setPreviousUrl", url]] })).status).toBe(200)
      }

      expect(await client.elsewhere(["previousUrl"])).toEqual([{ some: "/page?x=1" }])
    }
  ],
  [
    "recordsPreviousUrl records GET pages of known visitors only",
    async (harness) => {
      const page = { as: "html" as const, send: { accept: "text/html" } }
      const guest = await harness.client("recording").ask({ path: "/run?p=guest", ...page })
      const client = await visitor(harness, { a: 1 }, "recording")
      await client.ask({ path: "/run?p=1", ...page })
      const others = [
        { ...page, method: "POST" },
        { ...page, method: "HEAD" },
        { ...page, send: { accept: "text/html", "x-requested-with": "XMLHttpRequest" } },
        { ...page, send: { accept: "text/html", "sec-purpose": "prefetch" } },
        { ...page, send: { accept: "text/html", "sec-fetch-mode": "cors" } },
        { as: "json" as const, status: 404, send: { accept: "text/html" } }
      ]
      for (const ask of others) await client.ask({ path: "/run?p=2", ...ask })

      expect(guest.setCookies).toEqual([])
      expect(
        (await client.ask({ steps: [["previousUrl"]], send: { accept: "application/json" } }))
          .results
      ).toEqual([{ some: "/run?p=1" }])
    }
  ]
]
