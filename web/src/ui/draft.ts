import { useEffect, useRef, useState } from "react";

const REST_MS = 180;

/**
 * The text of an input whose value lives elsewhere, such as in the address: what is typed stands at once and is told once typing rests,
 * so that no key is lost to the way there.
 */
export function useDraft(value: string, onChange: (value: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (told !== value) {
    setTold(value);
    if (text === told) setText(value); // else somebody is typing
  }
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    if (text === told) return;
    const timer = setTimeout(() => latest.current(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text, told]);
  return [text, setText];
}
