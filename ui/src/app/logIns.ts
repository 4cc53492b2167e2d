// How people may log in at the server of the page, and whether anybody may.
import { useQuery } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../api/client";

export const LOG_INS = ["ways to log in"];

export function useLogIns(): Schemas["WaysToLogIn"] | undefined {
  const { data } = useQuery({
    queryKey: LOG_INS,
    queryFn: () => answered(api.GET("/api/v1/log-in")),
    staleTime: 60_000,
  });
  return data;
}
