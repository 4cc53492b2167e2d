// Two changed an asset: what each of them meant, and one text with what was chosen. Pure functions.
import type { Schemas } from "../../api/client";
import type { Problem } from "../../api/problem";
import { together as inOneOrder, isUnclear } from "./order";
import {
  type Path,
  parsed,
  pathOf,
  type Step,
  valueAt,
  withOrder,
  withValue,
  writtenOf,
} from "./text";

export type Conflict = Schemas["AssetConflict"];
const REFUSED = [409, 412];
export type Side = "yours" | "theirs";

/**
 * What the server would say of a save that it refuses, where it does not know any more what the text is based on and the
 * page does.
 */
export function conflictOf(
  path: string,
  base: string,
  yours: string,
  theirs: { text: string; etag: string },
): Conflict {
  const texts: Conflict = { path, base, yours, theirs };
  const all = [base, yours, theirs.text].map(parsed);
  if (all.some((it) => it.problem)) return texts;
  const [was, mine, is] = all.map((it) => it.value);
  return whole({ ...texts, fields: fieldsAt(conflicting(was, mine, is), was, mine, is) });
}

/** What both changed to different values, as deep as that can be said. */
function conflicting(was: unknown, mine: unknown, is: unknown): Path[] {
  const others = differences(was, is);
  const both = differences(was, mine).flatMap((own) => {
    const other = others.find((it) => begins(it, own) || begins(own, it));
    const at = other && (other.length < own.length ? other : own);
    return at && !isSame(valueAt(mine, at), valueAt(is, at)) ? [at] : [];
  });
  const lists = unclear(was, mine, is);
  const outer = lists.filter(
    (at) => ![...lists, ...both].some((one) => one !== at && begins(at, one)),
  );
  return [...both.filter((it) => !outer.some((list) => begins(it, list))), ...outer];
}

/** What was refused because somebody else wrote it, and with what. */
export const conflictIn = ({ status, conflict }: Problem): Conflict | undefined =>
  (REFUSED.includes(status) && conflict) || undefined;

/** They saved once more, while one chose: what was typed, and what it is based on, are what they were. */
export function again({ path, base, yours }: Conflict, found: Conflict): Conflict {
  const { theirs } = found;
  if (typeof base !== "string" || typeof yours !== "string") return found;
  return theirs ? conflictOf(path, base, yours, theirs) : { path, base, yours };
}

/** What was chosen between the same two values is chosen. */
export function stillChosen(before: Conflict, after: Conflict, choices: Choices): Choices {
  const found = new Map((after.fields ?? []).map((it) => [it.path, it]));
  const isStill = ({ path, yours, theirs }: Fields[number]) => {
    const now = found.get(path);
    return now !== undefined && isSame(now.yours, yours) && isSame(now.theirs, theirs);
  };
  const kept = (before.fields ?? []).filter(isStill).flatMap(({ path }): [string, Side][] => {
    const chosen = choices[path];
    return chosen ? [[path, chosen]] : [];
  });
  return Object.fromEntries(kept);
}

/** What they made of it since it was asked, in words. */
export function since(before: Conflict, after: Conflict): string {
  if (!after.theirs) return "It was deleted meanwhile.";
  if (!before.theirs) return "Somebody wrote it anew meanwhile.";
  const [was, is] = [before.theirs.text, after.theirs.text].map(parsed);
  const isRead = was && is && !was.problem && !is.problem;
  const paths = isRead
    ? [...differences(was.value, is.value), ...reordered(was.value, is.value)].map(writtenOf)
    : [];
  const what = paths.filter(Boolean).join(", ");
  return `It was saved once more meanwhile${what && `, with other values of ${what}`}.`;
}

/** Lists whose entries both put in another order: each is one field, and is one of theirs as a whole. */
const unclear = (was: unknown, mine: unknown, is: unknown): Path[] =>
  listsOf(is).filter((at) => {
    const [before = [], own = [], other = []] = [was, mine, is].map((it) => named(valueAt(it, at)));
    return isUnclear(before, own, other);
  });

/**
 * What the server says, as deep as the page can say it: for the server a list is one field where one side put it in
 * another order and the other changed something in it.
 */
