import { postgresPlace } from "./places.js"
import { suites } from "./suites/index.js"

suites("PostgreSQL", postgresPlace)
