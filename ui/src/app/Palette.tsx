import { TextInput } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useMemo, useState } from "react";
import { answered, api } from "../api/client";
import { useProjects } from "../features/projects/projects";
import { useLive } from "../live";
import { present } from "../logic/nodes";
import type { Claim } from "../parts/Act";
import { Dialog } from "../parts/Dialog";
import css from "./frame.module.css";
import { nearby } from "./nearby";
import { type Offer, offered } from "./palette";
import { addressOf, pathed } from "./search";
import { useSession } from "./session";
import { KEYS, VIEWS } from "./views";

interface PaletteProps {
  onScheme: () => void;
  onKeys: () => void;
  onClose: () => void;
}

/** Goes to whatever one names, and does what has a name. */
export function Palette({ onScheme, onKeys, onClose }: PaletteProps) {
  const { me, may, logOut } = useSession();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [workflows, members, deployments] = [
    useLive("workflows"),
    useLive("members"),
    useLive("deployments"),
  ];
  const streams = useLive("streams");
  const projects = useProjects();
  const beside = useBeside(projects.value?.items.map((it) => it.name) ?? [], may);
  const orders: Offer[] = [
    { title: "Light or dark", kind: "Do", path: "#scheme", onDo: onScheme },
    { title: "Keys of this page", kind: "Do", path: "#keys", onDo: onKeys },
    { title: "Upload a package", kind: "Do", path: "/deployments" },
    { title: "Create a project", kind: "Do", path: "/projects" },
    ...(may("alarm:confirm")
      ? [{ title: "Confirm all alarms", kind: "Do", path: "/alarms?confirm=all" }]
      : []),
    me.via === "session"
      ? { title: "Log out", kind: "Do", path: "#log-out", onDo: () => void logOut() }
      : { title: "Log in", kind: "Do", path: "/log-in" },
  ];
  const all = useMemo<Offer[]>(
    () => [
      ...VIEWS.map((it) => ({ title: it.title, kind: "View", path: it.path })),
      ...(workflows.value?.items ?? []).map(({ name }) => ({
        title: name,
        kind: "Workflow",
        path: addressOf`/workflows/${name}`,
      })),
      ...(present(members.value) ?? []).map(({ name }) => ({
        title: name,
        kind: "Node",
        path: addressOf`/nodes/${name}`,
      })),
      ...(deployments.value?.items ?? []).map(({ tag }) => ({
        title: tag,
        kind: "Deployment",
        path: addressOf`/deployments?tag=${tag}`,
      })),
      ...(projects.value?.items ?? []).map(({ name }) => ({
        title: name,
        kind: "Project",
        path: addressOf`/projects/${name}`,
      })),
      ...(streams.value?.items ?? []).map(({ id, item, workflow }) => ({
        title: item,
        kind: `Stream of ${workflow}`,
        path: addressOf`/streams/${id}`,
      })),
    ],
    [workflows.value, members.value, deployments.value, projects.value, streams.value],
  );
  const [here] = useState(nearby);
  const found = offered([...all, ...here, ...beside, ...orders], typed);
  const go = (offer: Offer | undefined) => {
    if (!offer) return;
    onClose();
    if (offer.onDo) offer.onDo();
    else void navigate({ href: offer.path });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter") go(found[at]);
    else if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog onClose={onClose} title="Go to" size="md" yOffset="12vh" centered={false}>
      <TextInput
        aria-label="What to go to"
        placeholder="A view, workflow, stream, node, asset, user … or what to do"
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
        role="combobox"
        aria-expanded="true"
        aria-controls="offers"
        aria-activedescendant={found[at] ? `offer-${at}` : undefined}
        data-autofocus
      />
      <div id="offers" role="listbox" aria-label="Found" className={css.offers}>
        {found.map((it, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={`${it.kind} ${it.title} ${it.path}`}
            id={`offer-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => go(it)}
          >
            <span>{it.title}</span>
            <span className="muted small">{it.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="muted">Nothing is called so.</p>}
    </Dialog>
  );
}

/** Of many projects the assets are not asked for: they are found in their project. */
const PROJECTS_MAX = 20;

/** What is not followed: assets, users, clusters, as far as one may see them. */
function useBeside(projects: readonly string[], may: (claim: Claim) => boolean): Offer[] {
  const assets = useQueries({
    queries: projects.slice(0, PROJECTS_MAX).map((project) => ({
      queryKey: ["assets", project],
      queryFn: () =>
        answered(api.GET("/api/v1/projects/{project}/assets", { params: { path: { project } } })),
    })),
  });
  const users = useQuery({
    queryKey: ["users"],
    queryFn: () => answered(api.GET("/api/v1/users")),
    enabled: may("user:read"),
  });
  const clusters = useQuery({
    queryKey: ["clusters"],
    queryFn: () => answered(api.GET("/api/v1/clusters")),
  });
  return [
    ...assets.flatMap(({ data }, at) =>
      (data?.items ?? []).map((it) => ({
        title: it.name ?? it.path,
        kind: `${it.kind ?? "File"} of ${projects[at]}`,
        path: `${addressOf`/projects/${projects[at] ?? ""}`}/assets/${pathed(it.path)}`,
      })),
    ),
    ...(users.data?.items ?? []).map(({ name }) => ({ title: name, kind: "User", path: "/users" })),
    ...(clusters.data?.items ?? []).map(({ name }) => ({
      title: name,
      kind: "Cluster",
      path: "/fleet",
    })),
  ];
}

export function KeysHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog onClose={onClose} title="Keys" size="md">
      <dl className={css.keys}>
        {VIEWS.map((it) => (
          <div key={it.path}>
            <dt>
              <kbd>g</kbd> <kbd>{it.key}</kbd>
            </dt>
            <dd>{it.title}</dd>
          </div>
        ))}
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((it) => (
                <kbd key={it}>{it}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
