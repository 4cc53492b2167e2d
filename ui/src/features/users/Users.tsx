import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { Mark } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Tabs } from "../../parts/Tabs";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { Ago, Moment } from "../../parts/When";
import { NewUser } from "./NewUser";
import { Roles } from "./Roles";
import { Tokens } from "./Tokens";
import { UserRoles } from "./UserRoles";

type User = Schemas["User"];
const route = getRouteApi("/frame/users");
const TABS = [
  ["users", "Users"],
  ["roles", "Roles"],
  ["sessions", "Sessions"],
  ["tokens", "Tokens"],
] as const;
/** What is copied stands here: an address may say anything. */
const LISTS = {
  users: "weir user list",
  roles: "weir role list",
  sessions: "weir session list",
  tokens: "weir token list",
};

export function Users() {
  const { tab: asked } = route.useSearch();
  const [tab] = TABS.find(([id]) => id === asked) ?? TABS[0];
  const [isNew, setNew] = useState(false);
  return (
    <Page
      title="Users"
      actions={
        <>
          <Act label="New user …" claim="user:write" isMain onAct={() => setNew(true)} />
          <CopyCli command={LISTS[tab]} />
        </>
      }
    >
      <Tabs all={TABS} at={tab} />
      {tab === "users" && <AllUsers />}
      {tab === "roles" && <Roles />}
      {tab === "sessions" && <Sessions />}
      {tab === "tokens" && <Tokens />}
      {isNew && <NewUser onClose={() => setNew(false)} />}
    </Page>
  );
}

const USERS: Column<User>[] = [
  { id: "name", title: "User", value: (it) => it.name, cell: (it) => <strong>{it.name}</strong> },
  {
    id: "full",
    title: "Name",
    cell: (it) => [it.profile.firstName, it.profile.lastName].filter(Boolean).join(" "),
  },
  {
    id: "enabled",
    title: "State",
    value: (it) => String(it.enabled),
    cell: (it) => (
      <>
        <Mark tone={it.enabled ? "ok" : "idle"}>{it.enabled ? "enabled" : "disabled"}</Mark>
        {it.mustChange && (
          <>
            {" "}
            <Mark tone="warn">must change the password</Mark>
          </>
        )}
      </>
    ),
  },
  {
    id: "roles",
    title: "Roles",
    cell: (it) => it.roles.join(", ") || <span className="muted">none</span>,
  },
  {
    id: "in",
    title: "Logged in",
    value: (it) => it.loggedInAt ?? undefined,
    cell: (it) => <Ago at={it.loggedInAt} />,
  },
  {
    id: "failures",
    title: "Failed log-ins",
    isNumber: true,
    value: (it) => it.failures,
    cell: (it) => it.failures,
  },
  {
    id: "created",
    title: "Created",
    value: (it) => it.createdAt,
    cell: (it) => <Moment at={it.createdAt} />,
  },
];

