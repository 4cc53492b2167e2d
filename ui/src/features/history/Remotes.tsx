import { PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Shows } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import { type Operation, useOperation } from "../operations/operations";
import { Progress, Refused } from "../operations/Progress";
import css from "./history.module.css";
import { renewAll, useRemotes } from "./versions";

type Verb = "fetch" | "pull" | "push";

/** Other repositories that versions are exchanged with. */
export function Remotes({ project }: { project: string }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<{ forget?: string }>();
  const [operation, setOperation] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const [attempt, setAttempt] = useState(0);
  const intent = useIntent();
  const going = useOperation(operation, () => void renewAll(queries)).value;
  const begin = async (verb: Verb, remote: string) => {
    setProblem(undefined);
    setAttempt(attempt + 1);
    const params = { path: { project, remote }, ...intent([verb, remote, attempt]) };
    try {
      const body = {};
      const begun =
        verb === "fetch"
          ? api.POST("/api/v1/projects/{project}/remotes/{remote}/fetch", { params })
          : verb === "pull"
            ? api.POST("/api/v1/projects/{project}/remotes/{remote}/pull", { params, body })
            : api.POST("/api/v1/projects/{project}/remotes/{remote}/push", { params, body });
      setOperation((await answered<Operation>(begun)).id);
    } catch (error) {
      setProblem(problemIn(error));
    }
  };
  return (
    <Panel
      title="Remotes"
      side={
        <div className="row">
          <Act label="Add …" about="remote" claim="project:write" onAct={() => setAsked({})} />
          <CopyCli command={sh`weir project remote list ${project}`} />
        </div>
      }
    >
      <Shows of={useRemotes(project)}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty
              what="There is no remote"
              why="Another repository over https, from which versions are fetched and to which they are sent."
            />
          ) : (
            <ul className={css.files} aria-label="Remotes">
              {items.map((it) => (
                <li key={it.name}>
                  <span className="grow">
                    <strong>{it.name}</strong> <span className="muted small">{it.address}</span>
                    {it.hasCredentials && (
                      <span className="muted small"> · as {it.user ?? "the owner of a token"}</span>
                    )}
                  </span>
                  {(["fetch", "pull", "push"] as const).map((verb) => (
                    <Act
                      key={verb}
                      label={{ fetch: "Fetch", pull: "Pull", push: "Push" }[verb]}
                      about={it.name}
                      claim="project:write"
                      not={going?.state === "running" && "Something is on its way"}
                      onAct={() => void begin(verb, it.name)}
                    />
                  ))}
                  <Act
                    label="Forget …"
                    about={it.name}
                    claim="project:write"
                    onAct={() => setAsked({ forget: it.name })}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Shows>
      {problem && <ProblemView problem={problem} />}
      {going && <Went project={project} of={going} />}
      {asked && !asked.forget && <Add project={project} onClose={() => setAsked(undefined)} />}
      {asked?.forget && (
        <Confirm
          title={`Forget ${asked.forget}`}
          verb="Forget"
          isDanger
          cli={sh`weir project remote remove ${project} ${asked.forget}`}
          onDo={async () => {
            const params = { path: { project, remote: asked.forget ?? "" } };
            await answered(api.DELETE("/api/v1/projects/{project}/remotes/{remote}", { params }));
            await renewAll(queries);
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>What is known of its branches and its credentials go. Nothing changes there.</p>
        </Confirm>
      )}
    </Panel>
  );
}

/** What came of it, in words. */
function Went({ project, of }: { project: string; of: Operation }) {
  const { branches, merge, branch } = (of.result ?? {}) as {
    branches?: Schemas["FetchedBranch"][];
    merge?: Schemas["MergeResult"];
    branch?: string;
  };
  return (
    <>
      <h3>{of.kind}</h3>
      <Progress of={of} />
      {of.problem && <Refused project={project} problem={of.problem} />}
      {branches && (
        <p>
          {branches.length === 0
            ? "No branch of the remote moved."
            : `${plural(branches.length, "branch", "branches")} moved: ${branches.map((it) => it.branch).join(", ")}`}
        </p>
      )}
      {merge?.outcome === "conflicts" && (
        <p>Both sides changed the same: merge {branch} above, where each conflict is decided.</p>
      )}
    </>
  );
}

function Add({ project, onClose }: { project: string; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("origin");
  const [address, setAddress] = useState("");
  const [user, setUser] = useState("");
  const [secret, setSecret] = useState("");
  return (
    <Confirm
      title="Add a remote"
      verb="Add"
      cli={sh`weir project remote add ${project} ${name} ${address || "https://HOST/PATH"} ${user ? ["--user", user] : []}`}
      not={(!name && "A name is missing") || (!address && "An address is missing")}
      onDo={async () => {
        const credentials = secret ? { user: user || undefined, secret } : undefined;
        await answered(
          api.POST("/api/v1/projects/{project}/remotes", {
            params: { path: { project } },
            body: { name, address, credentials },
          }),
        );
        await renewAll(queries);
      }}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value.trim())}
        autoComplete="off"
      />
      <TextInput
        label="Address"
        placeholder="https://git.example.org/shop"
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value.trim())}
        autoComplete="off"
        data-autofocus
      />
      <TextInput
        label="User"
        description="Empty: the secret is a token"
        value={user}
        onChange={(event) => setUser(event.currentTarget.value.trim())}
        autoComplete="off"
      />
      <PasswordInput
        label="Password or token"
        description="Kept sealed by the server, sent to this address alone, and never shown"
        value={secret}
        onChange={(event) => setSecret(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}
