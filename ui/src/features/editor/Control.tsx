// One value of a form.
import { Button, Select, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { stringify } from "yaml";
import { Worded } from "../../parts/Worded";
import { findingsAt } from "./at";
import css from "./editor.module.css";
import { useForms } from "./Form";
import type { Language } from "./languages";
import { Script } from "./Script";
import { type Field, isExpression } from "./schema";
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

function useTyped(
  value: string,
  commit: (it: string) => void,
  /** What becomes of what is typed: other blanks and lines that say nothing are the same. */
  meant: (it: string) => string = (it) => it,
) {
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
  // Another view changed it; what was typed here stays as it was typed.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about another value
  useEffect(() => {
    if (!waiting.current) setTyped((it) => (meant(it) === value ? it : value));
  }, [value]);
  // Who chooses another stage loses nothing.
  useEffect(() => () => flushed.current(), []);
  const type = (text: string) => {
    setTyped(text);
    if (waiting.current) clearTimeout(waiting.current.timer);
    waiting.current = { text, timer: setTimeout(() => flushed.current(), SETTLED_MS) };
  };
  return {
    value: typed,
    type,
    onChange: (event: { currentTarget: { value: string } }) => type(event.currentTarget.value),
    onBlur: flush,
    onKeyDown: (event: { key: string }) => {
      if (event.key === "Enter") flush();
    },
  };
}

/** What a field takes of it. */
const inputOf = ({ value, onChange, onBlur, onKeyDown }: ReturnType<typeof useTyped>) => ({
  value,
  onChange,
  onBlur,
  onKeyDown,
});

const shown = (it: unknown) => (it === undefined || it === null ? "" : String(it));

export function Control(props: ControlProps) {
  const { whole, names } = useForms();
  const { field } = props;
  const value = valueAt(whole, props.path);
  const isText = typeof value === "string";
  if (field.is === "flag" && (!isText || value === "true" || value === "false"))
    return <Flag {...props} value={value} />;
  if (field.is === "choice" && (!isText || field.options.some((it) => it.value === value)))
    return <Choice {...props} options={field.options} value={value} />;
  if (field.is === "name" && (isText || value === undefined)) {
    // One that is not there stays to be seen: what is wrong with it stands below.
    const all = new Set([...names(field.kind), ...(isText && value ? [value] : [])]);
    return <Choice {...props} options={[...all].map((it) => ({ value: it }))} value={value} />;
  }
  if (field.is === "texts") return <Texts {...props} value={value} />;
  if (field.is === "pairs" && isPlain(value)) return <Pairs {...props} value={value} />;
  const isScalar = typeof value !== "object" || value === null;
  if (field.is === "script" && (isText || value === undefined))
    return <Written {...props} language="javascript" />;
  if (field.is === "expression" && isScalar) return <Written {...props} language="sql" />;
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

interface FrameProps extends ControlProps {
  id: string;
  children: ReactNode | ((said: Said) => ReactNode);
  /** What is in it says itself how it is called. */
  isGroup?: boolean;
}

/** To a field: what is wrong with its value and what it is for, by ear as well. */
interface Said {
  attributes: { input: Record<"aria-invalid" | "aria-describedby", string | boolean | undefined> };
}

/** Label, mark and note of a value, and what is wrong with it; the label leads to it. */
function Frame(props: FrameProps) {
  const { findings, whole } = useForms();
  const wrong = findingsAt(findings, props.path, whole);
  const about = [wrong.length > 0 && `${props.id}-wrong`, props.note && `${props.id}-note`];
  const said = {
    attributes: {
      input: {
        "aria-invalid": wrong.some((it) => it.severity === "error") || undefined,
        "aria-describedby": about.filter(Boolean).join(" ") || undefined,
      },
    },
  };
  const label = (
    <>
      {props.name}
      {props.isRequired && <span className="muted"> · required</span>}
    </>
  );
  return (
    <div className={css.field} data-bad={wrong.length > 0 || undefined}>
      <div className="row">
        {props.isGroup ? (
          <span className={css.label}>{label}</span>
        ) : (
          <label htmlFor={props.id}>{label}</label>
        )}
        <div className="grow" />
        {props.mark}
      </div>
      {typeof props.children === "function" ? props.children(said) : props.children}
      {wrong.length > 0 && (
        <ul className={css.wrong} id={`${props.id}-wrong`} aria-label={`Wrong with ${props.name}`}>
          {wrong.map((it) => (
            <li key={it.code + it.cause} data-tone={it.severity === "error" ? "err" : "warn"}>
              <span aria-hidden="true">{it.severity === "error" ? "▲" : "◆"}</span> {it.cause}
              {it.fix && <span className="muted"> · {it.fix}</span>}
            </li>
          ))}
        </ul>
      )}
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
      {(said) => (
        <TextInput
          {...said}
          id={id}
          {...inputOf(typed)}
          placeholder={typeof props.byDefault === "object" ? undefined : shown(props.byDefault)}
          disabled={isReadOnly}
          autoComplete="off"
          spellCheck={false}
        />
      )}
    </Frame>
  );
}

function Flag(props: ControlProps & { value: unknown }) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  return (
    <Frame {...props} id={id}>
      {(said) => (
        <Select
          {...said}
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
      )}
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
      {(said) => (
        <Select
          {...said}
          id={id}
          data={props.options.map((it) => it.value)}
          placeholder={shown(props.byDefault)}
          value={chosen?.value ?? null}
          clearable={!props.isRequired}
          searchable={props.options.length > 8}
          disabled={isReadOnly}
          onChange={(it) => onEdit(props.path, it ?? undefined)}
        />
      )}
    </Frame>
  );
}

const linesIn = (it: string) => it.split("\n").filter((line) => line.trim() !== "");

function Texts(props: ControlProps & { value: unknown }) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  const before = [props.value].flat().filter((it) => it !== undefined && it !== null);
  const typed = useTyped(
    before.map(shown).join("\n"),
    (text) => {
      const all = linesIn(text);
      if (JSON.stringify(all) === JSON.stringify(before.map(shown))) return;
      onEdit(props.path, all.length === 0 && !props.isRequired ? undefined : all);
    },
    (text) => linesIn(text).join("\n"),
  );
  return (
    <Frame {...props} id={id} note={[props.note, "One a line."].filter(Boolean).join(" ")}>
      {(said) => (
        <Textarea
          {...said}
          size="xs"
          id={id}
          {...inputOf(typed)}
          onKeyDown={undefined}
          // As many as there are lines: it keeps its height when it is left, and nothing below it moves.
          rows={Math.min(8, Math.max(2, typed.value.split("\n").length))}
          disabled={isReadOnly}
          classNames={{ input: css.mono }}
          spellCheck={false}
        />
      )}
    </Frame>
  );
}

