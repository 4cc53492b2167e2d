// What is kept under an alias: a table of which one is chosen, added to and deleted from.
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Intent } from "../../api/client";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";
import type { Sorting } from "../../parts/table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";

export interface AliasedProps<T extends { alias: string }> {
  title: string;
  /** What one of them is called, as `certificate`. */
  noun: string;
  /** What the commands call it, as `certs`. */
  cli: string;
  /** What they are asked for and known by. */
  query: string;
  ask: () => Promise<{ items: T[] }>;
  columns: Column<T>[];
  sorting?: Sorting;
  empty: { what: string; why: string; cli: string };
  add: (onDone: () => Promise<void>, onClose: () => void) => ReactNode;
  remove: (alias: string, intent: Intent) => Promise<unknown>;
  /** What comes of deleting one. */
  effect: string;
}

/** The column that all of them begin with. */
export const aliasColumn = <T extends { alias: string }>(): Column<T> => ({
  id: "alias",
  title: "Alias",
  value: (it) => it.alias,
  cell: (it) => <strong>{it.alias}</strong>,
});

export function Aliased<T extends { alias: string }>(props: AliasedProps<T>) {
  const { title, noun, cli, query } = props;
  const queries = useQueryClient();
  const intent = useIntent();
  const standing = useAsked([query], props.ask);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<"add" | "delete">();
  const [alias] = chosen;
  const close = () => setAsked(undefined);
  const again = () => queries.invalidateQueries({ queryKey: [query] });
  return (
    <Panel
      title={title}
      flush
      side={
        <div className="row">
          <Act label="Add …" about={`a ${noun}`} claim="key:write" onAct={() => setAsked("add")} />
          <Act
            label="Delete …"
            about={noun}
            claim="key:write"
            isDanger
            not={chosen.size !== 1 && "Choose one"}
            onAct={() => setAsked("delete")}
          />
          <CopyCli command={sh`weir ${cli} list`} />
        </div>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name={title}
            columns={props.columns}
            rows={items}
            keyOf={(it) => it.alias}
            sorting={props.sorting}
            chosen={chosen}
            onChoose={setChosen}
            empty={<Empty {...props.empty} />}
          />
        )}
      </Shows>
      {asked === "add" && props.add(again, close)}
      {asked === "delete" && alias !== undefined && (
        <Confirm
          title={`Delete the ${noun} ${alias}`}
          verb="Delete"
          isDanger
          typed={alias}
          cli={sh`weir ${cli} delete ${alias}`}
          onDo={async () => {
            await props.remove(alias, intent(alias));
            setChosen(new Set());
            await again();
          }}
          onClose={close}
        >
          <p>{props.effect}</p>
        </Confirm>
      )}
    </Panel>
  );
}
