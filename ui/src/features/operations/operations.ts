// Operations: what takes longer than a request may. Each is followed by an event for whatever changed, and goes
// on whether somebody looks or not.
import { useEffect, useRef, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn, problemOf, Refusal } from "../../api/problem";
import { token } from "../../api/token";
import type { Standing } from "../../live";
import { parser } from "../../live/sse";
import { useAsked } from "../../parts/useAsked";

export type Operation = Schemas["Operation"];

const RETRY_MS = 1_500;
/** The server says something each 5 s. */
const SILENCE_MS = 12_000;

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
  const [standing, setStanding] = useState<Standing<Operation> & { id?: string }>({});
  const over = useRef(onOver);
  over.current = onOver;
  useEffect(() => {
    if (!id) return undefined;
    const abort = new AbortController();
    const take = (value: Operation) => {
      setStanding({ id, value });
      if (isOver(value)) over.current?.(value);
    };
    void followed(id, abort.signal, take, (error) => {
      if (!abort.signal.aborted) setStanding((it) => ({ ...it, id, problem: problemIn(error) }));
    });
    return () => abort.abort();
  }, [id]);
  return standing.id === id ? standing : {};
}

/** Tells each change until the operation is over; a stream that breaks off is opened again. */
async function followed(
  id: string,
  signal: AbortSignal,
  take: (it: Operation) => void,
  refused: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const it of told(id, signal)) {
        take(it);
        if (isOver(it)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      refused(error);
      // What is refused is refused again; what got no answer may get one.
      if (error instanceof Refusal && error.problem.status < 500) return;
    }
    await new Promise((done) => setTimeout(done, RETRY_MS));
  }
}

async function* told(id: string, signal: AbortSignal): AsyncGenerator<Operation> {
  const session = token();
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (session) headers.authorization = `Bearer ${session}`;
  const query = new URLSearchParams({ id });
  const response = await fetch(`/api/v1/operations:follow?${query}`, {
    headers,
    signal,
    cache: "no-store",
  });
  if (!response.ok || !response.body)
    throw new Refusal(problemOf(await response.json().catch(() => undefined), response.status));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const events = parser();
  for (;;) {
    const silence = setTimeout(() => void reader.cancel(), SILENCE_MS);
    const { value, done } = await reader.read();
    clearTimeout(silence);
    if (done) return;
    for (const it of events.push(value)) yield JSON.parse(it.data) as Operation;
  }
}

export const cancelled = (id: string): Promise<Operation> =>
  answered(
    api.POST("/api/v1/operations/{operation}/cancel", { params: { path: { operation: id } } }),
  );
