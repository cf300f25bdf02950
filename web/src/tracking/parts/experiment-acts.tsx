import { Ellipsis } from "lucide-react";
import { useMemo, useState } from "react";
import { send } from "../../kernel/api/client";
import { useMay } from "../../kernel/session";
import { useVerbs } from "../../kernel/verbs";
import { useConfirm } from "../../ui/confirm";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Menu } from "../../ui/menu";
import { deletingExperiment } from "./removal";

interface ExperimentActsProps {
  name: string;
  /** Goes to an experiment, `""` for all. */
  go: (experiment: string) => void;
}

/** What can be done about an experiment as a whole. */
export function ExperimentActs({ name, go }: ExperimentActsProps) {
  const may = useMay("run:write");
  const confirm = useConfirm();
  const [renaming, setRenaming] = useState(false);
  const acts = useMemo(
    () => [
      { text: `Rename ${name}`, onSelect: () => setRenaming(true), disabled: !may },
      {
        text: `Delete ${name}`,
        onSelect: () => void confirm(deletingExperiment(name, () => go(""))),
        disabled: !may,
        danger: true,
      },
    ],
    [name, may, confirm, go],
  );
  useVerbs(
    useMemo(
      () => acts.map(({ text, onSelect }) => ({ label: text, run: onSelect, enabled: may || "needs run:write" })),
      [acts, may],
    ),
  );
  return (
    <>
      <Menu label={`Acts on ${name}`} icon={<Ellipsis aria-hidden />} iconOnly kind="quiet" items={acts} />
      {renaming && (
        <FormDialog
          title={`Rename ${name}`}
          verb="Rename"
          lead="Its runs follow, and the views of it."
          act={(given) => send("post", "/renamed-experiments", { body: { experiment: name, name: given("name") } })}
          onDone={(renamed) => {
            setRenaming(false);
            go(renamed.name);
          }}
          onClose={() => setRenaming(false)}
        >
          <Field label="Name" name="name" required>
            <input required autoComplete="off" defaultValue={name} />
          </Field>
        </FormDialog>
      )}
    </>
  );
}
