import { Mark } from "../../parts/State";
import type { Entry } from "./entry";

const TONES = { done: "ok", refused: "warn", unknown: "err" } as const;

export const Outcome = ({ of: { outcome, why } }: { of: Pick<Entry, "outcome" | "why"> }) => (
  <span title={why}>
    <Mark tone={TONES[outcome]}>{outcome}</Mark>
  </span>
);
