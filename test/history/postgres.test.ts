import { historyOf } from "./suite.js"

historyOf("postgres")
