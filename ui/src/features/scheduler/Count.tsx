import { useState } from "react";
import css from "./scheduler.module.css";

interface CountProps {
  label: string;
  value: number;
  min: number;
  /** It is another one than what is set. */
  isOther: boolean;
  /** Why it can't be another one. */
  not?: string;
  /** `undefined`: what is typed is no such number. */
  onEdit: (it: number | undefined) => void;
}

/** A whole number as it is typed. What is none changes nothing, and is gone when the field is left. */
export function Count({ label, value, min, isOther, not, onEdit }: CountProps) {
  const [typed, setTyped] = useState<string>();
  const isMeant = (it: string) => /^\d+$/.test(it) && Number(it) >= min;
  const isNone = typed !== undefined && !isMeant(typed);
  return (
    <input
      className={css.count}
      type="number"
      min={min}
      step={1}
      aria-label={label}
      aria-invalid={isNone || undefined}
      // It stays where the keyboard goes, so that the reason can be read.
      readOnly={not !== undefined}
      aria-description={not}
      title={not ?? (isNone ? `A whole number, ${min} or more` : undefined)}
      value={typed ?? value}
      data-other={isOther || undefined}
      onChange={(event) => {
        const now = event.currentTarget.value;
        setTyped(now);
        onEdit(isMeant(now) ? Number(now) : undefined);
      }}
      onBlur={() => setTyped(undefined)}
    />
  );
}
