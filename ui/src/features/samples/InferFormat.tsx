// A format is found in a sample, and written where a format is edited: there, or as an asset of its own.
import { Button, Checkbox, SegmentedControl, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { parsed } from "../editor/text";
import { renew, written } from "../projects/projects";
import { badName } from "../projects/templates";
import { asked, type Given, isEmpty, NOTHING, unfit } from "./given";
import { shortened } from "./passages";
import { SampleField } from "./SampleField";
import css from "./samples.module.css";

type Inferred = Schemas["InferredFormat"];

interface InferFormatProps {
  project: string;
  /** The format as it is set now. */
  value: unknown;
  /** What the asset is called that is edited; without it, one may be made. */
  name?: string;
  taken: readonly string[];
  /** Takes the format itself, or the name of the asset that was made of it. */
  onFound: (format: unknown) => void;
  onClose: () => void;
}

export function InferFormat(props: InferFormatProps) {
  const { project, value, taken, onFound, onClose } = props;
  const queries = useQueryClient();
  const [given, setGiven] = useState<Given>(NOTHING);
  const [keeps, setKeeps] = useState(false);
  const [required, setRequired] = useState(false);
  const [found, setFound] = useState<Inferred>();
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const [where, setWhere] = useState("here");
  const [name, setName] = useState("");
  const type = (value as { type?: unknown } | null | undefined)?.type;
  const isAsset = props.name === undefined && where === "asset";
  const isTaken = taken.includes(name) && "There is a Format asset of this name already";
  const bad = isAsset ? (badName(name) ?? isTaken) : false;
  const other = (change: () => void) => {
    change();
    setFound(undefined);
  };
  const infer = (called: string) =>
    answered(
      api.POST("/api/v1/projects/{project}/formats/infer", {
        params: { path: { project } },
        body: {
          ...asked(given),
          name: called,
          required,
          records: 10_000,
          ...(keeps ? { format: withoutFields(value) } : {}),
        },
      }),
    );
  const look = async () => {
    setBusy(true);
    setProblem(undefined);
    setFound(undefined);
    try {
      setFound(await infer(props.name ?? "sample"));
    } catch (error) {
      setProblem(problemIn(error));
    } finally {
      setBusy(false);
    }
  };
  const canLook = !isEmpty(given) && !unfit(given) && !isBusy;
  return (
    <Confirm
      title="Find the format in a sample"
      verb={isAsset ? "Make the asset" : "Write it here"}
      cli={sh`weir schema infer FILE --name ${name || props.name || "NAME"}`}
      not={(!found && "Look at a sample first") || bad}
      isWide
      onDo={async () => {
        if (!found) return;
        if (!isAsset) {
          const { spec } = parsed(found.text).value as { spec: unknown };
          return onFound(spec);
        }
        const { path, text } = await infer(name);
        await written(project, path, text, undefined);
        await renew(queries);
        onFound(name);
      }}
      onClose={onClose}
    >
      <div className={css.halves}>
        <div className={css.given}>
          <SampleField
            label="Sample"
            given={given}
            onGo={() => {
              if (canLook) void look();
            }}
            onChange={(it) => other(() => setGiven(it))}
          />
          {typeof type === "string" && (
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
            <Button disabled={!canLook} onClick={() => void look()}>
              {isBusy ? "Looking …" : "Look at it"}
            </Button>
            <span className="muted small">At most 4 MiB and 10,000 records</span>
          </div>
        </div>
        <div className={css.found}>
          {problem && <ProblemView problem={problem} />}
          {found ? (
            <Found of={found} />
          ) : (
            !problem && <p className="muted">Its fields and their types are shown here then.</p>
          )}
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

function Found({ of }: { of: Inferred }) {
  const { spec } = parsed(of.text).value as { spec: Record<string, unknown> };
  const told = Object.entries(spec).filter(([key]) => key !== "schema");
  return (
    <>
      <p role="status">
        <strong>
          {told.map(([key, it]) => (key === "type" ? it : `${key} ${it}`)).join(", ")}
        </strong>
        : {plural(of.records, "record")}, {plural(of.fields.length, "field")}
        {of.bad > 0 && (
          <span data-tone="err" className={css.bad}>
            {" "}
            ✗ {plural(of.bad, "record")} not read
          </span>
        )}
      </p>
      {of.reasons.map((it) => (
        <p key={it} className={css.failure}>
          {shortened(it, 500)}
        </p>
      ))}
      <table className={css.fields}>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col">What is to be known</th>
          </tr>
        </thead>
        <tbody>
          {of.fields.map((it) => (
            <tr key={it.path}>
              <th scope="row">
                <code>{it.path}</code>
              </th>
              <td>
                <code>{it.type}</code>
              </td>
              <td className="muted">
                {it.notes.join("; ") || (it.optional && "missing in some records")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
