// Items as they are named, counted and told: plain functions.
import type { Schemas } from "../../api/client";

/** The node of an incarnation, as `node#incarnation`. */
export const nodeOf = (owner: string): string => owner.split("#")[0] ?? owner;

export const keyOf = (it: Schemas["ItemHappening"]): string =>
  it.what === "run" ? it.stream : `${it.what} ${it.at} ${it.sweep ?? it.by}`;
