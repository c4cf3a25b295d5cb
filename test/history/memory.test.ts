import { historyOf } from "./suite.js"

historyOf("memory")
