// A form made of a schema. It changes the text value by value; what no form can show leads to the code.
import { Button, Select, TextInput } from "@mantine/core";
import {
  createContext,
  type ReactNode,
  Suspense,
  useContext,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { lazy } from "../../parts/lazy";
import { Worded } from "../../parts/Worded";
import type { Asset, Finding } from "../projects/projects";
import { Control } from "./Control";
import css from "./editor.module.css";
import { type Field, fieldOf, isPart, type Kind, resolved, type Schema } from "./schema";
import { atOnce, FIRST, least, starter } from "./starter";
import { type Path, valueAt } from "./text";

const InferFormat = lazy(() =>
  import("../samples/InferFormat").then((it) => ({ default: it.InferFormat })),
);

export interface Forms {
  project: string;
  /** The asset that is edited: its path, and what its text says it is. */
  path: string;
  kind: Kind | undefined;
  name: string | undefined;
  assets: readonly Asset[];
  /** All that is typed and not saved, with a change of the text that is edited. */
  drafts: (edit: (text: string) => string) => { path: string; text: string }[];
  root: Schema;
  /** What the text says itself. */
  own: unknown;
  /** What the assets say that it extends; nothing where it extends none. */
  parent: unknown;
  /** What takes effect. */
  whole: unknown;
  names: (kind: Kind) => string[];
  onEdit: (path: Path, value: unknown) => void;
  /** Where what no form can show is changed; what is not there yet begins as it is given. */
  onCode: (path: Path, begun?: unknown) => void;
  onOpen: (kind: Kind, name: string) => void;
  isReadOnly: boolean;
  /** What is wrong with the text as it is now. */
  findings: readonly Finding[];
}

export const FormContext = createContext<Forms | undefined>(undefined);

export function useForms(): Forms {
  const forms = useContext(FormContext);
  if (!forms) throw new Error("a field stands outside of a form");
  return forms;
}

/**
 * All that an object may have: what it has, must have or mostly has at once, the rest on demand. While one is at it,
 * a field stays where it is: what is emptied is not folded away, and what is set moves nowhere under the keyboard.
 */
export function Fields({ schema, path, without = [] }: FieldsProps) {
  const { whole } = useForms();
  const value = valueAt(whole, path) as Record<string, unknown> | undefined;
  const all = Object.entries(schema.properties ?? {}).filter(([key]) => !without.includes(key));
  const [isOpen, setOpen] = useState(false);
  const shown = useRef<ReadonlySet<string>>(new Set());
  const now = atOnce(schema, path, Object.keys(value ?? {}), without);
  if (!isOpen) shown.current = new Set([...shown.current, ...now]);
  const isShown = ([key]: [string, Schema]) => shown.current.has(key);
  const more = all.filter((it) => !isShown(it));
  const line = ([key, it]: [string, Schema]) => (
    <Line
      key={key}
      name={key}
      schema={it}
      path={[...path, key]}
      isRequired={schema.required?.includes(key) ?? false}
    />
  );
  return (
    <div className={css.fields}>
      {all.filter(isShown).map(line)}
      {more.length > 0 && (
        <details
          className={css.more}
          open={isOpen}
          onToggle={(event) => setOpen(event.currentTarget.open)}
        >
          <summary>
            {more.length} more {more.length === 1 ? "setting" : "settings"}
          </summary>
          <div className={css.fields}>{more.map(line)}</div>
        </details>
      )}
    </div>
  );
}

interface FieldsProps {
  schema: Schema;
  path: Path;
  without?: string[];
}

interface LineProps {
  name: string;
  schema: Schema;
  path: Path;
  isRequired: boolean;
}

function Line({ name, schema: given, path, isRequired }: LineProps) {
  const { root } = useForms();
  const schema = resolved(root, given);
  const field = fieldOf(root, given);
  const note = describe(schema);
  if (isPart(field))
    return (
      <Group title={name} note={note} path={path} mark={<Origin path={path} />}>
        <Part field={field} path={path} name={name} isRequired={isRequired} />
      </Group>
    );
  return (
    <Control
      name={name}
      note={note}
      field={field}
      path={path}
      isRequired={isRequired}
      byDefault={schema.default}
      mark={<Origin path={path} />}
    />
  );
}

const saidOf = (it: Schema) => it.description?.replaceAll("\n", " ") ?? "";

function describe({ description, default: byDefault }: Schema): string | undefined {
  const isSaid = description && /default/i.test(description);
  const told =
    byDefault === undefined || isSaid || typeof byDefault === "object"
      ? undefined
      : `Default: ${byDefault === "" ? "empty" : byDefault}`;
  return [description?.replaceAll("\n", " "), told].filter(Boolean).join(" ") || undefined;
}

function Group(props: {
  title: string;
  note?: string;
  path: Path;
  mark: ReactNode;
  children: ReactNode;
}) {
  const { onEdit, own, isReadOnly } = useForms();
  const isOwn = valueAt(own, props.path) !== undefined;
  const id = useId();
  return (
    <fieldset className={css.group} aria-describedby={props.note ? id : undefined}>
      <legend>{props.title}</legend>
      <div className="row">
        {props.note && (
          <p id={id} className="muted small grow">
            <Worded text={props.note} />
          </p>
        )}
        {props.mark}
        {isOwn && !isReadOnly && (
          <button type="button" className={css.small} onClick={() => onEdit(props.path, undefined)}>
            Remove<span className="hidden"> {props.title}</span>
          </button>
        )}
      </div>
      {props.children}
    </fieldset>
  );
}

/** Whether the value is the parent's, and the way back to it. */
function Origin({ path }: { path: Path }) {
  const { parent, own, onEdit, isReadOnly } = useForms();
  if (parent === undefined || valueAt(parent, path) === undefined) return null;
  if (valueAt(own, path) === undefined) return <span className={css.mark}>inherited</span>;
  return (
    <button
      type="button"
      className={css.small}
      disabled={isReadOnly}
      onClick={() => onEdit(path, undefined)}
      title="Back to what the parent says"
    >
      ↺ overridden
      <span className="hidden">: {String(path.at(-1))} back to what the parent says</span>
    </button>
  );
}

interface PartProps {
  field: Field;
  path: Path;
  name: string;
  isRequired: boolean;
}

export function Part({ field, path, name, isRequired }: PartProps) {
  const { root, whole, onEdit, isReadOnly } = useForms();
  const value = valueAt(whole, path);
  if (field.is === "oneKey") return <OneKey schema={field.schema} path={path} name={name} />;
  if (field.is === "typed") return <Typed field={field} path={path} name={name} />;
  if (field.is === "slot") return <Slot field={field} path={path} name={name} />;
  if (field.is === "list") return <List of={field.of} path={path} name={name} />;
  if (field.is === "named") return <Named of={field.of} path={path} name={name} />;
  if (field.is !== "object") return null;
  if (value === undefined && !isRequired)
    return (
      <Button disabled={isReadOnly} onClick={() => onEdit(path, least(root, field.schema))}>
        Add<span className="hidden"> {name}</span>
      </Button>
    );
  return <Fields schema={field.schema} path={path} />;
}

function OneKey({ schema, path, name }: { schema: Schema; path: Path; name: string }) {
  const { root, whole, own, parent, onEdit, isReadOnly } = useForms();
  const value = valueAt(whole, path) as Record<string, unknown> | undefined;
  const kinds = Object.keys(schema.properties ?? {});
  const kind = kinds.find((it) => value?.[it] !== undefined);
  const of = (it: string) => resolved(root, schema.properties?.[it] ?? {});
  const isOf = (it: unknown, kind: string) => valueAt(it, [...path, kind]) !== undefined;
  return (
    <>
      <Select
        label={
          <>
            Kind
            <span className="hidden"> of {name}</span>
          </>
        }
        description={kind && <Worded text={saidOf(of(kind))} />}
        data={kinds}
        value={kind ?? null}
        allowDeselect={false}
        searchable
        disabled={isReadOnly}
        onChange={(it) => {
          if (!it || it === kind) return;
          // The parent's kind comes with all that the parent says.
          const isParents = parent !== undefined && isOf(parent, it);
          onEdit(path, isParents ? {} : { [it]: starter(slotOf(root, path), it, root, of(it)) });
        }}
      />
      {kind && !isOf(own, kind) && (
        <p className="muted small">
          <span className={css.mark}>inherited</span> What is not changed here stays as the parent
          has it.
        </p>
      )}
      {kind && <Fields key={kind} schema={of(kind)} path={[...path, kind]} />}
    </>
  );
}

/** The `spec` of a source stands for what a stage has under `source`; the value tells which it is. */
const slotOf = (root: Schema, path: Path) =>
  path.length === 1 ? (root.title ?? "").replace("Weir ", "").toLowerCase() : String(path.at(-1));

function Typed({
  field,
  path,
  name,
}: {
  field: Field & { is: "typed" };
  path: Path;
  name: string;
}) {
  const { root, whole, onEdit, isReadOnly } = useForms();
  const type = valueAt(whole, [...path, "type"]);
  const variant = field.variants.find((it) => it.type === type);
  return (
    <>
      <Select
        label={
          <>
            Type
            <span className="hidden"> of {name}</span>
          </>
        }
        description={variant && <Worded text={saidOf(variant.schema)} />}
        data={field.variants.map((it) => it.type)}
        value={variant?.type ?? null}
        allowDeselect={false}
        disabled={isReadOnly}
        onChange={(it) => {
          const next = field.variants.find((one) => one.type === it);
          if (next && next !== variant) onEdit(path, least(root, next.schema));
        }}
      />
      {variant && (
        <Fields key={variant.type} schema={variant.schema} path={path} without={["type"]} />
      )}
    </>
  );
}

const HERE = "written here";

function Slot({ field, path, name }: { field: Field & { is: "slot" }; path: Path; name: string }) {
  const { root, whole, names, onEdit, onOpen, isReadOnly } = useForms();
  const value = valueAt(whole, path);
  const known = names(field.kind);
  const chosen = typeof value === "string" ? value : value === undefined ? null : HERE;
  const data = [HERE, ...new Set([...known, ...(typeof value === "string" ? [value] : [])])];
  const inner = fieldOf(root, field.schema);
  return (
    <>
      <div className="row">
        <Select
          className="grow"
          label={
            <>
              {field.kind} asset<span className="hidden"> of {name}</span>
            </>
          }
          data={data}
          value={chosen}
          allowDeselect={false}
          searchable
          disabled={isReadOnly}
          onChange={(it) => {
            if (it === HERE) onEdit(path, least(root, field.schema));
            else if (it) onEdit(path, it);
          }}
        />
        {typeof value === "string" && known.includes(value) && (
          <Button className={css.beside} onClick={() => onOpen(field.kind, value)}>
            Open {value}
          </Button>
        )}
      </div>
      {field.kind === "Format" && <FromSample path={path} />}
      {chosen === HERE && <Part field={inner} path={path} name={name} isRequired />}
    </>
  );
}

/** A format need not be written by hand where there is some of what it is to read. */
export function FromSample({ path, name }: { path: Path; name?: string }) {
  const forms = useForms();
  const { whole, onEdit, isReadOnly } = forms;
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <div>
        <Button disabled={isReadOnly} onClick={() => setOpen(true)}>
          Find it in a sample or a source …
        </Button>
      </div>
      {isOpen && (
        <Suspense>
          <InferFormat
            forms={forms}
            at={path}
            value={valueAt(whole, path)}
            name={name}
            onFound={(it) => onEdit(path, it)}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      )}
    </>
  );
}

