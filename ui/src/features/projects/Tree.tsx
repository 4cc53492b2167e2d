import { Fragment, type KeyboardEvent, useMemo, useRef, useState } from "react";
import { KINDS } from "../editor/schema";
import { countOf, Problems } from "./Problems";
import type { Asset, Finding } from "./projects";
import css from "./projects.module.css";

export interface Branch {
  kind: string;
  assets: Asset[];
}

const OTHER = "Not assets yet";

/** Assets by kind, those kinds first that people design; a pure function. */
export function branches(assets: readonly Asset[], filter: string): Branch[] {
  const wanted = filter.toLowerCase();
  const found = assets.filter((it) =>
    `${it.kind ?? ""} ${it.name ?? ""} ${it.path} ${it.description ?? ""}`
      .toLowerCase()
      .includes(wanted),
  );
  return [...KINDS, OTHER].flatMap((kind) => {
    const all = found.filter((it) => (it.kind ?? OTHER) === kind);
    all.sort((a, b) => titleOf(a).localeCompare(titleOf(b)));
    return all.length > 0 ? [{ kind, assets: all }] : [];
  });
}

export const titleOf = (it: Asset) => it.name ?? it.path;

interface TreeProps {
  assets: readonly Asset[];
  findings: readonly Finding[];
  filter: string;
  chosen: string | undefined;
  /** Those of which something was typed and not saved. */
  unsaved: ReadonlySet<string>;
  onChoose: (path: string) => void;
  onOpen: (path: string) => void;
}

/** Arrow keys go through it as through every tree; `Enter` opens. */
export function Tree({ assets, findings, filter, chosen, unsaved, onChoose, onOpen }: TreeProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const tree = useRef<HTMLUListElement>(null);
  const all = useMemo(() => branches(assets, filter), [assets, filter]);
  const lines = all.flatMap(({ kind, assets }) => [
    kind,
    ...(folded.has(kind) ? [] : assets.map((it) => it.path)),
  ]);
  const [at, setAt] = useState<string>();
  const current = at !== undefined && lines.includes(at) ? at : (chosen ?? lines[0]);
  const focus = (line: string | undefined) => {
    if (line === undefined) return;
    setAt(line);
    tree.current?.querySelector<HTMLElement>(`[data-line=${JSON.stringify(line)}]`)?.focus();
  };
  const fold = (kind: string, isFolded: boolean) => {
    const now = new Set(folded);
    if (isFolded) now.add(kind);
    else now.delete(kind);
    setFolded(now);
  };
  const onKey = (event: KeyboardEvent) => {
    const line = (event.target as HTMLElement).dataset.line;
    if (line === undefined) return;
    const index = lines.indexOf(line);
    const branch = all.find((it) => it.kind === line);
    const parent = all.find((it) => it.assets.some((one) => one.path === line));
    if (event.key === "ArrowDown" || event.key === "j") focus(lines[index + 1]);
    else if (event.key === "ArrowUp" || event.key === "k") focus(lines[index - 1]);
    else if (event.key === "Home") focus(lines[0]);
    else if (event.key === "End") focus(lines.at(-1));
    else if (event.key === "ArrowLeft") {
      if (branch) fold(line, true);
      else focus(parent?.kind);
    } else if (event.key === "ArrowRight") {
      if (branch) fold(line, false);
    } else if (event.key === "Enter") {
      if (branch) fold(line, !folded.has(line));
      else onOpen(line);
    } else if (event.key === " ") {
      if (branch) fold(line, !folded.has(line));
      else onChoose(line);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a tree is a list to those who see no styles
    <ul ref={tree} role="tree" className={css.tree} aria-label="Assets by kind" onKeyDown={onKey}>
      {all.map(({ kind, assets }) => (
        <Fragment key={kind}>
          {/* biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keys */}
          <li
            role="treeitem"
            aria-level={1}
            aria-expanded={!folded.has(kind)}
            aria-selected={false}
            data-line={kind}
            tabIndex={kind === current ? 0 : -1}
            onClick={() => fold(kind, !folded.has(kind))}
          >
            <span aria-hidden="true">{folded.has(kind) ? "▸" : "▾"}</span>
            <strong>{kind}</strong>
            <span className="muted mono">{assets.length}</span>
          </li>
          {!folded.has(kind) &&
            assets.map((it) => {
              const own = findings.filter((one) => one.file === it.path);
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keys
                <li
                  key={it.path}
                  role="treeitem"
                  aria-level={2}
                  aria-selected={it.path === chosen}
                  data-line={it.path}
                  tabIndex={it.path === current ? 0 : -1}
                  onClick={() => onChoose(it.path)}
                  onDoubleClick={() => onOpen(it.path)}
                >
                  <span className="cut">{titleOf(it)}</span>
                  <span className="muted cut grow">{it.description ?? it.path}</span>
                  {unsaved.has(it.path) && <em className="muted">● unsaved</em>}
                  {own.length > 0 && <Problems {...countOf(own)} />}
                </li>
              );
            })}
        </Fragment>
      ))}
    </ul>
  );
}
