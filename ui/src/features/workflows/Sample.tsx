import { Select } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { Act, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty } from "../../parts/Shows";
import css from "./graph.module.css";

const route = getRouteApi("/frame/workflows/$name");
const WITHIN_MS = 10_000;
const RECORDS = 20;

/** Some of the records that pass a stage now. It never slows the stream down. */
export function Sample({ detail }: { detail: Schemas["WorkflowDetail"] }) {
  const { stage = detail.stages[0]?.id ?? "" } = route.useSearch();
  const navigate = route.useNavigate();
  const [side, setSide] = useState<Schemas["SniffSide"]>("out");
  const sniff = useMutation({
    mutationFn: () =>
      answered(
        api.POST("/api/v1/workflows/{name}/sniff", {
          params: { path: { name: detail.name } },
          body: { stage, side, records: RECORDS, withinMs: WITHIN_MS },
        }),
      ),
  });
  const look = (
    <div className="row">
      <Select
        aria-label="Stage"
        data={detail.stages.map((it) => it.id)}
        value={stage}
        allowDeselect={false}
        onChange={(it) =>
          void navigate({
            search: (before) => ({ ...before, stage: it ?? undefined }),
            replace: true,
          })
        }
      />
      <Select
        aria-label="Side"
        data={[
          { value: "in", label: "what it takes" },
          { value: "out", label: "what it gives" },
        ]}
        value={side}
        allowDeselect={false}
        onChange={(it) => setSide(it === "in" ? "in" : "out")}
      />
      <Act
        label={sniff.isPending ? "Looking …" : `Catch ${RECORDS}`}
        claim="stream:sniff"
        isMain
        not={sniff.isPending && "It looks already"}
        onAct={() => sniff.mutate()}
      />
      <CopyCli command={`weir stream sniff ${detail.name} ${stage}`} />
    </div>
  );
  return (
    <Panel title="Sample data" side={look} flush>
      {sniff.error && <ProblemView problem={problemIn(sniff.error)} />}
      {sniff.data ? (
        <Caught of={sniff.data} />
      ) : (
        !sniff.error && (
          <Empty
            what="Nothing was caught yet"
            why={`Records that pass the stage within ${WITHIN_MS / 1_000} s are shown. The stream does not wait for that.`}
          />
        )
      )}
    </Panel>
  );
}

function Caught({ of }: { of: Schemas["SniffResult"] }) {
  if (of.records.length === 0)
    return <Empty what="Nothing passed" why="No record came by in that time." />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
    <section className={css.sample} tabIndex={0} aria-label="Caught records">
      <p className="muted small" style={{ padding: "4px 12px" }}>
        {plural(of.records.length, "record")} of {of.seen} that passed
        {of.unreached.length > 0 &&
          `; no answer from ${of.unreached.map((it) => it.node).join(", ")}`}
      </p>
      {of.records.map((it) => (
        <pre key={`${it.stream}/${it.position}`}>{JSON.stringify(it.record)}</pre>
      ))}
    </section>
  );
}
