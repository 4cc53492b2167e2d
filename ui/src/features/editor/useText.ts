// What a text is: its value, what it extends, and what takes effect. Read again when the text changes.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import * as ofProject from "../projects/projects";
import { effective } from "./inherit";
import { isKind, type Kind, type Schema, schemaOf } from "./schema";
import { type Parsed, parsed } from "./text";

export interface Read extends Parsed {
  kind: Kind | undefined;
  name: string | undefined;
  /** The whole of it as it takes effect, and what it has from those that it extends. */
  whole: unknown;
  parent: unknown;
  /** The asset that it extends. */
  parentName: string | undefined;
  schema: Schema | undefined;
}

type Keyed = Record<string, unknown>;
const keyed = (it: unknown): Keyed =>
  typeof it === "object" && it !== null && !Array.isArray(it) ? (it as Keyed) : {};
const named = (it: unknown) => (typeof it === "string" && it ? it : undefined);

export function useText(project: string, text: string, assets: readonly ofProject.Asset[]): Read {
  const read = useMemo(() => parsed(text), [text]);
  const value = keyed(read.value);
  const metadata = keyed(value.metadata);
  // While a text can't be read, it is what it was: who types goes through many such texts.
  const last = useRef<{ kind?: Kind; name?: string }>({});
  if (!read.problem) {
    const said = named(value.kind);
    last.current = { kind: isKind(said) ? said : undefined, name: named(metadata.name) };
  }
  const { kind, name } = last.current;
  const parentName = named(metadata.extends);
  const parentPath = parentName
    ? assets.find((it) => it.kind === kind && it.name === parentName)?.path
    : undefined;
  const { data: parentSpec } = useQuery(ofProject.effective(project, parentPath));
  const { data: schema } = useQuery({
    queryKey: ["schema", kind],
    enabled: kind !== undefined,
    queryFn: () => schemaOf(kind as Kind),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return useMemo(() => {
    const parent =
      parentPath === undefined || parentSpec === undefined ? undefined : { spec: parentSpec };
    const own = keyed(read.value);
    const whole = parent
      ? { ...own, spec: effective(kind ?? "", parentSpec, own.spec ?? {}) }
      : read.value;
    return { ...read, kind, name, whole, parent, parentName, schema };
  }, [read, kind, name, parentName, parentPath, parentSpec, schema]);
}
