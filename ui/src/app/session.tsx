// Who looks at the page, and what they may do.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { answered, api, type Schemas } from "../api/client";
import { DEFAULT_CLUSTER, place } from "../api/place";
import { problemIn, Refusal } from "../api/problem";
import {
  adoptToken,
  dropToken,
  endToken,
  isOfBrowser,
  keepToken,
  onOtherSession,
  onUnknownSession,
  token,
} from "../api/token";
import { connection } from "../live";
import { ProblemView } from "../parts/Problem";
import { Loading } from "../parts/Shows";

type Me = Schemas["Me"];

interface Session {
  me: Me;
  /** Whose session ended while the page was open: they may log in again where they are. */
  ended: string | undefined;
  /** Whether one has the claim, for everything or for some projects. */
  may: (claim: Schemas["UserClaim"]) => boolean;
  logIn: (name: string, password: string, inBrowser: boolean) => Promise<void>;
  /** For a browser that comes back from the provider of log-ins. */
  comeBackWith: (brought: Schemas["ProviderFinish"]) => Promise<void>;
  logOut: () => Promise<void>;
  /** Reads anew who one is. */
  again: () => Promise<void>;
}

const Known = createContext<Session | undefined>(undefined);

/** Where the server does not know the session that is shown, it is dropped: then it says who is there without. */
async function showMe(onEnd: () => void): Promise<Me> {
  const isUnknown = (error: unknown) => error instanceof Refusal && error.problem.status === 401;
  const shown = token();
  const me = await answered(api.GET("/api/v1/me")).catch((error: unknown) => {
    if (shown && isUnknown(error)) return undefined;
    throw error;
  });
  if (me && (!shown || me.via === "session")) return me;
  onEnd();
  endToken();
  // What is shown stays, for whoever was there.
  connection.rejoin();
  return answered(api.GET("/api/v1/me"));
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const user = useRef<string>(undefined);
  const [ended, setEnded] = useState<string>();
  const {
    data: me,
    error,
    refetch,
  } = useQuery({
    queryKey: ["me"],
    queryFn: () => showMe(() => setEnded(user.current)),
    retry: 3,
  });
  if (me?.user) user.current = me.user;
  useEffect(
    () =>
      onUnknownSession(() => {
        // Many are told so at the same time.
        if (queries.isFetching({ queryKey: ["me"] }) === 0)
          void queries.invalidateQueries({ queryKey: ["me"] });
      }),
    [queries],
  );
  const again = useCallback(async () => {
    setEnded(undefined);
    connection.forget();
    queries.removeQueries({ predicate: (it) => it.queryKey[0] !== "me" });
    await refetch();
  }, [queries, refetch]);
  /** Nothing that was begun is lost to who comes back. */
  const comeBack = useCallback(async () => {
    connection.rejoin();
    await refetch();
    setEnded(undefined);
    await queries.invalidateQueries({ predicate: (it) => it.queryKey[0] !== "me" });
  }, [queries, refetch]);
  useEffect(
    () =>
      onOtherSession(async (other) => {
        const headers = { authorization: `Bearer ${other}` };
        const they = other
          ? await api.GET("/api/v1/me", { headers }).catch(() => undefined)
          : undefined;
        adoptToken(other);
        if (they?.data?.user && they.data.user === user.current) return comeBack();
        // Who was here until now is gone at once: what follows is somebody else's.
        setEnded(undefined);
        connection.forget();
        queries.removeQueries({ predicate: (it) => it.queryKey[0] !== "me" });
        await queries.resetQueries({ queryKey: ["me"] });
      }),
    [queries, comeBack],
  );
  const session = useMemo<Session | undefined>(() => {
    if (!me) return undefined;
    return {
      me,
      ended: me.via === "session" ? undefined : ended,
      again,
      may: (claim) => claim in me.grants || claim in here(me),
      logIn: async (name, password, inBrowser) => {
        const session = await answered(api.POST("/api/v1/log-in", { body: { name, password } }));
        keepToken(session.token, inBrowser);
        await (ended === name ? comeBack() : again());
      },
      comeBackWith: async (brought) => {
        const finish = "/api/v1/log-in/provider/finish";
        const session = await answered(api.POST(finish, { body: brought }));
        // Whoever comes back stays logged in where they were.
        keepToken(session.token, ended !== undefined && isOfBrowser());
        await (ended === session.user ? comeBack() : again());
      },
      logOut: async () => {
        // One that has ended already is as good as ended now.
        await api.POST("/api/v1/log-out").catch(() => undefined);
        dropToken();
        await again();
      },
    };
  }, [me, ended, again, comeBack]);
  if (session) return <Known.Provider value={session}>{children}</Known.Provider>;
  return error ? (
    <ProblemView problem={problemIn(error)} onRetry={() => void refetch()} />
  ) : (
    <Loading />
  );
}

/** What one may do at the cluster that the page is about, beside what one may everywhere. */
const here = ({ atClusters }: Me): object =>
  (atClusters as Record<string, object> | undefined)?.[place.cluster ?? DEFAULT_CLUSTER] ?? {};

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
    voucher: "",
  }[via];
}
