// What differs from one place to another: variables by environment, and secrets by who can read them.
import { useQueries } from "@tanstack/react-query";
import { problemIn } from "../../api/problem";
import { ProblemView } from "../../parts/Problem";
import { Loading, Shows } from "../../parts/Shows";
import { type Asset, assetOf, useAssets } from "./projects";
import { Secrets } from "./Secrets";
import { Variables } from "./Variables";

export function Environments({ project }: { project: string }) {
  return (
    <Shows of={useAssets(project)}>
      {({ items }) => <Texts project={project} assets={items} />}
    </Shows>
  );
}

function Texts({ project, assets }: { project: string; assets: readonly Asset[] }) {
  const wanted = assets.filter((it) =>
    ["Environment", "Secret", "Project"].includes(it.kind ?? ""),
  );
  const asked = useQueries({
    queries: wanted.map(({ path }) => ({
      queryKey: ["asset", project, path],
      queryFn: () => assetOf(project, path),
    })),
  });
  const refused = asked.find((it) => it.error && !it.data);
  if (refused) return <ProblemView problem={problemIn(refused.error)} />;
  if (asked.some((it) => !it.data)) return <Loading lines={6} />;
  const views = asked.flatMap((it) => (it.data ? [it.data] : []));
  return (
    <>
      <Variables project={project} views={views} />
      <Secrets project={project} views={views} />
    </>
  );
}
