import { post, session } from "./api.js"

const find = (selector) => document.querySelector(selector)
const form = find("form")

const say = (text) => {
  find("[role=status]").textContent = text
}

const show = ({ userId }) => {
  say(userId === null ? "Please log in." : `Hello, ${userId}.`)
  form.hidden = userId !== null
  find("#member").hidden = userId === null
}

/** Does something with an answer, or says what went wrong. */
const after = (answer, f) => answer.then(f).catch(({ message }) => say(message))

form.onsubmit = (event) => {
  event.preventDefault()
  after(post("/login", Object.fromEntries(new FormData(form))), show)
}
find("#order").onclick = () =>
  after(post("/orders"), ({ orders }) => say(`Your orders: ${orders}.`))
find("#logout").onclick = () => after(post("/logout"), show)

after(session(), show)
