// What is asked for once and kept a while, in the form in which views show what is followed.
import { useQuery } from "@tanstack/react-query";
import { problemIn } from "../api/problem";
import type { Standing } from "../live";

export function useAsked<T>(key: readonly unknown[], ask: () => Promise<T>): Standing<T> {
  const { data, error, dataUpdatedAt } = useQuery({ queryKey: key, queryFn: ask });
  return { value: data, at: dataUpdatedAt, problem: error ? problemIn(error) : undefined };
}
