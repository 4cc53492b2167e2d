// What a stage can be made of: every kind that the schema knows, and the project's own assets. Pure.

import { resolved, type Schema } from "../editor/schema";
import { starter } from "../editor/starter";
import type { Asset } from "../projects/projects";
import type { Role } from "./design";

export interface Item {
  id: string;
  /** A snippet has stages of any role. */
  role: Role | "snippet";
  title: string;
  what: string;
  /** An asset of the project, which is named. */
  isAsset: boolean;
  /** The path of a snippet, whose stages are its own affair. */
  path?: string;
  slot: unknown;
}

const SLOTS = [
  ["source", "SourceSpec", "source"],
  ["processor", "ProcessorSlot", "operator"],
  ["sink", "SinkSpec", "sink"],
] as const;

export function items(root: Schema, assets: readonly Asset[]): Item[] {
  return SLOTS.flatMap(([slot, definition, role]) => {
    const kinds = Object.entries(root.$defs?.[definition]?.properties ?? {});
    const own = assets.filter((it) => it.kind?.toLowerCase() === slot && it.name);
    return [
      ...own.map((it) => ({
        id: `${slot}:${it.name}`,
        role,
        title: String(it.name),
        what: it.description ?? `${it.kind} of this project`,
        isAsset: true,
        slot: it.name,
      })),
      ...kinds.map(([kind, schema]) => ({
        id: `${slot}.${kind}`,
        role,
        title: kind,
        what: resolved(root, schema).description?.replaceAll("\n", " ") ?? "",
        isAsset: false,
        slot: { [kind]: starter(slot, kind, root, resolved(root, schema)) },
      })),
    ];
  });
}

/** The project's own snippets. */
export function snippets(assets: readonly Asset[]): Item[] {
  const own = assets.filter((it) => it.kind === "Snippet" && it.name);
  return own.map((it) => ({
    id: `snippet:${it.name}`,
    role: "snippet",
    title: String(it.name),
    what: it.description ?? "Snippet of this project",
    isAsset: true,
    path: it.path,
    slot: undefined,
  }));
}

export function matching(all: readonly Item[], typed: string): Item[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((it) =>
    words.every((word) => `${it.role} ${it.title} ${it.what}`.toLowerCase().includes(word)),
  );
}

/** What a new stage is called at first. */
export function nameFor({ title, role, isAsset }: Item): string {
  if (!isAsset && role === "source") return "read";
  if (!isAsset && role === "sink") return title === "devNull" ? "discard" : "write";
  return title.replace(/[^A-Za-z0-9_-]/g, "-");
}
