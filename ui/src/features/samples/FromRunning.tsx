// A sample that is what passes now: records as they leave a source of the workflow of that name, where it runs.
import { useEffect, useRef, useState } from "react";
import { answered, api } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { useLive } from "../../live";
import { plural } from "../../logic/format";
import { Act } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import css from "./samples.module.css";

const RECORDS = 100;
const WITHIN_MS = 10_000;

interface FromRunningProps {
  workflow: string;
  source: string;
  /** Lines of JSON. */
  onTake: (text: string) => void;
}

export function FromRunning({ workflow, source, onTake }: FromRunningProps) {
  const running = useLive("workflows").value?.items.some((it) => it.name === workflow);
  const [isBusy, setBusy] = useState(false);
  const [told, setTold] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const take = async () => {
    const own = new AbortController();
    abort.current = own;
    setBusy(true);
    setTold("");
    setProblem(undefined);
    try {
      const { records, unreached } = await answered(
        api.POST("/api/v1/workflows/{name}/sniff", {
          params: { path: { name: workflow } },
          body: { stage: source, side: "out", records: RECORDS, withinMs: WITHIN_MS },
          signal: own.signal,
        }),
      );
      const silent = unreached.map((it) => it.node).join(", ");
      const but = silent && `; no answer from ${silent}`;
      if (records.length > 0) onTake(records.map((it) => JSON.stringify(it.record)).join("\n"));
      setTold(
        records.length > 0
          ? `${plural(records.length, "record")} that passed just now${but}`
          : `Nothing passed within ${WITHIN_MS / 1_000} s${but}`,
      );
    } catch (error) {
      if (!own.signal.aborted) setProblem(problemIn(error));
    } finally {
      if (abort.current === own) setBusy(false);
    }
  };
  return (
    <div className={css.running}>
      <div className="row">
        <Act
          label={isBusy ? "Waiting …" : "Take what passes now"}
          about={`at ${source}`}
          claim="stream:sniff"
          not={
            (!running && `No workflow ${workflow} runs on this cluster`) ||
            (isBusy && "Until enough has passed, at most 10 s")
          }
          onAct={() => void take()}
        />
        <output className="muted small">{told}</output>
      </div>
      {problem && <ProblemView problem={problem} />}
    </div>
  );
}
