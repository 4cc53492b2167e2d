// One value of a form.
import { Button, Select, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { stringify } from "yaml";
import { Worded } from "../../parts/Worded";
import css from "./editor.module.css";
import { useForms } from "./Form";
import type { Field } from "./schema";
import { type Path, valueAt } from "./text";

interface ControlProps {
  name: string;
  note?: string;
  field: Field;
  path: Path;
  isRequired: boolean;
  byDefault?: unknown;
  mark: ReactNode;
}

/** What is typed reaches the text a moment later, and at once when one goes on. */
const SETTLED_MS = 350;

function useTyped(value: string, commit: (it: string) => void) {
  const [typed, setTyped] = useState(value);
  const waiting = useRef<{ timer: ReturnType<typeof setTimeout>; text: string }>(undefined);
  const told = useRef(commit);
  told.current = commit;
  const flush = () => {
    const it = waiting.current;
    if (!it) return;
    clearTimeout(it.timer);
    waiting.current = undefined;
    told.current(it.text);
  };
  const flushed = useRef(flush);
  flushed.current = flush;
  // Another view changed it.
  useEffect(() => {
    if (!waiting.current) setTyped(value);
  }, [value]);
  // Who chooses another stage loses nothing.
  useEffect(() => () => flushed.current(), []);
  return {
    value: typed,
    onChange: (event: { currentTarget: { value: string } }) => {
      const text = event.currentTarget.value;
      setTyped(text);
      if (waiting.current) clearTimeout(waiting.current.timer);
      waiting.current = { text, timer: setTimeout(() => flushed.current(), SETTLED_MS) };
    },
    onBlur: flush,
    onKeyDown: (event: { key: string }) => {
      if (event.key === "Enter") flush();
    },
  };
}

const shown = (it: unknown) => (it === undefined || it === null ? "" : String(it));

export function Control(props: ControlProps) {
  const { whole } = useForms();
  const { field } = props;
  const value = valueAt(whole, props.path);
  const isText = typeof value === "string";
  if (field.is === "flag" && (!isText || value === "true" || value === "false"))
    return <Flag {...props} value={value} />;
  if (field.is === "choice" && (!isText || field.options.some((it) => it.value === value)))
    return <Choice {...props} options={field.options} value={value} />;
  if (field.is === "texts") return <Texts {...props} value={value} />;
  if (field.is === "pairs" && isPlain(value)) return <Pairs {...props} value={value} />;
  if (field.is === "script" && (isText || value === undefined)) return <Script {...props} />;
  if (field.is === "code" || (typeof value === "object" && value !== null))
    return <Elsewhere {...props} value={value} />;
  return <Text {...props} value={value} isNumber={field.is === "number"} />;
}

const isPlain = (it: unknown) =>
  it === undefined ||
  it === null ||
  (typeof it === "object" &&
    !Array.isArray(it) &&
    Object.values(it).every((one) => typeof one !== "object" || one === null));

/** Label, mark and note of a value; the label leads to it. */
function Frame(props: ControlProps & { id: string; children: ReactNode }) {
  return (
    <div className={css.field}>
      <div className="row">
        <label htmlFor={props.id}>
          {props.name}
          {props.isRequired && <span className="muted"> · required</span>}
        </label>
        <div className="grow" />
        {props.mark}
      </div>
      {props.children}
      {props.note && (
        <p className="muted small" id={`${props.id}-note`}>
          <Worded text={props.note} />
        </p>
      )}
    </div>
  );
}

function Text(props: ControlProps & { value: unknown; isNumber: boolean }) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  const typed = useTyped(shown(props.value), (text) => {
    if (text === shown(props.value)) return;
    const isNumber = props.isNumber && /^-?\d+(\.\d+)?$/.test(text);
    onEdit(props.path, text === "" && !props.isRequired ? undefined : isNumber ? +text : text);
  });
  return (
    <Frame {...props} id={id}>
      <TextInput
        id={id}
        {...typed}
        placeholder={typeof props.byDefault === "object" ? undefined : shown(props.byDefault)}
        disabled={isReadOnly}
        aria-describedby={props.note ? `${id}-note` : undefined}
        autoComplete="off"
        spellCheck={false}
      />
    </Frame>
  );
}

function Flag(props: ControlProps & { value: unknown }) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  return (
    <Frame {...props} id={id}>
      <Select
        id={id}
        data={[
          { value: "true", label: "yes" },
          { value: "false", label: "no" },
        ]}
        placeholder={props.byDefault === undefined ? undefined : props.byDefault ? "yes" : "no"}
        value={props.value === undefined ? null : shown(props.value)}
        clearable={!props.isRequired}
        disabled={isReadOnly}
        onChange={(it) => onEdit(props.path, it === null ? undefined : it === "true")}
      />
    </Frame>
  );
}

