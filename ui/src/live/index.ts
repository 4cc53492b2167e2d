// The live module as components use it.
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { noteUnknownSession } from "../api/token";
import { serverNow } from "../logic/now";
import { LiveConnection } from "./connection";
import { History } from "./history";
import { refusalOf } from "./link";
import { LiveStore, type Standing } from "./store";
import type { Shown, Topic } from "./topics";

export type { Link } from "./link";
export type { Standing } from "./store";

export const store = new LiveStore();
export const history = new History(store);
export const connection: LiveConnection = new LiveConnection(store, noteUnknownSession, (topic) =>
  history.interrupted(topic, topic ? serverNow() : connection.link().heardAt),
);

/** Why nothing is told of any topic. */
const useRefusal = () =>
  useSyncExternalStore(connection.listen, () => refusalOf(connection.link()));

/** What a topic shows now; follows it while the component is there. */
export function useLive<T extends Topic>(topic: T): Standing<Shown<T>> {
  useEffect(() => connection.want(topic), [topic]);
  const standing = useSyncExternalStore(
    (tell) => store.listen(topic, tell),
    () => store.get(topic),
  );
  const refusal = useRefusal();
  // What was shown stays, under a banner that says that it is not that of now; nothing would be "loading" for ever.
  return useMemo(
    () => (standing.value === undefined && refusal ? { problem: refusal, ...standing } : standing),
    [standing, refusal],
  );
}

/** The same of several topics, in their order. */
export function useLiveAll<T extends Topic>(topics: readonly T[]): readonly Standing<Shown<T>>[] {
  const names = topics.join(",");
  const last = useRef<Standing<Shown<T>>[]>([]);
  useEffect(() => {
    const all = names.split(",").filter(Boolean);
    const ends = all.map((it) => connection.want(it));
    return () => {
      for (const end of ends) end();
    };
  }, [names]);
  const listen = useCallback(
    (tell: () => void) => {
      const all = names.split(",").filter(Boolean);
      const ends = all.map((it) => store.listen(it, tell));
      return () => {
        for (const end of ends) end();
      };
    },
    [names],
  );
  return useSyncExternalStore(listen, () => {
    const now = topics.map((it) => store.get(it));
    const isSame =
      now.length === last.current.length && now.every((it, at) => it === last.current[at]);
    if (!isSame) last.current = now;
    return last.current;
  });
}

export function useLink() {
  return useSyncExternalStore(connection.listen, connection.link);
}
