import { lacksRedis } from "../support/redis.js"
import { redisPlace } from "./places.js"
import { suites } from "./suites/index.js"

suites("Redis", redisPlace, lacksRedis)
