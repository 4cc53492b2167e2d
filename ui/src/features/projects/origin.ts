// The asset that a running workflow was made of, where this server has its project: what it is for, and where it is changed.
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { useSession } from "../../app/session";
import type { Asset } from "./projects";

export function useOrigin(project: string, workflow: string): Asset | undefined {
  const { may } = useSession();
  const mayRead = may("project:read");
  const { data: projects } = useQuery({
    queryKey: ["projects"],
    queryFn: () => answered(api.GET("/api/v1/projects")),
    enabled: mayRead,
  });
  const isKnown = projects?.items.some((it) => it.name === project) ?? false;
  const { data: assets } = useQuery({
    queryKey: ["assets", project],
    queryFn: () =>
      answered(api.GET("/api/v1/projects/{project}/assets", { params: { path: { project } } })),
    enabled: isKnown,
  });
  return assets?.items.find((it) => it.kind === "Workflow" && it.name === workflow);
}
