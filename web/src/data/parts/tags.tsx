import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import { useProject } from "../../kernel/project";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Tag } from "../../ui/status";

interface TagsProps {
  name: string;
  tags: readonly string[];
  /** May they be changed here and now? */
  may: boolean;
}

/** What a dataset is found by besides its name; each leads to all that have it. */
export function Tags({ name, tags, may }: TagsProps) {
  const project = useProject();
  const [open, setOpen] = useState(false);
  if (tags.length === 0 && !may) return null;
  return (
    <div className="row data-tags">
      {tags.map((tag) => (
        <Link key={tag} to={`/${project}/data?filter=${tag}`}>
          <Tag text={tag} />
        </Link>
      ))}
      {may && (
        <Button small kind="quiet" onClick={() => setOpen(true)}>
          {tags.length ? "Change tags" : "Add tags"}
        </Button>
      )}
      {open && <TagDialog name={name} tags={tags} onClose={() => setOpen(false)} />}
    </div>
  );
}

function TagDialog({ name, tags, onClose }: { name: string; tags: readonly string[]; onClose: () => void }) {
  return (
    <FormDialog
      title={`Tags of ${name}`}
      verb="Save"
      act={(given) =>
        send("put", "/datasets/{name}/tags", {
          path: { name },
          body: {
            tags: given("tags")
              .split(/[\s,]+/)
              .filter(Boolean),
          },
        })
      }
      onClose={onClose}
    >
      <Field
        label="Tags"
        name="tags"
        hint="Apart by spaces: personal gold. The filter of datasets and the search find it by them."
      >
        <input autoComplete="off" spellCheck={false} defaultValue={tags.join(" ")} />
      </Field>
    </FormDialog>
  );
}
