import { TextInput } from "@mantine/core";
import { type KeyboardEvent, useRef, useState } from "react";
import { Worded } from "../../parts/Worded";
import css from "./designer.module.css";
import { type Item, matching } from "./palette";

const GROUPS: readonly [Item["role"], string][] = [
  ["source", "Sources"],
  ["operator", "Processors"],
  ["sink", "Sinks"],
  ["snippet", "Snippets"],
];
export const DRAGGED = "application/x-weir-stage";

/** What can be added: by dragging it, or by choosing it. */
export function Palette({
  all,
  where,
  isReadOnly,
  onAdd,
}: {
  all: readonly Item[];
  /** Where the next one goes that is chosen. */
  where: string;
  isReadOnly: boolean;
  onAdd: (it: Item) => void;
}) {
  const [typed, setTyped] = useState("");
  const list = useRef<HTMLElement>(null);
  const found = matching(all, typed);
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    const fields = [...(list.current?.querySelectorAll<HTMLElement>("input, [data-item]") ?? [])];
    const at = fields.indexOf(document.activeElement as HTMLElement);
    fields[Math.min(Math.max(at + step, 0), fields.length - 1)]?.focus();
    event.preventDefault();
  };
  return (
    <aside ref={list} className={css.palette} aria-label="Palette" onKeyDown={onKey}>
      <TextInput
        aria-label="Find a stage to add"
        placeholder="Find a stage  a"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          const [first] = found;
          if (event.key === "Enter" && first && !isReadOnly) onAdd(first);
          if (event.key === "Escape") setTyped("");
        }}
        autoComplete="off"
        data-palette=""
      />
      <p className="muted small">{where}</p>
      {GROUPS.map(([role, title]) => {
        const items = found.filter((it) => it.role === role);
        if (items.length === 0) return null;
        return (
          <section key={role} aria-label={title}>
            <h3>{title}</h3>
            {items.map((it) => (
              <button
                key={it.id}
                type="button"
                className={css.item}
                data-role={role}
                data-item=""
                draggable={!isReadOnly}
                disabled={isReadOnly}
                title={it.what.replaceAll("`", "")}
                onClick={() => onAdd(it)}
                onDragStart={(event) => {
                  event.dataTransfer.setData(DRAGGED, it.id);
                  event.dataTransfer.effectAllowed = "copy";
                }}
              >
                <strong>
                  {it.isAsset && <span aria-hidden="true">⛁ </span>}
                  {it.title}
                </strong>
                <span className="muted small">
                  <Worded text={it.what} />
                </span>
              </button>
            ))}
          </section>
        );
      })}
      {found.length === 0 && <p className="muted">Nothing is called so.</p>}
    </aside>
  );
}
