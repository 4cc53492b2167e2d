import { useMemo } from "react";
import { DrawnDiff } from "./DrawnDiff";
import { graphDiff, type Side } from "./graphDiff";
import { List } from "./List";

interface DrawnSidesProps {
  name: string;
  before: Side | undefined;
  after: Side | undefined;
  /** Else line by line. */
  isGraph: boolean;
}

/** How two sides differ of which one is no text. */
export function DrawnSides({ name, before, after, isGraph }: DrawnSidesProps) {
  const of = useMemo(() => graphDiff(before, after), [before, after]);
  return isGraph ? <DrawnDiff name={name} of={of} /> : <List of={of} isOpen />;
}