function List({ of, path, name }: { of: Schema; path: Path; name: string }) {
  const { root, whole, onEdit, isReadOnly } = useForms();
  const value = valueAt(whole, path);
  const items = Array.isArray(value) ? value : [];
  // Who adds an entry goes on in it.
  const [isAdding, setAdding] = useState(false);
  const last = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (!isAdding || !last.current) return;
    setAdding(false);
    last.current.open = true;
    last.current.querySelector<HTMLElement>("input, textarea, [role=textbox]")?.focus();
  }, [isAdding]);
  const titleOf = (it: unknown, at: number) => {
    const { name } = (it ?? {}) as { name?: unknown };
    return typeof name === "string" && name ? name : `${at + 1}`;
  };
  return (
    <>
      {items.map((it, at) => {
        const title = titleOf(it, at);
        return (
          <details
            // biome-ignore lint/suspicious/noArrayIndexKey: entries have no other identity than their place
            key={at}
            ref={at === items.length - 1 ? last : undefined}
            className={css.entry}
            open={items.length < 4}
          >
            <summary>{title}</summary>
            <button
              type="button"
              className={css.small}
              disabled={isReadOnly}
              onClick={() => onEdit(path, items.length > 1 ? items.toSpliced(at, 1) : undefined)}
            >
              Remove
              <span className="hidden">
                {" "}
                entry {title} of {name}
              </span>
            </button>
            <Fields schema={of} path={[...path, at]} />
          </details>
        );
      })}
      <Button
        disabled={isReadOnly}
        onClick={() => {
          onEdit([...path, items.length], least(root, of));
          setAdding(true);
        }}
      >
        Add an entry<span className="hidden"> to {name}</span>
      </Button>
    </>
  );
}

