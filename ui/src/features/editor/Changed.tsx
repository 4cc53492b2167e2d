// What one side made of a text or of a value, with what differs from before marked.
import { stringify } from "yaml";
import css from "./changed.module.css";
import { type Line, lineDiff, shortened, subtle } from "./lineDiff";

const SIGNS: Record<Line["is"], string> = { same: " ", added: "+", removed: "−", "left out": "…" };

export function Changed({ before, after }: { before: unknown; after: unknown }) {
  const lines = shortened(lineDiff(saidOf(before), saidOf(after)));
  if (after === undefined || after === null)
    return <p className={css.gone}>− {before === undefined ? "nothing" : "taken out"}</p>;
  if (lines.every((it) => it.is === "same" || it.is === "left out"))
    return <p className="muted">{subtle(before, after) ?? "as it was"}</p>;
  return (
    <div className={css.changed}>
      {lines.map((it, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place alone
        <pre key={at} data-change={it.is}>
          <span aria-hidden="true">{SIGNS[it.is]}</span>
          {it.is !== "same" && it.is !== "left out" && <span className="hidden">{it.is}: </span>}{" "}
          {it.text}
        </pre>
      ))}
    </div>
  );
}

/** A text is what it is; a value is written as it stands in an asset. */
function saidOf(it: unknown): string {
  if (it === undefined || it === null) return "";
  return typeof it === "string" ? it : stringify(it, { lineWidth: 0 });
}
