import { choice, text } from "../kernel/url";

export const ACCESS = {
  tab: choice("people", "services", "tokens", "roles", "projects", "trusts", "me", "installation"),
  /** The person or service that the page is about. */
  actor: text(),
};
