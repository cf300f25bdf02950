import { toast } from "../../ui/toasts";

/** What the server says beside an answer, such as that a model which was deployed is deprecated: several, apart by commas. */
export function noticesIn(header: string): string[] {
  return header.split(", ").map(decodeURIComponent);
}

addEventListener("notice", (event) => {
  for (const text of noticesIn(String((event as CustomEvent).detail))) toast({ kind: "info", text });
});
