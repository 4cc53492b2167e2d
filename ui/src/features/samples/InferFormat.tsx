// A format is found in a sample, or in what a source has now, and written where a format is edited: there, or as
// an asset of its own.
import { Button, Checkbox, SegmentedControl, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { useSession } from "../../app/session";
import { sh } from "../../logic/shell";
import { Act, Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import type { Forms } from "../editor/Form";
import { type Path, parsed } from "../editor/text";
import { renew, written } from "../projects/projects";
import { badName } from "../projects/templates";
import { Found } from "./Found";
import { FromSource } from "./FromSource";
import { asked, type Given, isEmpty, NOTHING, unfit } from "./given";
import { command, GUESSED, guessing, isSaid, named, type Peeking, question } from "./peek";
import { SampleField } from "./SampleField";
import css from "./samples.module.css";

type Inferred = Schemas["InferredFormat"];
type Peek = Schemas["Peek"];

interface InferFormatProps {
  forms: Forms;
  /** Where the format stands in the text. */
  at: Path;
  /** The format as it is set now. */
  value: unknown;
  /** What the asset is called that is edited; without it, one may be made. */
  name?: string;
  /** Takes the format itself, or the name of the asset that was made of it. */
  onFound: (format: unknown) => void;
  onClose: () => void;
}

const SAMPLE = "a sample";
const SOURCE = "what a source has now";
const BEGUN: Peeking = {
  workflow: "",
  source: "",
  environment: null,
  records: "100",
  withinMs: "5000",
  as: null,
};
/** The project has errors. */
const INVALID = "WEIR-07001";

export function InferFormat(props: InferFormatProps) {
  const { forms, at, value, onFound, onClose } = props;
  const { project, names } = forms;
  const queries = useQueryClient();
  const { may } = useSession();
  const [from, setFrom] = useState(SAMPLE);
  const [given, setGiven] = useState<Given>(NOTHING);
  const [peeking, setPeeking] = useState(BEGUN);
  const [keeps, setKeeps] = useState(false);
  const [required, setRequired] = useState(false);
  const [found, setFound] = useState<Inferred>();
  const [seen, setSeen] = useState<Peek>();
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const [where, setWhere] = useState("here");
  const [name, setName] = useState("");
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const isPeek = from === SOURCE;
  const type = (value as { type?: unknown } | null | undefined)?.type;
  const isAsset = props.name === undefined && where === "asset";
  const isTaken = names("Format").includes(name) && "There is a Format asset of this name already";
  const bad = isAsset ? (badName(name) ?? isTaken) : false;
  const other = (change: () => void) => {
    abort.current?.abort();
    change();
    setFound(undefined);
    setSeen(undefined);
    setProblem(undefined);
    setBusy(false);
  };
  const called = props.name ?? (isPeek ? "inferred" : "sample");
  const infer = async () => {
    const body = {
      ...asked(given),
      name: called,
      required,
      records: 10_000,
      ...(keeps ? { format: withoutFields(value) } : {}),
    };
    const params = { path: { project } };
    const { signal } = abort.current ?? {};
    setFound(
      await answered(
        api.POST("/api/v1/projects/{project}/formats/infer", { params, body, signal }),
      ),
    );
  };
  const peek = async (records?: number) => {
    const params = { path: { project, workflow: peeking.workflow } };
    const { signal } = abort.current ?? {};
    const ask = (isOpen: boolean) => {
      const drafts = forms.drafts((text) => (isOpen ? guessing(text, at) : text));
      const known = isOpen && typeof type === "string" ? withoutFields(value) : undefined;
      const body = question(peeking, { drafts, name: called, required, records, known });
      return answered(
        api.POST("/api/v1/projects/{project}/workflows/{workflow}/peeks", { params, body, signal }),
      );
    };
    // A format that lacks its fields may be all that is wrong with the project: it is what is looked for.
    const isOpen = peeking.as === GUESSED || !isSaid(value);
    const peeked = await ask(isOpen).catch(async (error) => {
      if (isOpen || problemIn(error).code !== INVALID) throw error;
      return ask(true).catch((other) => {
        throw problemIn(other).code === INVALID ? error : other;
      });
    });
    setSeen(peeked);
    setFound(peeked.format ?? undefined);
  };
  const look = async (how: () => Promise<void>) => {
    const own = new AbortController();
    other(() => undefined);
    abort.current = own;
    setBusy(true);
    try {
      await how();
    } catch (error) {
      if (!own.signal.aborted) setProblem(problemIn(error));
    } finally {
      if (abort.current === own) setBusy(false);
    }
  };
  const canInfer = !isEmpty(given) && !unfit(given) && !isBusy;
  const notPeek = (!peeking.source && "Choose a source first") || (isBusy && "It is on its way");
  return (
    <Confirm
      title={`Find the format in ${from}`}
      verb={isAsset ? "Make the asset" : "Write it here"}
      cli={
        isPeek
          ? command(project, peeking, name || props.name || "NAME")
          : sh`weir schema infer FILE --name ${name || props.name || "NAME"}`
      }
      not={(!found && (isPeek ? "Look at the source first" : "Look at a sample first")) || bad}
      isWide
      onDo={async () => {
        if (!found) return;
        if (!isAsset) {
          const { spec } = parsed(found.text).value as { spec: unknown };
          return onFound(spec);
        }
        const { path, text } = named(found, name);
        await written(project, path, text, undefined);
        await renew(queries);
        onFound(name);
      }}
      onClose={onClose}
    >
      <SegmentedControl
        aria-label="Where it is found"
        data={[
          { value: SAMPLE, label: "In a sample" },
          { value: SOURCE, label: "In the source as it is now" },
        ]}
        value={from}
        onChange={(it) => other(() => setFrom(it))}
      />
      <div className={css.halves}>
        <div className={css.given}>
          {isPeek ? (
            <FromSource
              forms={forms}
              at={at}
              value={peeking}
              onChange={(it) => other(() => setPeeking(it))}
            />
          ) : (
            <SampleField
              label="Sample"
              given={given}
              onGo={() => {
                if (canInfer) void look(infer);
              }}
              onChange={(it) => other(() => setGiven(it))}
            />
          )}
          {!isPeek && typeof type === "string" && (
            <Checkbox
              label={`It is ${type} as it is set now: find its fields alone`}
              checked={keeps}
              onChange={(event) => {
                const { checked } = event.currentTarget;
                other(() => setKeeps(checked));
              }}
            />
          )}
          <Checkbox
            label="Fields that are never missing here must not be missing later"
            checked={required}
            onChange={(event) => {
              const { checked } = event.currentTarget;
              other(() => setRequired(checked));
            }}
          />
          <div className="row">
            {isPeek ? (
              <>
                <Act
                  label={isBusy ? "Looking …" : "Look at it"}
                  claim="service:test"
                  not={
                    (!may("stream:sniff") &&
                      "To see records, it needs the claim stream:sniff, too") ||
                    notPeek
                  }
                  onAct={() => void look(() => peek())}
                />
                <Act
                  label="Can it be reached?"
                  claim="service:test"
                  not={notPeek}
                  onAct={() => void look(() => peek(0))}
                />
              </>
            ) : (
              <>
                <Button disabled={!canInfer} onClick={() => void look(infer)}>
                  {isBusy ? "Looking …" : "Look at it"}
                </Button>
                <span className="muted small">At most 4 MiB and 10,000 records</span>
              </>
            )}
          </div>
          {isPeek && (
            <p className="muted small">
              The server looks, with the connection of the source as it is typed here. Nothing is
              taken: nothing is claimed, committed or acknowledged, and the workflow reads all of
              it.
            </p>
          )}
        </div>
        <div className={css.found}>
          {problem && <ProblemView problem={problem} />}
          {seen && <Seen of={seen} />}
          {found && <Found of={found} />}
          {!found && !seen && !problem && (
            <p className="muted">Its fields and their types are shown here then.</p>
          )}
          {seen && seen.records.length > 0 && <First of={seen.records} />}
        </div>
      </div>
      {props.name === undefined && (
        <div className="row">
          <SegmentedControl
            aria-label="Where it is written"
            data={[
              { value: "here", label: "In its place" },
              { value: "asset", label: "As an asset of its own" },
            ]}
            value={where}
            onChange={setWhere}
          />
          {isAsset && (
            <TextInput
              aria-label="Name of the Format asset"
              placeholder="name"
              value={name}
              error={name && bad}
              onChange={(event) => setName(event.currentTarget.value)}
              autoComplete="off"
            />
          )}
        </div>
      )}
    </Confirm>
  );
}

/** What is known of a format without its fields. */
function withoutFields(value: unknown): Record<string, never> {
  const { schema: _, ...rest } = value as Record<string, never>;
  return rest;
}

/** Where it came from. */
function Seen({ of }: { of: Peek }) {
  return (
    <p className="muted" role={of.format ? undefined : "status"}>
      {!of.format && "It can be reached: "}
      <strong>{of.source}</strong> reads {of.origin}
      {of.format && of.isCut && "; there is more than was looked at"}
    </p>
  );
}

function First({ of }: { of: Peek["records"] }) {
  return (
    <details className={css.written} open>
      <summary>The first of them, as they would be read</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <pre tabIndex={0}>{of.map((it) => JSON.stringify(it)).join("\n")}</pre>
    </details>
  );
}
