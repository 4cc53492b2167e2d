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
/** As many assets stand before what is in none; the others are found by name, or are asked for. */
const OWN_MOST = 8;
export const DRAGGED = "application/x-weir-stage";

/** What can be added: by dragging it, or by choosing it. */
export function Palette({
  all,
  where,
  not,
  onAdd,
}: {
  all: readonly Item[];
  /** Where the next one goes that is chosen. */
  where: string;
  /** Why nothing can be added. */
  not: string | undefined;
  onAdd: (it: Item) => void;
}) {
  const [typed, setTyped] = useState("");
  const list = useRef<HTMLElement>(null);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [whole, setWhole] = useState<ReadonlySet<string>>(new Set());
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
          if (event.key === "Enter" && first && !not) onAdd(first);
          if (event.key !== "Escape" || typed === "") return;
          // Who clears it stays; the next time it leads away.
          setTyped("");
          event.stopPropagation();
        }}
        autoComplete="off"
        data-palette=""
      />
      <p className="muted small">{not ?? where}</p>
      {GROUPS.map(([role, title]) => {
        const items = found.filter((it) => it.role === role);
        if (items.length === 0) return null;
        const isOpen = typed !== "" || !folded.has(role);
        const own = items.filter((it) => it.isAsset);
        const isWhole = typed !== "" || whole.has(role) || own.length <= OWN_MOST + 1;
        const left = new Set(isWhole ? [] : own.slice(OWN_MOST));
        return (
          <section key={role} aria-label={title}>
            <h3>
              <button
                type="button"
                className={css.fold}
                aria-expanded={isOpen}
                onClick={() => setFolded(toggled(folded, role))}
              >
                <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {title}{" "}
                <span className="muted">{items.length}</span>
              </button>
            </h3>
            {isOpen && left.size > 0 && (
              <button
                type="button"
                className={css.fold}
                onClick={() => setWhole(new Set([...whole, role]))}
              >
                {left.size} more of this project …
              </button>
            )}
            {(isOpen ? items.filter((it) => !left.has(it)) : []).map((it) => (
              <button
                key={it.id}
                type="button"
                className={css.item}
                data-role={role}
                data-item=""
                draggable={!not}
                // It stays where the keyboard goes: what there is can be read all the same.
                aria-disabled={not ? true : undefined}
                title={not ?? it.what.replaceAll("`", "")}
                onClick={not ? undefined : () => onAdd(it)}
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

function toggled(all: ReadonlySet<string>, it: string): ReadonlySet<string> {
  const now = new Set(all);
  if (!now.delete(it)) now.add(it);
  return now;
}
