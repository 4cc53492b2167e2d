import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { CopyText } from "../../parts/CopyText";
import { Edits } from "../../parts/Edits";
import { Facts, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { Moment } from "../../parts/When";
import css from "./deployments.module.css";
import { ROOT } from "./tree";
import type { Wanted } from "./wanted";
import { type Where, whereSaid } from "./where";

type Stored = Schemas["StoredDeployment"];
const route = getRouteApi("/frame/deployments");

export function Detail({
  deployment: it,
  at,
  all,
  onWant,
  onCanary,
}: {
  deployment: Stored;
  at: Where;
  all: Schemas["Deployments"];
  onWant: (it: Wanted) => void;
  onCanary: (tag: string) => void;
}) {
  const inUse = it.nodes.length > 0 || at.runs.length > 0 || it.assignedBy.length > 0;
  return (
    <Panel
      title={it.tag}
      side={
        <div className="row">
          <Act
            label="Make default …"
            claim="deployment:activate"
            isMain={!it.default}
            not={it.default && "It is the default"}
            onAct={() => onWant({ to: "activate", tag: it.tag })}
          />
          <Act
            label="Canary …"
            claim="deployment:activate"
            not={
              it.default
                ? "It is the default"
                : all.canary && `The canary ${all.canary.tag} runs: end or promote it first`
            }
            onAct={() => onCanary(it.tag)}
          />
          <Act
            label="Delete …"
            claim="deployment:write"
            isDanger
            not={inUse && "It runs, or is to run, somewhere"}
            onAct={() => onWant({ to: "delete", tag: it.tag })}
          />
          <CopyCli command={sh`weir deployment show ${it.tag}`} />
        </div>
      }
    >
      <Facts
        of={[
          ["Description", it.description],
          ["Project", it.project],
          ["Workflows", it.workflows.map((workflow) => workflow.name).join(", ")],
          ["Built", <Moment key="b" at={it.builtAt} />],
          ["By", it.author],
          [
            "Commit",
            it.commit && (
              <span key="c" className="mono">
                {it.commit.slice(0, 12)}
              </span>
            ),
          ],
          ["Runs on", whereSaid(at)],
          ["Assigned by", it.assignedBy.join(", ")],
          [
            "Based on",
            <span key="p" className="mono">
              {it.parent}
            </span>,
          ],
          ["Same content", it.same.join(", ")],
          [
            "Digest",
            <span key="d" className="mono">
              <span title={it.digest}>{it.digest.slice(0, 24)}…</span>
              <CopyText text={it.digest} what="digest" />
            </span>,
          ],
        ]}
      />
      <Diff deployment={it} all={all} />
    </Panel>
  );
}

function Diff({ deployment, all }: { deployment: Stored; all: Schemas["Deployments"] }) {
  const { against = deployment.parent } = route.useSearch();
  const navigate = route.useNavigate();
  const others = [ROOT, ...all.items.map((it) => it.tag)].filter((it) => it !== deployment.tag);
  const from = others.includes(against) ? against : ROOT;
  const diff = useQuery({
    queryKey: ["diff", from, deployment.tag],
    queryFn: () =>
      answered(
        api.GET("/api/v1/deployments:diff", { params: { query: { from, to: deployment.tag } } }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <div className={css.diff}>
      <div className="row">
        <h3>What differs from</h3>
        <Select
          aria-label="Compare with"
          data={others}
          value={from}
          allowDeselect={false}
          onChange={(it) =>
            void navigate({
              search: (before) => ({ ...before, against: it ?? undefined }),
              replace: true,
            })
          }
        />
      </div>
      {diff.isPending && <Loading />}
      {diff.error && <ProblemView problem={problemIn(diff.error)} />}
      {diff.data?.changes.length === 0 && (
        <p className="muted">Nothing: their content is the same.</p>
      )}
      {diff.data?.changes.map((it) => (
        <Item key={it.item} of={it} />
      ))}
    </div>
  );
}

const SIGN = { added: "+", removed: "−", changed: "~" };

function Item({ of }: { of: Schemas["ItemChange"] }) {
  const head = (
    <>
      <span className="mono" aria-hidden="true">
        {SIGN[of.change]}
      </span>{" "}
      {of.item} <span className="muted">{of.change}</span>
    </>
  );
  if (!of.edits?.length) return <p data-change={of.change}>{head}</p>;
  return (
    <details data-change={of.change}>
      <summary>{head}</summary>
      <Edits of={of.edits} />
    </details>
  );
}