function Choice(
  props: ControlProps & { options: (Field & { is: "choice" })["options"]; value: unknown },
) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  const chosen = props.options.find((it) => it.value === props.value);
  return (
    <Frame {...props} id={id} note={[props.note, chosen?.description].filter(Boolean).join(" ")}>
      <Select
        id={id}
        data={props.options.map((it) => it.value)}
        placeholder={shown(props.byDefault)}
        value={chosen?.value ?? null}
        clearable={!props.isRequired}
        searchable={props.options.length > 8}
        disabled={isReadOnly}
        onChange={(it) => onEdit(props.path, it ?? undefined)}
      />
    </Frame>
  );
}

function Texts(props: ControlProps & { value: unknown }) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  const before = [props.value].flat().filter((it) => it !== undefined && it !== null);
  const typed = useTyped(before.map(shown).join("\n"), (text) => {
    const all = text.split("\n").filter((it) => it.trim() !== "");
    if (JSON.stringify(all) === JSON.stringify(before.map(shown))) return;
    onEdit(props.path, all.length === 0 && !props.isRequired ? undefined : all);
  });
  return (
    <Frame {...props} id={id} note={[props.note, "One a line."].filter(Boolean).join(" ")}>
      <Textarea
        size="xs"
        id={id}
        {...typed}
        onKeyDown={undefined}
        rows={Math.min(8, before.length + 1)}
        disabled={isReadOnly}
        classNames={{ input: css.mono }}
        spellCheck={false}
      />
    </Frame>
  );
}

function Script(props: ControlProps) {
  const { whole, onEdit, isReadOnly } = useForms();
  const id = useId();
  const value = shown(valueAt(whole, props.path));
  const typed = useTyped(value, (text) => {
    if (text !== value) onEdit(props.path, text);
  });
  return (
    <Frame {...props} id={id}>
      <Textarea
        size="xs"
        id={id}
        {...typed}
        onKeyDown={undefined}
        rows={Math.min(24, value.split("\n").length + 2)}
        disabled={isReadOnly}
        classNames={{ input: css.mono }}
        spellCheck={false}
      />
    </Frame>
  );
}

function Pairs(props: ControlProps & { value: unknown }) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  const [fresh, setFresh] = useState("");
  const pairs = Object.entries((props.value ?? {}) as Record<string, unknown>);
  const add = () => {
    const key = fresh.trim();
    if (!key || pairs.some(([it]) => it === key)) return;
    onEdit([...props.path, key], "");
    setFresh("");
  };
  return (
    <Frame {...props} id={id}>
      <div className={css.pairs}>
        {pairs.map(([key, value]) => (
          <Pair key={key} name={key} value={value} path={[...props.path, key]} of={props.name} />
        ))}
        <TextInput
          id={id}
          placeholder="name"
          value={fresh}
          disabled={isReadOnly}
          onChange={(event) => setFresh(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") add();
          }}
          autoComplete="off"
        />
        <Button disabled={isReadOnly || !fresh.trim()} onClick={add}>
          Add<span className="hidden"> to {props.name}</span>
        </Button>
      </div>
    </Frame>
  );
}

function Pair(props: { name: string; value: unknown; path: Path; of: string }) {
  const { onEdit, isReadOnly } = useForms();
  const typed = useTyped(shown(props.value), (text) => {
    if (text === shown(props.value)) return;
    // It stays what it was: a number, or a text.
    const isNumber = typeof props.value === "number" && /^-?\d+(\.\d+)?$/.test(text);
    onEdit(props.path, isNumber ? +text : text);
  });
  return (
    <>
      <TextInput
        {...typed}
        label={
          <>
            {props.name}
            <span className="hidden"> of {props.of}</span>
          </>
        }
        disabled={isReadOnly}
        autoComplete="off"
        spellCheck={false}
        classNames={{ input: css.mono }}
      />
      <button
        type="button"
        className={css.small}
        disabled={isReadOnly}
        onClick={() => onEdit(props.path, undefined)}
      >
        Remove
        <span className="hidden">
          {" "}
          {props.name} of {props.of}
        </span>
      </button>
    </>
  );
}

/** What no form can show is shown as it is written. */
function Elsewhere(props: ControlProps & { value: unknown }) {
  const { onCode, onEdit, isReadOnly } = useForms();
  const id = useId();
  return (
    <Frame {...props} id={id}>
      {props.value !== undefined && (
        <output className={css.written}>{stringify(props.value)}</output>
      )}
      <Button
        id={id}
        disabled={isReadOnly}
        onClick={() => {
          if (props.value === undefined) onEdit(props.path, null);
          onCode(props.path);
        }}
      >
        Write it as code<span className="hidden">: {props.name}</span>
      </Button>
    </Frame>
  );
}
