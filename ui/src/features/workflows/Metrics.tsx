import { Select } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Schemas } from "../../api/client";
import { history } from "../../live";
import type { Rates } from "../../live/history";
import { rateSeries } from "../../live/series";
import { bytes, rate } from "../../logic/format";
import { serverNow } from "../../logic/now";
import { Chart, type Series } from "../../parts/Chart";
import { Panel } from "../../parts/Page";
import css from "./graph.module.css";

const route = getRouteApi("/frame/workflows/$name");
const SPANS = [
  ["1", "1 minute"],
  ["5", "5 minutes"],
  ["10", "10 minutes"],
].map(([value, label]) => ({ value: value ?? "", label: label ?? "" }));

/** How much flows over time: through all of the workflow, or one stage. */
export function Metrics({ detail }: { detail: Schemas["WorkflowDetail"] }) {
  const { stage, span = "5" } = route.useSearch();
  const navigate = route.useNavigate();
  useEffect(() => history.followStages(detail.name), [detail.name]);
  const name = stage ? `${detail.name}/${stage}` : detail.name;
  const read = (keys: (keyof Rates)[]) => () =>
    rateSeries([history.of(name)], keys, serverNow(), Number(span) * 60_000);
  const set = (more: { stage?: string; span?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...more }), replace: true });
  const perSecond = (value: number) => `${bytes(value)}/s`;
  const both = (a: string, b: string): Series[] => [
    { name: a, color: "--accent" },
    { name: b, color: "--info", dash: [5, 4] },
  ];
  return (
    <Panel
      title={stage ? `Stage ${stage}, over time` : "The whole workflow, over time"}
      side={
        <div className="row">
          <Select
            aria-label="Stage"
            placeholder="The whole workflow"
            clearable
            data={detail.stages.map((it) => it.id)}
            value={stage ?? null}
            onChange={(it) => set({ stage: it ?? undefined })}
          />
          <Select
            aria-label="Time"
            data={SPANS}
            value={span}
            allowDeselect={false}
            onChange={(it) => set({ span: it ?? undefined })}
            w={110}
          />
        </div>
      }
    >
      <div key={`${name} ${span}`} className={css.charts}>
        <Chart
          name="Records per second"
          series={both("records in", "records out")}
          read={read(["recordsIn", "recordsOut"])}
          format={rate}
        />
        <Chart
          name="Dead letters per second"
          series={[{ name: "dead letters", color: "--warn" }]}
          read={read(["deadLetters"])}
          format={rate}
        />
        <Chart
          name="Bytes per second"
          series={both("read", "written")}
          read={read(["bytesIn", "bytesOut"])}
          format={perSecond}
        />
        <Chart
          name="Left out per second"
          series={both("left out by rules", "ignored")}
          read={read(["dropped", "ignored"])}
          format={rate}
        />
      </div>
      <p className="muted small">
        As this page saw it since it was opened, and of what has been committed: a stream is counted
        when it ends, a live run with each checkpoint. Where it did not look, there is no line. For
        longer times there are the metrics of the engines, in the format of Prometheus.
      </p>
    </Panel>
  );
}
