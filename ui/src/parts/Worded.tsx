import { Fragment } from "react";

/** A sentence of the reference: what stands in it between `backticks` is shown as code. */
export function Worded({ text }: { text: string }) {
  return text.split(/`([^`]+)`/).map((it, at) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text have no other name
    at % 2 === 1 ? <code key={at}>{it}</code> : <Fragment key={at}>{it}</Fragment>,
  );
}
