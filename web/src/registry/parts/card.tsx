import { useQuery, useQueryClient } from "@tanstack/react-query";
import { PenLine } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Loaded } from "../../ui/loaded";
import { Markdown } from "../../ui/markdown/markdown";
import { cardQuery } from "../queries";
import { sectionsOf } from "./card-sections";

/** The card of a version, and the sections of it that people write. */
export function ModelCard({ model, version, at }: { model: string; version: number; at: string | undefined }) {
  const card = useQuery(cardQuery(`${model}@${version}`, at));
  const [writing, setWriting] = useState(false);
  const may = useMay("model:write");
  const why = at ? "this is the card as it was" : may ? undefined : "you lack the permission model:write";
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
          Write a section
        </Button>
        <span className="muted">Sections stand in the cards of every version of {model}.</span>
      </div>
      <Loaded query={card}>{(text) => <Markdown text={text} />}</Loaded>
      {writing && card.data && (
        <Note model={model} sections={sectionsOf(card.data)} onClose={() => setWriting(false)} />
      )}
    </>
  );
}

interface NoteProps {
  model: string;
  sections: readonly string[];
  onClose: () => void;
}

function Note({ model, sections, onClose }: NoteProps) {
  const form = useId();
  const queries = useQueryClient();
  const [section, setSection] = useState(sections[0] ?? "");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await send("post", "/models/{model}/notes", { path: { model }, body: { section, text } });
      await queries.invalidateQueries({ queryKey: ["registry", "card"] });
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={busy}>
        Write
      </Button>
    </>
  );
  return (
    <Dialog title={`Write into the card of ${model}`} onClose={onClose} actions={actions} wide>
      <form id={form} className="stack" onSubmit={submit}>
        <Field label="Section">
          <select value={section} onChange={({ target }) => setSection(target.value)}>
            {sections.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </Field>
        <Field
          label="Text"
          hint="Markdown. It takes the place of the present text; the earlier one stays in the history."
        >
          <textarea rows={8} required value={text} onChange={({ target }) => setText(target.value)} />
        </Field>
      </form>
      {error !== undefined && <ErrorBox error={error} />}
    </Dialog>
  );
}
