import { getRouteApi } from "@tanstack/react-router";
import { CopyCli } from "../../parts/Act";
import { Page } from "../../parts/Page";
import { Tabs } from "../../parts/Tabs";
import { Resources } from "./Resources";
import { Sources } from "./Sources";

const route = getRouteApi("/frame/access");
const TABS = [
  ["sources", "Sources"],
  ["resources", "Resources"],
] as const;

/** What was processed, and who holds what exclusively. */
export function Access() {
  const { tab = "sources" } = route.useSearch();
  return (
    <Page
      title="Access"
      actions={
        <CopyCli command={tab === "sources" ? "weir access sources" : "weir access resources"} />
      }
    >
      <Tabs all={TABS} at={tab} />
      {tab === "sources" ? <Sources /> : <Resources />}
    </Page>
  );
}
