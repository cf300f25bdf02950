import { useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { pricesQuery } from "../queries";
import { dollars } from "../words";

const LEAD =
  "Dollars per million tokens. Spans that say themselves what they cost keep that; nothing has a price that nobody set.";

/** What models cost; a price counts for spans that arrive after it was set. */
export function Prices({ may, onClose }: { may: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  if (!may)
    return (
      <Dialog title="Model prices" onClose={onClose} wide>
        <p>{LEAD}</p>
        <Known />
      </Dialog>
    );
  const set = async (given: Given) => {
    const [input_per_million, output_per_million] = [
      Number(given("input_per_million")),
      Number(given("output_per_million")),
    ];
    await send("post", "/prices", { body: { model: given("model"), input_per_million, output_per_million } });
    await queries.invalidateQueries({ queryKey: pricesQuery.queryKey });
    toast({ text: `${given("model")} has a price from now on` });
  };
  return (
    <FormDialog
      title="Model prices"
      verb="Set price"
      lead={LEAD}
      act={set}
      onDone={() => undefined}
      onClose={onClose}
      wide
    >
      <Known drop />
      <Field
        label="Model"
        name="model"
        required
        hint="As spans name it; one that ends with * stands for all that begin so."
      >
        <input required maxLength={200} spellCheck={false} className="mono" />
      </Field>
      <Field label="Input, $ per million tokens" name="input_per_million" required>
        <input type="number" min={0} step="any" required />
      </Field>
      <Field label="Output, $ per million tokens" name="output_per_million" required>
        <input type="number" min={0} step="any" required />
      </Field>
    </FormDialog>
  );
}

function Known({ drop = false }: { drop?: boolean }) {
  const found = useQuery(pricesQuery);
  const queries = useQueryClient();
  const forget = async (model: string) => {
    await send("delete", "/prices/{model}", { path: { model } });
    await queries.invalidateQueries({ queryKey: pricesQuery.queryKey });
  };
  return (
    <Loaded query={found}>
      {(prices) => (
        <Table
          label="Prices"
          rows={prices}
          rowKey={({ model }) => model}
          empty="No model has a price yet."
          columns={[
            { head: "Model", grow: true, cell: ({ model }) => <code>{model}</code> },
            { head: "Input", align: "end", cell: ({ input_per_million }) => dollars(input_per_million) },
            { head: "Output", align: "end", cell: ({ output_per_million }) => dollars(output_per_million) },
            { head: "Set", cell: ({ set_at }) => <Time at={set_at} /> },
            ...(drop
              ? [
                  {
                    head: "Acts",
                    quiet: true,
                    cell: ({ model }: { model: string }) => (
                      <Button
                        small
                        kind="quiet"
                        onClick={() => void forget(model)}
                        aria-label={`Forget the price of ${model}`}
                      >
                        Forget
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
    </Loaded>
  );
}