function AllUsers() {
  const standing = useAsked(["users"], () => answered(api.GET("/api/v1/users")));
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<"toggle" | "roles" | "delete">();
  const intent = useIntent();
  const user = standing.value?.items.find((it) => chosen.has(it.name) && chosen.size === 1);
  const not = chosen.size === 0 ? "No user is chosen" : chosen.size > 1 && "One at a time";
  const again = () => queries.invalidateQueries({ queryKey: ["users"] });
  const toggle = async () => {
    if (!user) return;
    const body = { enabled: !user.enabled };
    const { header } = intent([user.name, user.revision, body]);
    await answered(
      api.PATCH("/api/v1/users/{name}", {
        params: {
          path: { name: user.name },
          header: { ...header, "if-match": user.revision },
        },
        body,
      }),
    );
    await again();
  };
  return (
    <Panel
      title="All users"
      flush
      side={
        <div className="row">
          <Act
            label={user?.enabled === false ? "Enable …" : "Disable …"}
            claim="user:write"
            not={not}
            onAct={() => setAsked("toggle")}
          />
          <Act label="Roles …" claim="user:write" not={not} onAct={() => setAsked("roles")} />
          <Act
            label="Delete …"
            claim="user:write"
            isDanger
            not={not}
            onAct={() => setAsked("delete")}
          />
        </div>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Users"
            columns={USERS}
            rows={items}
            keyOf={(it) => it.name}
            chosen={chosen}
            onChoose={setChosen}
            empty={
              <Empty
                what="There is no user yet"
                why="The first administrator is made with the secret that the engine wrote to its data directory."
                action={<a href="/set-up">Make the first administrator</a>}
                cli="weir user set-up NAME --secret-file FILE"
              />
            }
          />
        )}
      </Shows>
      {asked === "toggle" && user && (
        <Confirm
          title={`${user.enabled ? "Disable" : "Enable"} ${user.name}`}
          verb={user.enabled ? "Disable" : "Enable"}
          cli={sh`weir user set ${user.name} --${user.enabled ? "disable" : "enable"}`}
          onDo={toggle}
          onStale={() => void again()}
          onClose={() => setAsked(undefined)}
        >
          <p>
            {user.enabled
              ? `${user.name} can't log in any more; sessions and tokens don't work until enabled again.`
              : `${user.name} may log in again.`}
          </p>
        </Confirm>
      )}
      {asked === "roles" && user && <UserRoles of={user} onClose={() => setAsked(undefined)} />}
      {asked === "delete" && user && (
        <Confirm
          title={`Delete ${user.name}`}
          verb="Delete"
          isDanger
          typed={user.name}
          cli={sh`weir user delete ${user.name}`}
          onDo={async () => {
            await answered(
              api.DELETE("/api/v1/users/{name}", {
                params: {
                  path: { name: user.name },
                  ...intent(["delete", user.name, user.revision]),
                },
              }),
            );
            setChosen(new Set());
            await again();
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>All tokens and sessions of {user.name} end with it.</p>
        </Confirm>
      )}
    </Panel>
  );
}

const SESSIONS: Column<Schemas["Session"]>[] = [
  {
    id: "user",
    title: "User",
    value: (it) => it.user,
    cell: (it) => (
      <span className="row">
        {it.user}
        {it.current && <Mark tone="info">this session</Mark>}
      </span>
    ),
  },
  { id: "from", title: "From", cell: (it) => <span className="mono">{it.from}</span> },
  {
    id: "opened",
    title: "Since",
    value: (it) => it.openedAt,
    cell: (it) => <Ago at={it.openedAt} />,
  },
  {
    id: "expires",
    title: "Until",
    value: (it) => it.expiresAt,
    cell: (it) => <Moment at={it.expiresAt} />,
  },
];

function Sessions() {
  const standing = useAsked(["sessions"], () => answered(api.GET("/api/v1/sessions")));
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<"chosen" | "all">();
  const intent = useIntent();
  const ended = standing.value?.items.filter((it) => chosen.has(it.id)) ?? [];
  const [only] = ended;
  const users = [...new Set(ended.map((it) => it.user))].sort();
  const isOwn = ended.some((it) => it.current);
  const end = async () => {
    // That of the page last: what comes after it would be refused.
    const [others, own] = [ended.filter((it) => !it.current), ended.filter((it) => it.current)];
    for (const { id } of [...others, ...own])
      await answered(
        api.DELETE("/api/v1/sessions/{id}", { params: { path: { id }, ...intent(id) } }),
      );
    setChosen(new Set());
    await queries.invalidateQueries({ queryKey: ["sessions"] });
  };
  return (
    <Panel
      title="Open sessions"
      flush
      side={
        <div className="row">
          <Act
            label={`End (${chosen.size}) …`}
            claim="user:write"
            isDanger
            not={chosen.size === 0 && "No session is chosen"}
            onAct={() => setAsked("chosen")}
          />
          <Act
            label="End all of the user …"
            claim="user:write"
            isDanger
            not={
              (users.length === 0 && "No session is chosen") ||
              (users.length > 1 && "Sessions of several users are chosen")
            }
            onAct={() => setAsked("all")}
          />
        </div>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Sessions"
            columns={SESSIONS}
            rows={items}
            keyOf={(it) => it.id}
            nameOf={(it) => `the session of ${it.user} from ${it.from}`}
            chosen={chosen}
            onChoose={setChosen}
            empty={
              <Empty
                what="Nobody is logged in"
                why="Sessions end after 12 hours."
                cli="weir session list"
              />
            }
          />
        )}
      </Shows>
      {asked === "all" && only && (
        <EndAll
          user={only.user}
          sessions={standing.value?.items.filter((it) => it.user === only.user) ?? []}
          onEnd={() => setChosen(new Set())}
          onClose={() => setAsked(undefined)}
        />
      )}
      {asked === "chosen" && (
        <Confirm
          title={`End ${plural(chosen.size, "session")}`}
          verb="End"
          isDanger
          typed={ended.length > 1 ? `${ended.length}` : undefined}
          cli={ended.map((it) => sh`weir session end ${it.id}`).join(" && ")}
          onDo={end}
          onClose={() => setAsked(undefined)}
        >
          <p>Whoever has them must log in again:</p>
          <ul>
            {users.map((user) => (
              <li key={user}>
                {user}: {plural(ended.filter((it) => it.user === user).length, "session")}
              </li>
            ))}
          </ul>
          {isOwn && <p>▲ That of this page is among them: you will have to log in again, too.</p>}
        </Confirm>
      )}
    </Panel>
  );
}

/** All that a user has, also those that were opened since the list was read. */
function EndAll(props: {
  user: string;
  sessions: readonly Schemas["Session"][];
  onEnd: () => void;
  onClose: () => void;
}) {
  const { user, sessions } = props;
  const queries = useQueryClient();
  const intent = useIntent();
  const isOwn = sessions.some((it) => it.current);
  return (
    <Confirm
      title={`End all sessions of ${user}`}
      verb="End all"
      isDanger
      typed={user}
      cli={sh`weir session end-all ${user}`}
      onDo={async () => {
        const params = { path: { name: user }, ...intent(sessions.map((it) => it.id)) };
        await answered(api.DELETE("/api/v1/users/{name}/sessions", { params }));
        props.onEnd();
        await queries.invalidateQueries({ queryKey: ["sessions"] });
      }}
      onClose={props.onClose}
    >
      <p>
        {plural(sessions.length, "session")} of {user}, and any opened since this list was read, end
        at once. Tokens go on.
      </p>
      {isOwn ? (
        <p>▲ This session is among them: you will have to log in again.</p>
      ) : (
        <p>This session, in which you look at it, is not among them.</p>
      )}
    </Confirm>
  );
}
