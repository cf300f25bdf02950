import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useProject } from "../../kernel/project";
import { usePresentVerbs } from "../../kernel/verbs";
import { type Choice, useChoices } from "./choices";
import "./notices";
import "./palette.css";

/** Everything that one can go to or do from here, by a few letters of it. */
export function Palette({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const { groups, looking, more } = useChoices(typed, useProject(), usePresentVerbs());
  const choices = groups.flatMap((group) => group.choices);
  const active = Math.min(chosen, choices.length - 1);

  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  useEffect(() => {
    list.current?.querySelectorAll('[role="option"]')[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const take = (choice: Choice | undefined) => {
    if (!choice || choice.disabled) return;
    onClose();
    if (choice.to === undefined) choice.run();
    else void navigate({ to: choice.to });
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setChosen((active + step + choices.length) % choices.length);
    else if (event.key === "Enter") take(choices[active]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Search or act"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <input
        role="combobox"
        aria-label="Search or act"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={choices.length ? `${id}-${active}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        placeholder="A page, an act, a name or a Ref such as model:late@7"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={press}
      />
      <div role="listbox" id={`${id}-list`} aria-label="Found" ref={list}>
        {groups.map(({ head, choices: own }) => (
          <div key={head} role="group" aria-label={head}>
            <p className="palette-head" aria-hidden>
              {head}
            </p>
            {own.map((choice) => {
              const i = choices.indexOf(choice);
              return (
                <div
                  key={choice.key}
                  id={`${id}-${i}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={i === active}
                  aria-disabled={choice.disabled ? true : undefined}
                  onPointerMove={() => setChosen(i)}
                  onClick={() => take(choice)}
                >
                  <span className="palette-label">{choice.label}</span>
                  <span className="palette-note">{choice.disabled ?? choice.note}</span>
                </div>
              );
            })}
          </div>
        ))}
      </div>
      <p className="palette-none" role="status">
        {choices.length > 0
          ? more && "There are more matches: keep typing."
          : looking
            ? "Looking…"
            : "Nothing matches."}
      </p>
    </dialog>
  );
}
