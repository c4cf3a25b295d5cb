import { historyOf } from "./suite.js"

historyOf("redis")