/** What has a name each: the ports of a script, what a node may have of a workflow. */
function Named({ of, path, name }: { of: Schema; path: Path; name: string }) {
  const { root, whole, onEdit, isReadOnly } = useForms();
  const entries = Object.keys((valueAt(whole, path) ?? {}) as Record<string, unknown>);
  const [fresh, setFresh] = useState(entries.length === 0 ? (FIRST[name] ?? "") : "");
  const [added, setAdded] = useState<string>();
  const field = fieldOf(root, of);
  const wanted = fresh.trim();
  const add = () => {
    if (!wanted || entries.includes(wanted)) return;
    onEdit([...path, wanted], least(root, of));
    setAdded(wanted);
    setFresh("");
  };
  return (
    <>
      {entries.map((key) => (
        <details key={key} className={css.entry} open={key === added || entries.length < 4}>
          <summary>{key}</summary>
          <button
            type="button"
            className={css.small}
            disabled={isReadOnly}
            onClick={() => onEdit(entries.length > 1 ? [...path, key] : path, undefined)}
          >
            Remove
            <span className="hidden">
              {" "}
              {key} of {name}
            </span>
          </button>
          {field.is === "object" ? (
            <Fields schema={field.schema} path={[...path, key]} />
          ) : (
            <Part field={field} path={[...path, key]} name={key} isRequired />
          )}
        </details>
      ))}
      <div className="row">
        <TextInput
          className="grow"
          aria-label={`Name of another entry of ${name}`}
          placeholder="name"
          value={fresh}
          disabled={isReadOnly}
          onChange={(event) => setFresh(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") add();
          }}
          autoComplete="off"
        />
        <Button disabled={isReadOnly || !wanted} onClick={add}>
          Add<span className="hidden"> to {name}</span>
        </Button>
      </div>
    </>
  );
}
