import { useState } from "react";
import { ApiError } from "../../kernel/api/errors";
import { Button } from "../../ui/button";
import { Card, Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Dialog } from "../../ui/dialog";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Skeleton } from "../../ui/skeleton";
import { toast } from "../../ui/toasts";

const REFUSED = new ApiError(409, {
  type: "GateFailed",
  message: "late@8 does not pass calibration: ECE 0.061, limit 0.050",
  hint: "retrain with isotonic calibration, or raise the limit with a reason: ostinato models gate late calibration",
});

export function States() {
  const confirm = useConfirm();
  const [open, setOpen] = useState(false);
  const approve = () =>
    confirm({
      title: "Approve late@7?",
      text: "It may then be promoted. All gates pass; you are not its author.",
      verb: "Approve",
      reason: "required",
    });
  const refuse = () =>
    confirm({ title: "Promote late@8?", verb: "Promote", act: () => Promise.reject(REFUSED), danger: true });
  return (
    <>
      <div className="grid">
        <Card title="Empty">
          <Empty title="No runs yet" command="ostinato runs start flights --params lr=0.1">
            A run is one execution of your training, with its parameters, metrics and files.
          </Empty>
        </Card>
        <Card title="Error">
          <ErrorBox error={REFUSED} retry={() => toast({ text: "Tried again" })} />
          <ErrorBox error={new Error("no hint, no retry")} />
        </Card>
        <Card title="Loading">
          <Skeleton lines={5} />
        </Card>
        <Card title="Fields">
          <Field label="Endpoint" hint="Lower case, no spaces." required>
            <input placeholder="late" required />
          </Field>
          <Field label="Weight" error="must be between 0 and 1">
            <input type="number" defaultValue="1.4" />
          </Field>
          <Field label="Strategy">
            <select>
              <option>canary</option>
              <option>shadow</option>
            </select>
          </Field>
        </Card>
      </div>
      <Section title="Asking and telling">
        <div className="row">
          <Button onClick={() => void approve()}>Ask with reason</Button>
          <Button onClick={() => void refuse()}>Ask, and fail</Button>
          <Button onClick={() => setOpen(true)}>Dialog</Button>
          <Button onClick={() => toast({ text: "Finding silenced until Monday", undo: () => undefined })}>
            Undoable
          </Button>
          <Button onClick={() => toast({ kind: "bad", text: "The endpoint refused the weights" })}>Bad news</Button>
        </div>
      </Section>
      {open && (
        <Dialog title="A wide dialog" wide onClose={() => setOpen(false)} actions={<Button>Close</Button>}>
          <Skeleton lines={8} />
        </Dialog>
      )}
    </>
  );
}