function Written(props: ControlProps & { language: Language }) {
  const { whole, onEdit, isReadOnly } = useForms();
  const id = useId();
  const value = shown(valueAt(whole, props.path));
  const {
    value: text,
    type,
    onBlur,
  } = useTyped(value, (it) => {
    if (it !== value) onEdit(props.path, it === "" && !props.isRequired ? undefined : it);
  });
  return (
    <Frame {...props} id={id} isGroup>
      <Script
        language={props.language}
        label={props.name}
        path={props.path}
        text={text}
        isReadOnly={isReadOnly}
        onChange={type}
        onLeave={onBlur}
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
    wanted = JSON.stringify([...props.path, key]);
    onEdit([...props.path, key], "");
    setFresh("");
  };
  return (
    <Frame {...props} id={id}>
      <div className={css.pairs}>
        {pairs.map(([key, value]) => (
          <Pair
            key={key}
            name={key}
            value={value}
            path={[...props.path, key]}
            of={props.name}
            isExpression={props.field.is === "pairs" && isExpression(props.field.of)}
          />
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

/** The field that was just added, which is to be typed in next: it may be drawn in another place than it was asked for. */
let wanted: string | undefined;

function useWanted(path: Path): boolean {
  const [isWanted] = useState(() => wanted === JSON.stringify(path));
  useEffect(() => {
    if (isWanted) wanted = undefined;
  }, [isWanted]);
  return isWanted;
}

interface PairProps {
  name: string;
  value: unknown;
  path: Path;
  of: string;
  isExpression: boolean;
}

function Pair(props: PairProps) {
  const { onEdit, isReadOnly } = useForms();
  const id = useId();
  const typed = useTyped(shown(props.value), (text) => {
    if (text === shown(props.value)) return;
    // It stays what it was: a number, or a text.
    const isNumber = typeof props.value === "number" && /^-?\d+(\.\d+)?$/.test(text);
    onEdit(props.path, isNumber ? +text : text);
  });
  const isWanted = useWanted(props.path);
  const label = `${props.name} of ${props.of}`;
  return (
    <>
      {props.isExpression ? (
        <Frame
          {...props}
          field={{ is: "expression" }}
          isRequired={false}
          mark={null}
          id={id}
          isGroup
        >
          <Script
            language="sql"
            label={label}
            path={props.path}
            text={typed.value}
            isReadOnly={isReadOnly}
            onChange={typed.type}
            onLeave={typed.onBlur}
            isFocused={isWanted}
          />
        </Frame>
      ) : (
        <TextInput
          autoFocus={isWanted}
          {...inputOf(typed)}
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
      )}
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
  const { onCode, isReadOnly } = useForms();
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
          onCode(props.path, props.value === undefined ? {} : undefined);
        }}
      >
        Write it as code<span className="hidden">: {props.name}</span>
      </Button>
    </Frame>
  );
}
