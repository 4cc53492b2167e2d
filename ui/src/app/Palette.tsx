import { TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useMemo, useState } from "react";
import { useProjects } from "../features/projects/projects";
import { useLive } from "../live";
import { present } from "../logic/nodes";
import { Dialog } from "../parts/Dialog";
import css from "./frame.module.css";
import { type Offer, offered } from "./palette";
import { KEYS, VIEWS } from "./views";

/** Goes to whatever one names: a view, a workflow, a node, a deployment, a project. */
export function Palette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [workflows, members, deployments] = [
    useLive("workflows"),
    useLive("members"),
    useLive("deployments"),
  ];
  const projects = useProjects();
  const all = useMemo<Offer[]>(
    () => [
      ...VIEWS.map((it) => ({ title: it.title, kind: "View", path: it.path })),
      ...(workflows.value?.items ?? []).map(({ name }) => ({
        title: name,
        kind: "Workflow",
        path: `/workflows/${name}`,
      })),
      ...(present(members.value) ?? []).map(({ name }) => ({
        title: name,
        kind: "Node",
        path: `/nodes/${name}`,
      })),
      ...(deployments.value?.items ?? []).map(({ tag }) => ({
        title: tag,
        kind: "Deployment",
        path: `/deployments?tag=${tag}`,
      })),
      ...(projects.value?.items ?? []).map(({ name }) => ({
        title: name,
        kind: "Project",
        path: `/projects/${name}`,
      })),
    ],
    [workflows.value, members.value, deployments.value, projects.value],
  );
  const found = offered(all, typed);
  const go = (offer: Offer | undefined) => {
    if (!offer) return;
    onClose();
    void navigate({ href: offer.path });
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
        placeholder="A view, workflow, node, deployment or project"
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
            key={it.path}
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
