import { historyOf } from "./suite.js"

historyOf("sqlite")
