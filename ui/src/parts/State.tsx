import { lookOf, type Tone } from "../logic/state";
import css from "./parts.module.css";

/** A state as glyph, word and colour. */
export function State({ name, detail }: { name: string; detail?: string }) {
  const { glyph, word, tone } = lookOf(name);
  return (
    <span className={css.state} data-tone={tone} title={detail}>
      <span aria-hidden="true">{glyph}</span> {word}
    </span>
  );
}

export function Mark({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={css.badge} data-tone={tone}>
      {children}
    </span>
  );
}
