import type { components } from "./schema";

/** A type that travels, by its name in Python: `Schema<"ModelVersion">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
