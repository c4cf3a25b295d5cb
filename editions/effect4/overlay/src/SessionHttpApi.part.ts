import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"

export class CsrfHttpApi extends HttpApiMiddleware.Service<CsrfHttpApi, { requires: Session }>()(
  "effect-session/Csrf/HttpApi",
  { error: CsrfRejected }
) {}

export class GuardHttpApi extends HttpApiMiddleware.Service<GuardHttpApi, { requires: Session }>()(
  "effect-session/SessionGuard/HttpApi",
  { error: SessionUnavailable }
) {}
