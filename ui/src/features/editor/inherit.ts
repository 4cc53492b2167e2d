// What an asset is with what it has from the one that it extends: the rules of docs/projects.md.
type Value = unknown;
type Keyed = Record<string, Value>;

const isKeyed = (it: Value): it is Keyed =>
  typeof it === "object" && it !== null && !Array.isArray(it);
const nameOf = (it: Value) => (isKeyed(it) && typeof it.name === "string" ? it.name : undefined);
const isNamed = (it: Value): it is Keyed[] =>
  Array.isArray(it) && it.length > 0 && it.every((one) => nameOf(one) !== undefined);

/** Keys of which a value has one: another kind replaces all of the parent's. */
const SLOTS = new Set(["processor", "source", "sink"]);

export function merged(parent: Value, child: Value, key = ""): Value {
  if (child === undefined) return parent;
  if (isKeyed(parent) && isKeyed(child)) {
    if (parent.type !== child.type && child.type !== undefined && parent.type !== undefined)
      return child;
    const [was] = Object.keys(parent);
    const [is] = Object.keys(child);
    // Where the child says nothing yet, it is what the parent is.
    if (SLOTS.has(key) && is !== undefined && was !== is) return child;
    const all: Keyed = { ...parent };
    for (const [name, value] of Object.entries(child)) {
      if (value === null) delete all[name];
      else all[name] = merged(parent[name], value, name);
    }
    return all;
  }
  if (isNamed(parent) && isNamed(child)) {
    const kept = parent.flatMap((it) => {
      const own = child.find((one) => one.name === it.name);
      if (own?.removed === true) return [];
      return [own ? merged(it, own) : it];
    });
    const added = child.filter(
      (it) => it.removed !== true && !parent.some((one) => one.name === it.name),
    );
    return [...kept, ...added];
  }
  return child;
}

/** The `spec` as it takes effect: for a source or a sink the kinds, too, are alternatives. */
export function effective(kind: string, parent: Value, own: Value): Value {
  const key = kind === "Source" ? "source" : kind === "Sink" ? "sink" : "";
  return parent === undefined ? own : merged(parent, own, key);
}
