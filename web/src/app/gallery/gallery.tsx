import { useState } from "react";
import { setTheme, useDark } from "../../kernel/theme";
import { Button } from "../../ui/button";
import { ConfirmHost } from "../../ui/confirm";
import { Page } from "../../ui/page";
import { Tabs } from "../../ui/tabs";
import { Toasts } from "../../ui/toasts";
import { Basics } from "./basics";
import { Charts } from "./charts";
import { Plots } from "./plots";
import { States } from "./states";
import { Structures } from "./structures";
import { Tables } from "./tables";
import { Texts } from "./texts";
import "./gallery.css";

const PARTS = {
  basics: Basics,
  states: States,
  tables: Tables,
  charts: Charts,
  plots: Plots,
  structures: Structures,
  texts: Texts,
};
type Part = keyof typeof PARTS;

/** All components in all their states, for looking at while they are made; never in the product. */
export function GalleryPage() {
  const [part, setPart] = useState<Part>((location.hash.slice(1) || "basics") as Part);
  const dark = useDark();
  const Shown = PARTS[part] ?? Basics;
  return (
    <Page
      title="Components"
      lead="Every part of the interface, in every state."
      crumbs={[{ text: "Ostinato", to: "/" }, { text: "Gallery" }]}
      actions={<Button onClick={() => setTheme(dark ? "light" : "dark")}>{dark ? "Light" : "Dark"}</Button>}
    >
      <Tabs
        label="Parts"
        items={Object.keys(PARTS).map((value) => ({ value: value as Part, text: value }))}
        value={part}
        onChange={setPart}
      >
        <Shown />
      </Tabs>
      <Toasts />
      <ConfirmHost />
    </Page>
  );
}
