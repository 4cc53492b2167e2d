// Who looks at the page, and what they may do.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { answered, api, type Schemas } from "../api/client";
import { problemIn, Refusal } from "../api/problem";
import { dropToken, keepToken, token } from "../api/token";
import { connection, onUnknownSession } from "../live";
import { ProblemView } from "../parts/Problem";
import { Loading } from "../parts/Shows";

type Me = Schemas["Me"];

interface Session {
  me: Me;
  /** Whether one has the claim, for everything or for some projects. */
  may: (claim: Schemas["UserClaim"]) => boolean;
  logIn: (name: string, password: string, inBrowser: boolean) => Promise<void>;
  logOut: () => Promise<void>;
  /** Reads anew who one is. */
  again: () => Promise<void>;
}

const Known = createContext<Session | undefined>(undefined);

/** Where a session that the server does not know any more is dropped, `me` says that nobody is there. */
async function showMe(): Promise<Me> {
  try {
    return await answered(api.GET("/api/v1/me"));
  } catch (error) {
    if (!(error instanceof Refusal) || error.problem.status !== 401 || !token()) throw error;
    dropToken();
    connection.forget();
    return answered(api.GET("/api/v1/me"));
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { data: me, error, refetch } = useQuery({ queryKey: ["me"], queryFn: showMe, retry: 3 });
  useEffect(
    () =>
      onUnknownSession(() => {
        if (token()) void queries.invalidateQueries({ queryKey: ["me"] });
      }),
    [queries],
  );
  const session = useMemo<Session | undefined>(() => {
    if (!me) return undefined;
    const again = async () => {
      connection.forget();
      queries.removeQueries({ predicate: (it) => it.queryKey[0] !== "me" });
      await refetch();
    };
    return {
      me,
      again,
      may: (claim) => claim in me.grants,
      logIn: async (name, password, inBrowser) => {
        const session = await answered(api.POST("/api/v1/log-in", { body: { name, password } }));
        keepToken(session.token, inBrowser);
        await again();
      },
      logOut: async () => {
        // One that has ended already is as good as ended now.
        await api.POST("/api/v1/log-out").catch(() => undefined);
        dropToken();
        await again();
      },
    };
  }, [me, queries, refetch]);
  if (session) return <Known.Provider value={session}>{children}</Known.Provider>;
  return error ? (
    <ProblemView problem={problemIn(error)} onRetry={() => void refetch()} />
  ) : (
    <Loading />
  );
}

export function useSession(): Session {
  const session = useContext(Known);
  if (!session) throw new Error("a part of the page stands outside of the session");
  return session;
}

/** What one is called here. */
export function nameOf({ user, via }: Me): string {
  if (user) return user;
  return {
    machine: "this machine",
    managementToken: "operator",
    nothing: "not logged in",
    session: "",
    token: "",
  }[via];
}
