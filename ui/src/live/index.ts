// The live module as components use it.
import { useEffect, useSyncExternalStore } from "react";
import { LiveConnection } from "./connection";
import { History } from "./history";
import { LiveStore, type Standing } from "./store";
import type { Shown, Topic } from "./topics";

export type { Link } from "./connection";
export type { Standing } from "./store";

const unknown = new Set<() => void>();
export const store = new LiveStore();
export const connection = new LiveConnection(store, () => {
  for (const tell of unknown) tell();
});
export const history = new History(store);

/** Calls `tell` when the server does not know the session that is shown. */
export function onUnknownSession(tell: () => void): () => void {
  unknown.add(tell);
  return () => unknown.delete(tell);
}

/** What a topic shows now; follows it while the component is there. */
export function useLive<T extends Topic>(topic: T): Standing<Shown<T>> {
  useEffect(() => connection.want(topic), [topic]);
  return useSyncExternalStore(
    (tell) => store.listen(topic, tell),
    () => store.get(topic),
  );
}

export function useLink() {
  return useSyncExternalStore(connection.listen, connection.link);
}
