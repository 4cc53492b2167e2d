import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import css from "./divider.module.css";

interface DividerProps {
  /** What is above it, as a screen reader says it. */
  label: string;
  /** The share of what is above, in percent. */
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
  /** It was let go. */
  onDone?: (value: number) => void;
  className?: string;
}

const STEP = 4;

/** Between two parts, one above the other: dragged, or moved by the arrows. */
export function Divider({ label, value, min, max, onChange, onDone, className }: DividerProps) {
  const from = useRef<{ y: number; value: number; height: number }>(undefined);
  const to = (wanted: number) => {
    const it = Math.round(Math.min(max, Math.max(min, wanted)));
    onChange(it);
    return it;
  };
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    const height = event.currentTarget.parentElement?.clientHeight ?? 1;
    event.currentTarget.setPointerCapture(event.pointerId);
    from.current = { y: event.clientY, value, height };
  };
  const onPointerMove = (event: PointerEvent) => {
    const it = from.current;
    if (it) to(it.value + (100 * (event.clientY - it.y)) / it.height);
  };
  const letGo = () => {
    if (from.current) onDone?.(value);
    from.current = undefined;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const wanted = {
      ArrowUp: value - STEP,
      ArrowDown: value + STEP,
      Home: min,
      End: max,
    }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onDone?.(to(wanted));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule can't be moved
    <div
      role="separator"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      title="Drag it, or use the arrow keys"
      className={`${css.divider} ${className ?? ""}`}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={letGo}
      onPointerCancel={letGo}
      onKeyDown={onKeyDown}
    />
  );
}
