// What is asked for once and kept a while, in the form in which views show what is followed.
import { useQuery } from "@tanstack/react-query";
import { problemIn } from "../api/problem";
import type { Standing } from "../live";

const AGAIN_MS = 1_000;

/** `isOpen`: whether an answer is not the last word yet, and is asked for again soon. */
export function useAsked<T>(
  key: readonly unknown[],
  ask: () => Promise<T>,
  isOpen?: (answer: T) => boolean,
): Standing<T> {
  const { data, error, dataUpdatedAt } = useQuery({
    queryKey: key,
    queryFn: ask,
    refetchInterval: ({ state }) =>
      state.data !== undefined && isOpen?.(state.data) ? AGAIN_MS : false,
  });
  return { value: data, at: dataUpdatedAt, problem: error ? problemIn(error) : undefined };
}
