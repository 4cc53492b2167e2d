// The clusters as the server found them: those that can't be used, and the one that the page is about.
import { useMemo } from "react";
import { DEFAULT_CLUSTER, place } from "../api/place";
import { awayOf, lostOf } from "../features/fleet/standing";
import { useLive } from "../live";
import type { Known } from "../logic/health";

const HERE = place.cluster ?? DEFAULT_CLUSTER;
const NONE: readonly never[] = [];

export interface Fleet {
  /** The others that can't be used, as far as one may see them. */
  lost: NonNullable<Known["lost"]>;
  /** Set where the server does not reach the cluster of the page. */
  away: ReturnType<typeof awayOf>;
}

export function useFleet(): Fleet {
  const { value } = useLive("clusters");
  return useMemo(
    () => ({
      lost: value ? lostOf(value.items, HERE) : NONE,
      away: value && awayOf(value.items, HERE),
    }),
    [value],
  );
}
