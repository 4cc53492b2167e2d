// How long what is sent may be: asked of the server before, so that nothing is sent for nothing.
import { useQuery } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../api/client";

type Limits = Schemas["Limits"];

/** Those of the server that takes it; an older one says nothing, and refuses when it has read too much. */
export function useLimits(): Limits | undefined {
  const { data } = useQuery({
    queryKey: ["version"],
    queryFn: () => answered(api.GET("/api/v1/version")),
    staleTime: 60_000,
  });
  return data?.limits ?? undefined;
}