export function narrowed(it: Conflict): Conflict {
  const { base, yours, theirs, fields = [] } = it;
  if (it.merged || !fields.length || !theirs || !base || !yours) return it;
  const all = [base, yours, theirs.text].map(parsed);
  if (all.some((one) => one.problem)) return it;
  const [was, mine, is] = all.map((one) => one.value);
  const own = conflicting(was, mine, is);
  const deeper = fields.flatMap((field) => {
    const path = pathOf(field.path);
    const isList = [was, mine, is].every((value) => named(valueAt(value, path)));
    if (!isList) return [field];
    return fieldsAt(
      own.filter((at) => begins(at, path)),
      was,
      mine,
      is,
    );
  });
  const paths = deeper.map((one) => pathOf(one.path));
  const lists = unclear(was, mine, is).filter((at) => !paths.some((one) => begins(at, one)));
  const kept = deeper.filter((_, at) => !lists.some((list) => begins(paths[at] ?? [], list)));
  return whole({ ...it, fields: [...kept, ...fieldsAt(lists, was, mine, is)] });
}

/** With both changes in one text, where none is to be chosen. */
const whole = (it: Conflict): Conflict =>
  it.fields?.length ? it : { ...it, merged: together(it, {}) };

function fieldsAt(paths: Path[], was: unknown, mine: unknown, is: unknown): Fields {
  const unique = new Map(paths.map((at) => [writtenOf(at), at]));
  return [...unique].map(([path, at]) => ({
    path,
    base: valueAt(was, at),
    yours: valueAt(mine, at),
    theirs: valueAt(is, at),
  }));
}

