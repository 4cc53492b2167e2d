import { Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { Confirm } from "../../parts/Act";
import { Dialog } from "../../parts/Dialog";
import { type Design, type DesignEdge, type DesignStage, misfit } from "./design";
import css from "./designer.module.css";
import { type Item, matching } from "./palette";

/** Connects by name: the way of the keyboard. Only what fits is offered. */
export function Connect({
  design,
  stage,
  onConnect,
  onClose,
}: {
  design: Design;
  stage: DesignStage;
  onConnect: (it: DesignEdge) => void;
  onClose: () => void;
}) {
  const open = stage.ports.find(
    (port) => !design.edges.some((it) => it.from === stage.id && it.port === port),
  );
  const [port, setPort] = useState(open ?? stage.ports[0] ?? "out");
  const [to, setTo] = useState<string | null>(null);
  const edge = (id: string): DesignEdge => ({ from: stage.id, port, to: id });
  const fitting = design.stages.filter((it) => !misfit(design, edge(it.id)));
  return (
    <Confirm
      title={`Connect ${stage.id}`}
      verb="Connect"
      not={!to && "Where it leads is missing"}
      onDo={async () => {
        if (to) onConnect(edge(to));
      }}
      onClose={onClose}
    >
      {stage.ports.length > 1 && (
        <Select
          label="Port"
          data={stage.ports}
          value={port}
          allowDeselect={false}
          onChange={(it) => {
            setPort(it ?? port);
            setTo(null);
          }}
        />
      )}
      <Select
        label="Leads to"
        description={
          fitting.length > 0
            ? "Those stages to which records may go from here"
            : "No stage takes records from here: add one behind it"
        }
        data={fitting.map((it) => it.id)}
        value={to}
        searchable
        onChange={setTo}
        data-autofocus
      />
    </Confirm>
  );
}

/** What was drawn to where nothing is: what is to stand there? */
export function Behind({
  from,
  all,
  onAdd,
  onClose,
}: {
  from: { from: string; port: string };
  all: readonly Item[];
  onAdd: (it: Item) => void;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState("");
  const found = matching(
    all.filter((it) => it.role !== "source"),
    typed,
  );
  const name = from.port === "out" ? from.from : `${from.from}.${from.port}`;
  return (
    <Dialog onClose={onClose} title={`Add a stage behind ${name}`} size="md">
      <TextInput
        aria-label="Find a stage to add here"
        placeholder="Find a stage"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          const [first] = found;
          if (event.key === "Enter" && first) onAdd(first);
        }}
        data-autofocus
      />
      <div className={css.offers}>
        {found.map((it) => (
          <button
            key={it.id}
            type="button"
            className={css.item}
            data-role={it.role}
            onClick={() => onAdd(it)}
          >
            <strong>{it.title}</strong>
            <span className="muted small">{it.what}</span>
          </button>
        ))}
      </div>
    </Dialog>
  );
}
