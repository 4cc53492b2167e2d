import { Checkbox, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useId } from "react";
import type { Schemas } from "../../api/client";
import { DEFAULT_CLUSTER } from "../../api/place";
import { plural } from "../../logic/format";
import { lookOf } from "../../logic/state";
import { Shows } from "../../parts/Shows";
import { standingOf } from "../fleet/standing";
import { short, titleOf, useBranches, useVersions } from "../history/versions";
import type { Asset } from "../projects/projects";
import { useClusters, useKeysOf, useListed, useStored } from "./deploy";
import css from "./deploy.module.css";
import { CURRENT_KEY, ROOT, toggled, type Wanted } from "./wanted";

interface FormProps {
  project: string;
  assets: readonly Asset[];
  status: Schemas["VersionStatus"] | undefined;
  wanted: Wanted;
  onChange: (it: Wanted) => void;
}

/** What is deployed, where to, and what of it runs then. */
export function Form({ project, assets, status, wanted, onChange }: FormProps) {
  const set = (change: Partial<Wanted>) => onChange({ ...wanted, ...change });
  const stored = useStored(wanted.cluster);
  const tags = stored.value?.items.map((it) => it.tag) ?? [];
  const taken = tags.includes(wanted.tag);
  return (
    <div className={css.form}>
      <Where wanted={wanted} onChange={set} />
      {stored.problem && (
        <p className="muted small">What is stored there is not known: {stored.problem.detail}</p>
      )}
      <div className={css.two}>
        <TextInput
          label="Tag"
          description="Its name there, used once. Empty: the project and the time"
          placeholder={`${project}-…`}
          value={wanted.tag}
          error={taken && `There is a deployment ${wanted.tag} already`}
          onChange={(event) => set({ tag: event.currentTarget.value.trim() })}
          autoComplete="off"
        />
        <Select
          label="Based on"
          description="What it stands below in the tree"
          data={[ROOT, ...tags]}
          value={wanted.base}
          allowDeselect={false}
          searchable
          onChange={(it) => set({ base: it ?? ROOT })}
        />
      </div>
      <TextInput
        label="Description"
        value={wanted.description}
        onChange={(event) => set({ description: event.currentTarget.value })}
        autoComplete="off"
      />
      <Workflows assets={assets} wanted={wanted} onChange={set} />
      <Environments project={project} assets={assets} wanted={wanted} onChange={set} />
      {assets.some((it) => it.kind === "Secret") && <Sealing wanted={wanted} onChange={set} />}
      {status?.isVersioned && <Version status={status} wanted={wanted} onChange={set} />}
      <After wanted={wanted} onChange={set} />
    </div>
  );
}

/** Elsewhere there are other keys; each cluster has a current one. */
const sealedAt = ({ sealTo }: Wanted) => (sealTo ? CURRENT_KEY : "");

interface PartProps {
  wanted: Wanted;
  onChange: (change: Partial<Wanted>) => void;
}

function Where({ wanted, onChange }: PartProps) {
  const { value, problem } = useClusters();
  const all = value?.items ?? [];
  const chosen = all.find((it) => it.name === wanted.cluster);
  const { state, cause } = chosen ? standingOf(chosen) : { state: "", cause: undefined };
  return (
    <Select
      label="Cluster"
      description={problem ? `Others are not shown: ${problem.detail}` : undefined}
      data={(all.length > 0 ? all : [{ name: DEFAULT_CLUSTER }]).map((it) => it.name)}
      value={wanted.cluster}
      allowDeselect={false}
      error={state && state !== "up" ? `${lookOf(state).word}${cause ? `: ${cause}` : ""}` : false}
      onChange={(it) =>
        onChange({ cluster: it ?? DEFAULT_CLUSTER, base: ROOT, sealTo: sealedAt(wanted) })
      }
    />
  );
}

function Workflows({ assets, wanted, onChange }: PartProps & { assets: readonly Asset[] }) {
  const names = assets.flatMap((it) => (it.kind === "Workflow" && it.name ? [it.name] : []));
  return (
    <fieldset className={css.choices}>
      <legend>Workflows</legend>
      {names.length === 0 && <p className="muted">The project has none yet.</p>}
      {names.map((name) => {
        const isChosen = wanted.workflows.length === 0 || wanted.workflows.includes(name);
        return (
          <Checkbox
            key={name}
            size="xs"
            label={name}
            checked={isChosen}
            onChange={() => {
              const all = wanted.workflows.length === 0 ? names : wanted.workflows;
              const chosen = toggled(all, name);
              // All of them is the same as not to choose; none would be nothing to deploy.
              const isPlain = chosen.length === 0 || names.every((it) => chosen.includes(it));
              onChange({ workflows: isPlain ? [] : chosen });
            }}
          />
        );
      })}
    </fieldset>
  );
}

