import { Select } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback } from "react";
import { useLive } from "../../live";
import { Page } from "../../parts/Page";
import { LogTail, type Shown } from "./LogTail";
import type { Filter } from "./tail";

const route = getRouteApi("/frame/logs");
const OF = [
  { value: "engines", label: "Engines" },
  { value: "server", label: "Configuration server" },
];

/** What all engines log, and the configuration server. */
export function Logs() {
  const { of, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const set = useCallback(
    (more: Filter & { of?: string | undefined }) =>
      void navigate({ search: (before) => ({ ...before, ...more }), replace: true }),
    [navigate],
  );
  const nodes = useLive("nodes");
  const workflows = useLive("workflows");
  const ofServer = of === "server";
  const filter: Shown = ofServer
    ? { level: search.level, text: search.text, code: search.code, ofServer }
    : search;
  return (
    <Page
      title="Logs"
      actions={
        <>
          <Select
            aria-label="Whose log"
            data={OF}
            allowDeselect={false}
            value={ofServer ? "server" : "engines"}
            onChange={(it) => set({ of: it === "server" ? it : undefined })}
            w={180}
          />
          {!ofServer && (
            <>
              <Select
                aria-label="Node"
                placeholder="All nodes"
                clearable
                data={nodes.value?.items.map((it) => it.name) ?? []}
                value={search.node ?? null}
                onChange={(it) => set({ node: it ?? undefined })}
                w={150}
              />
              <Select
                aria-label="Workflow"
                placeholder="All workflows"
                clearable
                data={workflows.value?.items.map((it) => it.name) ?? []}
                value={search.workflow ?? null}
                onChange={(it) => set({ workflow: it ?? undefined })}
                w={150}
              />
            </>
          )}
        </>
      }
    >
      <LogTail filter={filter} onFilter={set} />
    </Page>
  );
}
