import { useQuery } from "@tanstack/react-query";
import { PenLine } from "lucide-react";
import { useState } from "react";
import { get, send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Diff } from "../../ui/diff/diff";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { Markdown } from "../../ui/markdown/markdown";
import { Menu } from "../../ui/menu";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { cardQuery, notesQuery } from "../queries";
import { sectionsOf } from "./card-sections";

type Form = "markdown" | "html" | "huggingface";
const FORMS: { form: Form; text: string; file: string; type: string }[] = [
  { form: "markdown", text: "Markdown", file: "card.md", type: "text/markdown" },
  { form: "html", text: "HTML, one file", file: "card.html", type: "text/html" },
  { form: "huggingface", text: "Hugging Face README", file: "README.md", type: "text/markdown" },
];

/** The card of a version, the sections of it that people write, and the forms in which it leaves. */
export function ModelCard({ model, version, at }: { model: string; version: number; at: string | undefined }) {
  const ref = `${model}@${version}`;
  const card = useQuery(cardQuery(ref, at));
  const [writing, setWriting] = useState(false);
  const may = useMay("model:write");
  const why = at ? "this is the card as it was" : may ? undefined : "needs the permission model:write";
  return (
    <>
      <div className="row">
        <Button
          small
          icon={<PenLine aria-hidden />}
          disabled={why !== undefined || !card.data}
          title={why}
          onClick={() => setWriting(true)}
        >
          Edit a section
        </Button>
        <Menu
          label="Download"
          small
          items={FORMS.map((one) => ({ text: one.text, onSelect: () => void download(ref, at, one) }))}
        />
        <span className="muted">Sections stand in the cards of every version of {model}.</span>
      </div>
      <Loaded query={card}>{(text) => <Markdown text={text} />}</Loaded>
      <Edits model={model} at={at} />
      {writing && card.data && (
        <Writing model={model} sections={sectionsOf(card.data)} onClose={() => setWriting(false)} />
      )}
    </>
  );
}

async function download(ref: string, at: string | undefined, { form, file, type }: (typeof FORMS)[number]) {
  const text = await get("/model-versions/{ref}/card", { path: { ref }, query: { at, form } });
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: `${ref}-${file}` });
  link.click();
  URL.revokeObjectURL(url);
}

interface WritingProps {
  model: string;
  sections: readonly string[];
  onClose: () => void;
}

/** One writes on top of the text that one sees: if somebody else was quicker, that is said, and nothing is lost. */
function Writing({ model, sections, onClose }: WritingProps) {
  const { data: notes } = useQuery(notesQuery(model));
  const [section, setSection] = useState(sections[0] ?? "");
  if (notes === undefined) return null;
  const last = notes.filter((note) => note.section === section).at(-1);
  return (
    <FormDialog
      title={`Edit the card of ${model}`}
      verb="Save"
      wide
      act={(given) =>
        send("post", "/models/{model}/notes", {
          path: { model },
          body: { section, text: given("text"), after: last?.number ?? 0 },
        })
      }
      onClose={onClose}
    >
      <Field label="Section" name="section">
        <select value={section} onChange={({ target }) => setSection(target.value)}>
          {sections.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </Field>
      <Field label="Text" name="text" hint="Markdown. It replaces the present text; earlier texts stay below the card.">
        <textarea key={section} rows={10} required defaultValue={last?.text ?? ""} />
      </Field>
    </FormDialog>
  );
}

/** Every text that the sections ever had, and what each changed. */
function Edits({ model, at }: { model: string; at: string | undefined }) {
  const { data: notes = [] } = useQuery(notesQuery(model));
  const until = at ? notes.filter((note) => Date.parse(note.at) <= Date.parse(at)) : notes;
  if (until.length === 0) return null;
  return (
    <details className="model-card-edits">
      <summary>What people wrote, and when</summary>
      {until.toReversed().map((note) => (
        <Edit key={`${note.section} ${note.number}`} note={note} before={before(until, note)} />
      ))}
    </details>
  );
}

type Note = Schema<"Note">;

function before(notes: readonly Note[], { section, number = 0 }: Note): string {
  return notes.find((note) => note.section === section && note.number === number - 1)?.text ?? "";
}

function Edit({ note, before }: { note: Note; before: string }) {
  return (
    <section>
      <p>
        <strong>{note.section}</strong>, text {note.number}, by <RefLink to={note.by} /> <Time at={note.at} />
      </p>
      <Diff label={`What text ${note.number} of ${note.section} changed`} a={before} b={note.text} />
    </section>
  );
}
