// Operations: what takes longer than a request may. Each is followed as all else is, and goes
// on whether somebody looks or not.
import { useEffect, useMemo, useRef } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { type Standing, useLiveAll } from "../../live";
import { useAsked } from "../../parts/useAsked";

export type Operation = Schemas["Operation"];

const NOTHING: Standing<Operation> = {};

export const isOver = (it: Operation) => it.state !== "running";

/** The newest operations of a project, as they were asked for. */
export const useOperations = (project: string, kind: string) =>
  useAsked(["operations", project, kind], () =>
    answered(api.GET("/api/v1/operations", { params: { query: { project, kind, limit: 20 } } })),
  );

/** How far an operation is; `onOver` is told once, when it is over, also where it was so before. */
export function useOperation(
  id: string | undefined,
  onOver?: (it: Operation) => void,
): Standing<Operation> {
  const topics = useMemo(() => (id ? [`operation:${id}` as const] : []), [id]);
  const [standing = NOTHING] = useLiveAll(topics);
  const over = useRef(onOver);
  over.current = onOver;
  const told = useRef<string>(undefined);
  const { value } = standing;
  useEffect(() => {
    if (!value || !isOver(value) || told.current === value.id) return;
    told.current = value.id;
    over.current?.(value);
  }, [value]);
  return standing;
}

export const cancelled = (id: string): Promise<Operation> =>
  answered(
    api.POST("/api/v1/operations/{operation}/cancel", { params: { path: { operation: id } } }),
  );
