import { Select } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { problemIn } from "../../api/problem";
import { useLive } from "../../live";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { More, useMore } from "../../parts/More";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Shows } from "../../parts/Shows";
import { matches } from "../../parts/table";
import { StreamOrders } from "./StreamOrders";
import { StreamTable } from "./StreamTable";
import { useStreams } from "./useStreams";

const route = getRouteApi("/frame/streams");

const STATES = [
  ["open", "open"],
  ["paused", "paused"],
  ["retrying", "retrying"],
  ["committed", "committed"],
  ["committedWithWarnings", "with warnings"],
  ["rolledBack", "rolled back"],
].map(([value, label]) => ({ value: value ?? "", label: label ?? "" }));

/** The newest streams as they come; older ones, and those of a filter, by pages. */
export function Streams() {
  const { workflow, state, filter = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const set = (more: { workflow?: string; state?: string; filter?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...more }), replace: true });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const workflows = useLive("workflows");
  const { live, older, rows, old } = useStreams({ workflow, state });
  const more = useMore(older);
  const shown = rows.filter((it) =>
    matches(`${it.item} ${it.workflow} ${it.node} ${it.state}`, filter),
  );
  return (
    <Page
      title="Streams"
      actions={
        <>
          <Select
            aria-label="Workflow"
            placeholder="All workflows"
            clearable
            data={workflows.value?.items.map((it) => it.name) ?? []}
            value={workflow ?? null}
            onChange={(it) => set({ workflow: it ?? undefined })}
            w={150}
          />
          <Select
            aria-label="State"
            placeholder="All states"
            clearable
            data={STATES}
            value={state ?? null}
            onChange={(it) => set({ state: it ?? undefined })}
            w={140}
          />
          <Filter value={filter} onChange={(it) => set({ filter: it || undefined })} />
          <CopyCli command={sh`weir stream list ${workflow ? ["--workflow", workflow] : []}`} />
        </>
      }
    >
      <StreamOrders
        chosen={rows.filter((it) => chosen.has(it.id))}
        onDone={() => setChosen(new Set())}
      />
      <Panel
        title="Newest first"
        side={
          live.value && (
            <span className="muted small">
              {plural(shown.length, "stream")}
              {older.hasNextPage && ", and older ones"}
            </span>
          )
        }
        flush
      >
        <Shows of={live}>
          {() => (
            <StreamTable rows={shown} old={old} chosen={chosen} onChoose={setChosen} onEnd={more} />
          )}
        </Shows>
      </Panel>
      {older.error && (
        <ProblemView problem={problemIn(older.error)} onRetry={() => void older.refetch()} />
      )}
      <More of={older} label="Older streams" />
    </Page>
  );
}