/** Where there are lists whose entries have names. */
function listsOf(value: unknown, above: Path = []): Path[] {
  const names = named(value);
  const steps: Step[] =
    names?.map((name) => ({ name })) ?? (isKeyed(value) ? Object.keys(value) : []);
  const inside = steps.flatMap((step) => listsOf(valueAt(value, [step]), [...above, step]));
  return names ? [above, ...inside] : inside;
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

type Choices = Readonly<Record<string, Side>>;

/** Both changes in one text, as the server made it, or with what both changed as `choices` says, by path. Nothing where a
 *  text is missing or can't be read, or what both changed isn't known: then one of them is chosen as a whole. */
export const resolved = (it: Conflict, choices: Choices): string | undefined =>
  it.merged ?? (it.fields?.length ? together(it, choices) : undefined);

function together(it: Conflict, choices: Choices): string | undefined {
  const { base, yours, theirs } = it;
  if (!theirs || typeof base !== "string" || typeof yours !== "string") return undefined;
  const all = [base, yours, theirs.text].map(parsed);
  if (all.some((one) => one.problem)) return undefined;
  const [was, mine, is] = all.map((one) => one.value);
  const fields = (it.fields ?? []).map((one) => ({ path: pathOf(one.path), of: one.path }));
  const isFound = ({ path }: { path: Path }) =>
    [was, mine, is].some((value) => valueAt(value, path) !== undefined);
  // A field that is not found could be given to neither of them, whatever is chosen.
  if (!fields.every(isFound)) return undefined;
  let text = yours;
  for (const path of differences(was, is)) {
    const field = fields.find((one) => begins(path, one.path) || begins(one.path, path));
    if (!field) text = withValue(text, path, valueAt(is, path));
  }
  for (const { path, of } of fields)
    if ((choices[of] ?? "yours") === "theirs") text = withValue(text, path, valueAt(is, path));
  return inOrder(text, was, mine, is);
}

/** Lists in the order that was meant; where both put one in another order, it is one of theirs. */
function inOrder(given: string, was: unknown, mine: unknown, is: unknown): string {
  let text = given;
  for (const at of listsOf(parsed(given).value)) {
    const [before = [], own = [], other = []] = [was, mine, is].map((it) => named(valueAt(it, at)));
    if (!isUnclear(before, own, other)) text = withOrder(text, at, inOneOrder(before, own, other));
  }
  return text;
}

type Fields = NonNullable<Conflict["fields"]>;

/** What a save with these choices is called: it says whose is dropped. */
export function verb(fields: Fields, choices: Choices, isLossy = false): string {
  const count = (side: Side) => fields.filter((it) => choices[it.path] === side).length;
  const [yours, theirs] = [count("yours"), count("theirs")];
  if (yours + theirs === 0 && fields.length > 0) return "Save what is chosen";
  if (yours + theirs === 0) return isLossy ? "Save, and drop their comments" : "Save both changes";
  if (theirs === 0) return "Save, and drop theirs";
  if (yours === 0) return "Save, and drop yours";
  return "Save, and drop what is not chosen";
}

/** Comments that they wrote and that the result has not: a text is brought together by its values. */
export function lostComments(it: Conflict, result: string): string[] {
  const comments = (text: string) =>
    text.split("\n").flatMap((line) => /^\s*#.*|\s#\s.*/.exec(line)?.[0].trim() ?? []);
  const [before, after] = [comments(it.base ?? ""), comments(result)];
  return comments(it.theirs?.text ?? "").filter(
    (one) => !before.includes(one) && !after.includes(one),
  );
}

/** Whose changes are lost with these choices, in words. */
export function dropped(it: Conflict, choices: Choices): string[] {
  return (it.fields ?? []).flatMap((field) => {
    const chosen = choices[field.path];
    if (!chosen || it.merged) return [];
    const side = chosen === "yours" ? "theirs" : "yours";
    const [was, is] = [field.base ?? undefined, field[side] ?? undefined];
    const above = pathOf(field.path);
    const what = differences(was, is, above).map((at) => {
      const inside = at.slice(above.length);
      const [before, after] = [valueAt(was, inside), valueAt(is, inside)];
      const change =
        before === undefined ? "was added" : after === undefined ? "was taken out" : "was changed";
      return `${writtenOf(at)} ${change}`;
    });
    for (const at of reordered(was, is, above)) what.push(`${writtenOf(at)} got another order`);
    return [`${side === "theirs" ? "their" : "your"} change: ${what.join(", ")}`];
  });
}

const begins = (path: Path, start: Path) =>
  start.length <= path.length &&
  start.every((step, at) => JSON.stringify(step) === JSON.stringify(path[at]));

type Keyed = Record<string, unknown>;
const isKeyed = (it: unknown): it is Keyed =>
  typeof it === "object" && it !== null && !Array.isArray(it);
const named = (it: unknown): string[] | undefined => {
  if (!Array.isArray(it) || it.length === 0) return undefined;
  const names = it.map((one) => (isKeyed(one) && typeof one.name === "string" ? one.name : ""));
  return names.every((one, at) => one !== "" && names.indexOf(one) === at) ? names : undefined;
};

/** Lists whose entries have names, and stand in another order: `differences` says nothing of that. */
export function reordered(a: unknown, b: unknown, above: Path = []): Path[] {
  if (isKeyed(a) && isKeyed(b))
    return Object.keys(a).flatMap((key) => reordered(a[key], b[key], [...above, key]));
  const [first, second] = [named(a), named(b)];
  if (!first || !second) return [];
  const both = first.filter((it) => second.includes(it));
  const isOther = second.filter((it) => first.includes(it)).some((it, at) => it !== both[at]);
  const inside = both.flatMap((name) => {
    const step = { name };
    return reordered(valueAt(a, [step]), valueAt(b, [step]), [...above, step]);
  });
  return isOther ? [above, ...inside] : inside;
}

/** The names of a list's entries, where each has one of its own. */
export const namesAt = (value: unknown, at: Path): string[] | undefined =>
  named(valueAt(value, at));

/** Where two values differ, as deep as that can be said; entries of lists by their names, wherever they stand. */
export function differences(a: unknown, b: unknown, above: Path = []): Path[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const each = (steps: Step[]) =>
    steps.flatMap((step) => differences(valueAt(a, [step]), valueAt(b, [step]), [...above, step]));
  if (isKeyed(a) && isKeyed(b)) return each([...new Set([...Object.keys(a), ...Object.keys(b)])]);
  const [first, second] = [named(a), named(b)];
  if (first && second) return each([...new Set([...first, ...second])].map((name) => ({ name })));
  return [above];
}
