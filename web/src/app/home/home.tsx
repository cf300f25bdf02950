import { useQuery } from "@tanstack/react-query";
import { parse } from "../../kernel/ref";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { Skeleton } from "../../ui/skeleton";
import { Begin } from "./begin";
import { Waiting } from "./inbox";
import { Lately } from "./lately";
import { Loops } from "./loops";
import { homeQuery, type Loop } from "./queries";
import { called } from "./sentences";
import "./home.css";

/** Is every loop turning, and what waits for me? */
export function HomePage() {
  const home = useQuery(homeQuery);
  return (
    <Page title="Home" lead={home.data?.loops.length ? <Lead loops={home.data.loops} /> : undefined}>
      <Loaded query={home} skeleton={<Skeleton height={200} />}>
        {({ loops, command = "" }) => (loops.length ? <Loops loops={loops} /> : <Begin command={command} />)}
      </Loaded>
      <div className="home-below">
        <Waiting />
        <Lately />
      </div>
    </Page>
  );
}

/** The answer in a sentence: "1 of 3 loops needs attention: 59 open findings." */
function Lead({ loops }: { loops: readonly Loop[] }) {
  const worst = Math.max(...loops.map(({ worry }) => worry));
  const those = loops.filter(({ worry }) => worry === worst);
  const [only] = those;
  const who =
    loops.length === 1 ? `The loop of ${parse(only?.model ?? "")?.name}` : `${those.length} of ${loops.length} loops`;
  const one = those.length === 1;
  if (worst === 0)
    return <>{loops.length === 1 ? `${who} turns by itself.` : `All ${loops.length} loops turn by themselves.`}</>;
  const does = worst === 2 ? (one ? "needs attention" : "need attention") : one ? "waits" : "wait";
  const why = one ? (only?.waits ?? []).map(({ ref, why }) => (parse(ref)?.at ? `${called(ref)} is ${why}` : why)) : [];
  return (
    <>
      {who} {does}
      {why.length > 0 && `: ${why.join("; ")}`}.
    </>
  );
}
