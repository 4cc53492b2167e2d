import { TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import formCss from "../editor/editor.module.css";
import { Fields, FormContext, type Forms } from "../editor/Form";
import { resolved, type Schema } from "../editor/schema";
import { badName } from "../projects/templates";
import { type Design, type DesignEdge, type DesignStage, inFlow } from "./design";
import css from "./designer.module.css";

const SLOTS = { source: "source", operator: "processor", sink: "sink" };
const WORDS = { source: "source", operator: "processor", sink: "sink" };

interface InspectorProps {
  design: Design;
  chosen: readonly DesignStage[];
  edge: DesignEdge | undefined;
  forms: Forms;
  onChoose: (stage: string) => void;
  onEdge: (it: DesignEdge) => void;
  onRename: (from: string, to: string) => void;
}

const isSame = (a: DesignEdge, b: DesignEdge) =>
  a.from === b.from && a.port === b.port && a.to === b.to;

/** What the selected stage is; of none, all of them line by line, for those who read rather than look. */
export function Inspector(props: InspectorProps) {
  const { design, chosen, edge, forms, onChoose, onEdge, onRename } = props;
  const [stage] = chosen;
  // Under another name it is the same stage: its form stays, and what has the keyboard in it.
  const shown = useRef({ id: "", form: 0, renamed: "" });
  if (stage && shown.current.id !== stage.id) {
    const { form, renamed } = shown.current;
    shown.current = { id: stage.id, form: renamed === stage.id ? form : form + 1, renamed: "" };
  }
  const rename = (from: string, to: string) => {
    shown.current.renamed = to;
    onRename(from, to);
  };
  if (chosen.length === 1 && stage)
    return (
      <aside className={css.inspector} aria-label={`Inspector of ${stage.id}`}>
        <Stage
          key={shown.current.form}
          stage={stage}
          design={design}
          forms={forms}
          onRename={rename}
        />
      </aside>
    );
  return (
    <aside className={css.inspector} aria-label="Outline">
      <h2>{chosen.length > 1 ? `${chosen.length} stages are selected` : "Outline"}</h2>
      {design.stages.length === 0 && (
        <p className="muted">Stages stand here line by line, in the order of the records.</p>
      )}
      <ul className={css.outline}>
        {inFlow(design).map((it) => {
          const feeds = design.edges.filter((one) => one.from === it.id);
          return (
            <li key={it.id}>
              <button
                type="button"
                aria-pressed={chosen.includes(it)}
                onClick={() => onChoose(it.id)}
              >
                <strong>{it.id}</strong> <span className="muted">{it.kind || WORDS[it.role]}</span>
              </button>
              {feeds.map((one) => (
                <button
                  key={`${one.port} ${one.to}`}
                  type="button"
                  data-edge=""
                  aria-pressed={edge && isSame(one, edge)}
                  onClick={() => onEdge(one)}
                >
                  <span className="hidden">
                    Edge from {one.from}, port {one.port}, to {one.to}
                  </span>
                  <span aria-hidden="true">
                    {one.port !== "out" && `${one.port} `}→ {one.to}
                  </span>
                </button>
              ))}
            </li>
          );
        })}
      </ul>
    </aside>
  );
}

function Stage(props: {
  stage: DesignStage;
  design: Design;
  forms: Forms;
  onRename: (from: string, to: string) => void;
}) {
  const { stage, design, forms } = props;
  const [name, setName] = useState(stage.id);
  useEffect(() => setName(stage.id), [stage.id]);
  const isTaken = name !== stage.id && design.stages.some((it) => it.id === name);
  const bad = badName(name) ?? (isTaken ? "There is a stage of this name already" : undefined);
  const done = () => {
    if (!bad && name !== stage.id) props.onRename(stage.id, name);
  };
  const of = resolved(forms.root, { $ref: "#/$defs/StageSpec" });
  const own = SLOTS[stage.role];
  const others = Object.values(SLOTS).filter((it) => it !== own);
  const schema: Schema = { ...of, required: ["name", own] };
  return (
    <FormContext.Provider value={forms}>
      <div className={formCss.fields}>
        <TextInput
          label="Name"
          description={`A ${WORDS[stage.role]}; others name it so`}
          value={name}
          error={bad}
          disabled={forms.isReadOnly}
          onChange={(event) => setName(event.currentTarget.value)}
          onBlur={done}
          onKeyDown={(event) => {
            if (event.key === "Enter") done();
            if (event.key === "Escape") setName(stage.id);
          }}
          autoComplete="off"
          spellCheck={false}
          data-inspector=""
        />
        <Fields
          schema={schema}
          path={["spec", "stages", { name: stage.id }]}
          without={["name", ...others, ...(stage.role === "source" ? ["from"] : [])]}
        />
      </div>
    </FormContext.Provider>
  );
}