function Environments(props: PartProps & { project: string; assets: readonly Asset[] }) {
  const { wanted, onChange } = props;
  const names = props.assets.flatMap((it) =>
    it.kind === "Environment" && it.name ? [it.name] : [],
  );
  const listed = useListed(props.project);
  if (names.length === 0) return null;
  return (
    <fieldset className={css.choices}>
      <legend>Environments</legend>
      <Shows of={listed}>
        {(listed) => (
          <>
            {names.map((name) => {
              const [first, later] = [listed.indexOf(name), wanted.environments.indexOf(name)];
              const at = first >= 0 ? first + 1 : later >= 0 ? listed.length + later + 1 : 0;
              return (
                <Checkbox
                  key={name}
                  size="xs"
                  label={`${name}${at > 0 ? ` · ${at}.` : ""}${first >= 0 ? " of project.yaml" : ""}`}
                  checked={at > 0}
                  disabled={first >= 0}
                  onChange={() => onChange({ environments: toggled(wanted.environments, name) })}
                />
              );
            })}
            {names.length > 1 && (
              <p className="muted small">Where two define one name, the later one wins.</p>
            )}
          </>
        )}
      </Shows>
    </fieldset>
  );
}

/** Whether the secrets of the project go along as they are, or are sealed anew where it goes. */
function Sealing({ wanted, onChange }: PartProps) {
  const { value, problem } = useKeysOf(wanted.cluster);
  const others = value?.items.filter((it) => !it.current) ?? [];
  return (
    <Select
      label="Secrets"
      description={
        (problem && `Its other keys are not shown: ${problem.detail}`) ||
        (wanted.sealTo && "The server opens them with the project’s own key") ||
        undefined
      }
      data={[
        { value: "", label: "sealed as the project has them" },
        { value: CURRENT_KEY, label: `sealed anew to the current key of ${wanted.cluster}` },
        ...others.map((it) => ({ value: it.alias, label: `sealed anew to its key ${it.alias}` })),
      ]}
      value={wanted.sealTo ?? ""}
      allowDeselect={false}
      onChange={(it) => onChange({ sealTo: it ?? "" })}
    />
  );
}

/** The project as it is now, or as it was in a version. */
function Version({ status, wanted, onChange }: PartProps & { status: Schemas["VersionStatus"] }) {
  const changed = status.files.length;
  const branches = useBranches(status.project).value?.items ?? [];
  const versions = useVersions(status.project).value ?? [];
  const head = status.head ? `, ${short(status.head)}` : "";
  return (
    <Select
      label="Version"
      data={[
        { value: "", label: `as it is now, on ${status.branch ?? "no branch"}${head}` },
        ...branches.map((it) => ({ value: it.name, label: `branch ${it.name}` })),
        ...versions.map((it) => ({ value: it.id, label: `${short(it.id)} ${titleOf(it)}` })),
      ]}
      value={wanted.version}
      allowDeselect={false}
      searchable
      description={
        wanted.version === "" && changed > 0
          ? `◆ ${plural(changed, "file")} not committed: the package will name no version`
          : undefined
      }
      onChange={(it) => onChange({ version: it ?? "" })}
    />
  );
}

function After({ wanted, onChange }: PartProps) {
  const id = useId();
  return (
    <div className={css.after}>
      <span id={id} className={css.label}>
        Once it is stored
      </span>
      <div className="row">
        <SegmentedControl
          size="xs"
          aria-labelledby={id}
          data={[
            { value: "run", label: "Make it the default" },
            { value: "store", label: "Nothing runs" },
          ]}
          value={wanted.isActivated ? "run" : "store"}
          onChange={(it) => onChange({ isActivated: it === "run" })}
        />
        {wanted.isActivated && (
          <Select
            aria-label="Wait until the nodes run it"
            data={[
              { value: "1m", label: "wait for the nodes up to 1 min" },
              { value: "5m", label: "wait for the nodes up to 5 min" },
              { value: "15m", label: "wait for the nodes up to 15 min" },
              { value: "", label: "don’t wait for the nodes" },
            ]}
            value={wanted.wait}
            allowDeselect={false}
            onChange={(it) => onChange({ wait: it ?? "" })}
          />
        )}
      </div>
    </div>
  );
}
