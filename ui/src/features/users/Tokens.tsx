import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { useSession } from "../../app/session";
import { useNow } from "../../logic/now";
import { sh } from "../../logic/shell";
import { Act, Confirm } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Refresh } from "../../parts/Refresh";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { useIntent } from "../../parts/useIntent";
import { Ago, Moment } from "../../parts/When";
import { NewToken } from "./NewToken";
import { scopeSaid } from "./role";

type Token = Schemas["Token"];

const TOKENS: Column<Token>[] = [
  { id: "user", title: "User", value: (it) => it.user, cell: (it) => it.user },
  { id: "description", title: "For", cell: (it) => it.description },
  {
    id: "claims",
    title: "Claims",
    cell: (it) => (
      <span className="mono" title={it.claims.join(", ")}>
        {it.claims.join(", ")}
      </span>
    ),
  },
  { id: "scope", title: "Within", cell: (it) => scopeSaid(it.scope) },
  {
    id: "used",
    title: "Used",
    value: (it) => it.usedAt ?? undefined,
    cell: (it) => <Ago at={it.usedAt} />,
  },
  {
    id: "expires",
    title: "Until",
    value: (it) => it.expiresAt,
    cell: (it) => <Until at={it.expiresAt} />,
  },
];

/** It ends while one looks at it. */
export function Until({ at }: { at: string }) {
  const isOver = Date.parse(at) <= useNow();
  return (
    <>
      <State name={isOver ? "expired" : "on"} /> <Moment at={at} />
    </>
  );
}

/** What lets programs in: one makes one's own, and whoever manages users revokes anybody's. */
export function Tokens() {
  const { me } = useSession();
  const queries = useQueryClient();
  const intent = useIntent();
  const tokens = useQuery({
    queryKey: ["tokens"],
    queryFn: () => answered(api.GET("/api/v1/tokens")),
  });
  const { data: value, error, dataUpdatedAt: at } = tokens;
  const standing = { value, at, problem: error ? problemIn(error) : undefined };
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<"new" | "revoke">();
  const token = value?.items.find((it) => chosen.has(it.id) && chosen.size === 1);
  const again = () => queries.invalidateQueries({ queryKey: ["tokens"] });
  const revoke = async ({ id, user }: Token) => {
    const params = { path: { id }, ...intent(["revoke", id]) };
    await answered(
      user === me.user
        ? api.DELETE("/api/v1/me/tokens/{id}", { params })
        : api.DELETE("/api/v1/tokens/{id}", { params }),
    );
    setChosen(new Set());
    await again();
  };
  return (
    <Panel
      title="Tokens of all users"
      flush
      side={
        <div className="row">
          <Refresh of={tokens} />
          <Act
            label="New …"
            about="token"
            claim="profile:write"
            isMain
            not={me.via !== "session" && "A token is a user’s own: log in first"}
            onAct={() => setAsked("new")}
          />
          <Act
            label="Revoke …"
            claim={token?.user === me.user ? "profile:write" : "user:write"}
            isDanger
            not={!token && (chosen.size === 0 ? "No token is chosen" : "One at a time")}
            onAct={() => setAsked("revoke")}
          />
        </div>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Tokens"
            columns={TOKENS}
            rows={items}
            keyOf={(it) => it.id}
            nameOf={(it) => `the token ${it.description || it.id} of ${it.user}`}
            chosen={chosen}
            onChoose={setChosen}
            empty={
              <Empty
                what="There are no tokens"
                why="Tokens let programs in, with the claims that they name."
                cli="weir token create TEXT --claim CLAIM"
              />
            }
          />
        )}
      </Shows>
      {asked === "new" && (
        <NewToken onMade={() => void again()} onClose={() => setAsked(undefined)} />
      )}
      {asked === "revoke" && token && (
        <Confirm
          title={`Revoke the token ${token.description || token.id}`}
          verb="Revoke"
          isDanger
          typed={token.description || token.user}
          cli={sh`weir token revoke ${token.id} ${token.user === me.user ? [] : ["--of-others"]}`}
          onDo={() => revoke(token)}
          onClose={() => setAsked(undefined)}
        >
          <p>
            Programs of {token.user} that show it are let in no more, within seconds
            {token.usedAt ? (
              <>
                ; it was used <Ago at={token.usedAt} />
              </>
            ) : (
              "; it was never used"
            )}
            .
          </p>
        </Confirm>
      )}
    </Panel>
  );
}
