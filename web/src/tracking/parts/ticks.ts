import { useCallback, useEffect, useRef, useState } from "react";

/**
 * The ticked rows, which the address keeps. It follows a moment later, so that the next key would meet an old state: what is
 * ticked stands here at once, and only an address that was not written here changes it.
 */
export function useTicks(
  ids: readonly string[],
  write: (ids: string[]) => void,
): [ReadonlySet<string>, (next: ReadonlySet<string>) => void] {
  const [ticked, setTicked] = useState<ReadonlySet<string>>(() => new Set(ids));
  const under = useRef<string[]>([]);
  const address = ids.join(" ");
  useEffect(() => {
    const place = under.current.indexOf(address);
    if (place >= 0) under.current.splice(0, place + 1);
    else setTicked(new Set(address ? address.split(" ") : []));
  }, [address]);
  const tick = useCallback(
    (next: ReadonlySet<string>) => {
      under.current.push([...next].join(" "));
      setTicked(next);
      write([...next]);
    },
    [write],
  );
  return [ticked, tick];
}
