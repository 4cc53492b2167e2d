// The assets that a running workflow was made of, where this server has its project: what they are for, and where they are changed.
import { useQuery } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../../api/client";
import { useSession } from "../../app/session";
import type { Asset } from "./projects";

interface Origins {
  project?: Schemas["ProjectSummary"];
  assets?: Asset[];
}

export function useOrigins(project: string): Origins {
  const { may } = useSession();
  const mayRead = may("project:read");
  const { data: projects } = useQuery({
    queryKey: ["projects"],
    queryFn: () => answered(api.GET("/api/v1/projects")),
    enabled: mayRead,
  });
  const found = projects?.items.find((it) => it.name === project);
  const { data: assets } = useQuery({
    queryKey: ["assets", project],
    queryFn: () =>
      answered(api.GET("/api/v1/projects/{project}/assets", { params: { path: { project } } })),
    enabled: found !== undefined,
  });
  return { project: found, assets: assets?.items };
}

/** The asset of the workflow itself. */
export function useOrigin(project: string, workflow: string): Asset | undefined {
  const { assets } = useOrigins(project);
  return assets?.find((it) => it.kind === "Workflow" && it.name === workflow);
}
