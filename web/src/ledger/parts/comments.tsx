import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useActor, useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Loaded } from "../../ui/loaded";
import { Markdown } from "../../ui/markdown/markdown";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { commentsQuery } from "../queries";
import "./comments.css";

type Comment = Schema<"Comment">;

/** What was said about a thing, and a box to say more. */
export function Comments({ about }: { about: string }) {
  const comments = useQuery(commentsQuery(about));
  const may = useMay("ledger:write");
  const say = useMutation({
    mutationFn: (text: string) => send("post", "/ledger/comments/{ref}", { path: { ref: about }, body: { text } }),
  });
  return (
    <aside className="ledger-comments" aria-labelledby="ledger-comments">
      <h2 id="ledger-comments">
        Comments on <RefLink to={about} />
      </h2>
      <Loaded query={comments}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="muted">Nothing yet.</p>
          ) : (
            <ol>
              {items.map((comment) => (
                <Said key={comment.id} comment={comment} about={about} />
              ))}
            </ol>
          )
        }
      </Loaded>
      {may ? (
        <Words label="Your comment" verb="Comment" onSay={(text) => say.mutateAsync(text)} />
      ) : (
        <p className="muted">To comment needs ledger:write.</p>
      )}
    </aside>
  );
}

function Said({ comment, about }: { comment: Comment; about: string }) {
  const own = useActor() === comment.author;
  const [editing, setEditing] = useState(false);
  const edit = useMutation({
    mutationFn: (text: string) => send("put", "/ledger/comments/{ref}", { path: { ref: comment.id }, body: { text } }),
    onSuccess: () => setEditing(false),
  });
  const earlier = comment.earlier ?? [];
  return (
    <li>
      <p className="ledger-said-by">
        <RefLink to={comment.author} bare /> <Time at={comment.at} />
        {comment.ref !== about && <RefLink to={comment.ref} />}
        {earlier.length > 0 && (
          <span title={earlier.map(({ text }) => text ?? "erased").join("\n")}>worded {earlier.length + 1} times</span>
        )}
        {own && comment.text !== null && !editing && (
          <Button small kind="quiet" onClick={() => setEditing(true)}>
            Edit
          </Button>
        )}
      </p>
      {editing ? (
        <Words
          label="Edit"
          verb="Keep"
          text={comment.text ?? ""}
          onSay={(text) => edit.mutateAsync(text)}
          onCancel={() => setEditing(false)}
        />
      ) : comment.text === null ? (
        <p className="muted">Erased.</p>
      ) : (
        <Markdown text={comment.text} />
      )}
    </li>
  );
}

interface WordsProps {
  label: string;
  verb: string;
  text?: string;
  onSay: (text: string) => Promise<unknown>;
  onCancel?: () => void;
}

function Words({ label, verb, text: given = "", onSay, onCancel }: WordsProps) {
  const [text, setText] = useState(given);
  const said = useMutation({ mutationFn: onSay, onSuccess: () => setText("") });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    said.mutate(text);
  };
  return (
    <form className="ledger-words" onSubmit={submit}>
      <Field label={label} hint="@name notifies a person. You can edit your comment later; earlier texts stay visible.">
        <textarea
          rows={3}
          required
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && said.mutate(text)}
        />
      </Field>
      {said.error && <ErrorBox error={said.error} />}
      <div className="row">
        <Button type="submit" small busy={said.isPending} disabled={!text.trim()}>
          {verb}
        </Button>
        {onCancel && (
          <Button small kind="quiet" onClick={onCancel}>
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
