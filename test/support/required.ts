/** Whether a thing that a machine may lack must be there: `EFFECT_SESSION_REQUIRE=mariadb,chromium`. */
export const isRequired = (name: string): boolean =>
  (process.env.EFFECT_SESSION_REQUIRE ?? "").split(",").includes(name)
