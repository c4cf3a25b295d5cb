/** Every page of the demo, light and dark, on a desktop and on a phone, before axe; and what axe does not see. */
import axe, { type AxeResults } from "axe-core"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  type Demo,
  fill,
  lacksBrowser,
  login,
  password,
  press,
  register,
  startDemo,
  titled
} from "./harness.js"

const schemes = ["light", "dark"] as const
const desktop = { width: 1280, height: 900 }
const phone = { width: 390, height: 844 }
const sizes = [desktop, phone]

/** What axe finds on the page as it is, each with the elements it is about. */
const problemsOf = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate("axe.run()")) as AxeResults
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)
}

describe.skipIf(lacksBrowser)(titled("the pages of the demo"), () => {
  let demo: Demo
  let guest: Page
  let admin: Page
  let user: Page

  beforeAll(async () => {
    demo = await startDemo()
    guest = await demo.open()
    admin = await demo.open()
    user = await demo.open()
    const second = await demo.open()
    await register(admin, "Grace Hopper")
    await register(user, "Ada")
    await login(second, "Ada")
    await press(second, "Add to cart Enamel mug")
  }, 120_000)

  afterAll(() => demo?.close())

  /** How one gets to each page. */
  const pages: ReadonlyArray<readonly [title: string, visit: () => Promise<Page>]> = [
    ["the shop", () => at(guest, "/")],
    ["the empty cart", () => at(guest, "/cart")],
    ["the login", () => at(guest, "/login")],
    ["the registration", () => at(guest, "/register")],
    ["an unknown address", () => at(guest, "/nowhere")],
    [
      "an error",
      async () => {
        await fill(guest, "/login", "Ada", "not the password")
        await press(guest, "Log in")
        return guest
      }
    ],
    [
      "a form that was open for too long",
      async () => {
        await fill(guest, "/login", "Ada", password)
        await guest.context().clearCookies()
        await press(guest, "Log in")
        return guest
      }
    ],
    [
      "a success",
      async () => {
        await guest.goto("/")
        await press(guest, "Add to cart Brass lamp")
        return guest
      }
    ],
    ["the cart", () => at(guest, "/cart")],
    ["the shop of a user", () => at(user, "/")],
    ["the devices", () => at(user, "/devices")],
    ["the page that is for the administrator", () => at(user, "/admin")],
    [
      "the dashboard",
      async () => {
        await admin.goto("/admin")
        await admin.locator("summary").click()
        return admin
      }
    ],
    ["a user of the dashboard", () => onDashboard("Ada")],
    ["a session of the dashboard", () => onDashboard("Ada", /^Unknown|Linux|Chrome/)],
    ["the question before a session ends", () => onDashboard("Ada", /^End session/)],
    [
      "the question before all sessions of a user end",
      () => onDashboard("Ada", "End all sessions")
    ],
    ["what the dashboard says of a session that is gone", () => at(admin, "/admin?session=gone")]
  ]

  /** A page of the dashboard behind its list: that of a user, then what a link of it leads to. */
  const onDashboard = async (user: string, link?: string | RegExp): Promise<Page> => {
    await admin.goto("/admin")
    await admin.locator("#sessions").getByRole("link", { name: user, exact: true }).first().click()
    if (link !== undefined) await admin.getByRole("link", { name: link }).first().click()
    return admin
  }

  const at = async (page: Page, path: string): Promise<Page> => {
    await page.goto(path)
    return page
  }

  it.each(pages)(
    "axe finds nothing on %s",
    async (_title, visit) => {
      const page = await visit()
      const found: Record<string, ReadonlyArray<string>> = {}
      for (const colorScheme of schemes) {
        for (const size of sizes) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize(size)
          const problems = await problemsOf(page)
          if (problems.length > 0) found[`${colorScheme}, ${size.width}`] = problems
        }
      }

      expect(found).toEqual({})
    },
    60_000
  )

  it.each(pages)("nothing of %s lies beside a phone's screen", async (_title, visit) => {
    const page = await visit()
    await page.setViewportSize(phone)

    const width = await page.evaluate("document.documentElement.scrollWidth")

    expect(width).toBe(phone.width)
  })

  it("the header takes two lines on a phone and one on a desktop", async () => {
    const page = await at(admin, "/")
    const lines = async () => {
      const parts = page.locator(".brand, nav a, #user, .account button")
      const boxes = await Promise.all((await parts.all()).map((part) => part.boundingBox()))
      return new Set(boxes.map((box) => Math.round(((box?.y ?? 0) + (box?.height ?? 0) / 2) / 20)))
    }

    await page.setViewportSize(phone)
    const onPhone = await lines()
    await page.setViewportSize(desktop)
    const onDesktop = await lines()

    expect([onPhone.size, onDesktop.size]).toEqual([2, 1])
  })

  it("the total ends where the sums end", async () => {
    const page = await at(guest, "/cart")
    await page.setViewportSize(desktop)

    const rightOf = async (selector: string) => {
      const box = await page.locator(selector).first().boundingBox()
      return Math.round((box?.x ?? 0) + (box?.width ?? 0))
    }

    expect(await rightOf("#total")).toBe(await rightOf("tbody [data-name=Sum]"))
  })

  it.each(schemes)("the border of an input stands out 3 to 1, %s", async (colorScheme) => {
    const page = await at(guest, "/login")
    await page.emulateMedia({ colorScheme })

    const colorOf = (selector: string, property: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.querySelector("${selector}")).${property}`)
    const border = await colorOf("input[name=name]", "borderTopColor")
    const inside = await colorOf("input[name=name]", "backgroundColor")
    const outside = await colorOf(".panel", "backgroundColor")

    expect(contrast(border, inside)).toBeGreaterThan(3)
    expect(contrast(border, outside)).toBeGreaterThan(3)
  })

  it("an error is an alert and a success a status, each with a sign", async () => {
    const page = await demo.open()
    await fill(page, "/login", "Ada", "not the password")
    await press(page, "Log in")
    const alerts = await page.locator("[role=alert] svg").count()
    await page.goto("/")
    await press(page, "Add to cart Brass lamp")

    expect(alerts).toBe(1)
    expect(await page.locator("[role=status] svg").count()).toBe(1)
  })

  it("marks the page one is on", async () => {
    const page = await at(user, "/devices")

    expect(await page.locator("[aria-current=page]").allTextContents()).toEqual(["My devices"])
  })

  it("the first tab leads to the content", async () => {
    const page = await at(guest, "/")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    expect(await page.evaluate("document.activeElement.id")).toBe("main")
  })

  it("no two buttons of the devices and of the dashboard have one name", async () => {
    for (const page of [await at(user, "/devices"), await at(admin, "/admin")]) {
      const names = await page.locator("main button, main .button").allTextContents()
      expect(names.length).toBeGreaterThan(1)
      expect(new Set(names).size).toBe(names.length)
    }
  })
})

/** The contrast of two colours as WCAG reckons it. */
const contrast = (one: string, other: string): number => {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

const luminance = (color: string): number => {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((text) => {
    const part = Number(text) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
