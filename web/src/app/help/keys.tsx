import { Dialog } from "../../ui/dialog";
import { Facts } from "../../ui/facts";
import "./keys.css";

type Line = readonly [what: string, ...keys: string[]];

const EVERYWHERE: readonly Line[] = [
  ["Go to a page or thing, or act on what is in view", "Ctrl K", "⌘ K", "/"],
  ["Filter the table of the page, where it has one", "/"],
  ["These keys", "?"],
  ["Close what is open; clear the filter", "Esc"],
];

/** Of tables and of the inbox of findings. */
const IN_A_TABLE: readonly Line[] = [
  ["Next and previous row", "j", "k", "↓", "↑"],
  ["First and last row", "Home", "End"],
  ["Open the row", "Enter"],
  ["Tick the row", "x", "Space"],
  ["Acknowledge the finding", "a"],
];

const IN_A_PICTURE: readonly Line[] = [
  ["Along the edges of a graph, over the cells of a heat map", "← ↑ → ↓"],
  ["Open the node or cell", "Enter"],
];

/** What the keys do. */
export function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="keys">
        <Group head="Everywhere" lines={EVERYWHERE} />
        <Group head="In a table" lines={IN_A_TABLE} />
        <Group head="In a picture" lines={IN_A_PICTURE} />
      </div>
    </Dialog>
  );
}

function Group({ head, lines }: { head: string; lines: readonly Line[] }) {
  const items = lines.map(
    ([what, ...keys]) =>
      [
        what,
        <span key={what} className="keys-of">
          {keys.map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </span>,
      ] as const,
  );
  return (
    <section>
      <h3>{head}</h3>
      <Facts items={items} />
    </section>
  );
}
