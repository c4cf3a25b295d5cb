/**
 * Sessions for Effect HTTP servers.
 *
 * @since 0.1.0
 */
export * as Csrf from "./Csrf.js"
export * as FileSystemSessionStore from "./FileSystemSessionStore.js"
export * as Session from "./Session.js"
export * as SessionAdmin from "./SessionAdmin.js"
export * as SessionConfig from "./SessionConfig.js"
export * as SessionDashboard from "./SessionDashboard.js"
export * as SessionEvents from "./SessionEvents.js"
export * as SessionGc from "./SessionGc.js"
export * as SessionGuard from "./SessionGuard.js"
export * as SessionMiddleware from "./SessionMiddleware.js"
export * as SessionStore from "./SessionStore.js"
