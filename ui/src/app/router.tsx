// All views and their addresses. Views are read from the server when somebody goes there; what is shown in
// them (tab, filter, what is chosen) is part of the address.
import { createRootRoute, createRoute, createRouter, redirect } from "@tanstack/react-router";
import { place } from "../api/place";
import { lazyRouteComponent } from "../parts/lazy";
import { Page } from "../parts/Page";
import { Empty, Loading } from "../parts/Shows";
import { Frame } from "./Frame";
import { parseSearch, stringifySearch } from "./search";

const root = createRootRoute({ notFoundComponent: Nowhere });
const frame = createRoute({ getParentRoute: () => root, id: "frame", component: Frame });

function Nowhere() {
  return (
    <Page title="Nothing is here">
      <Empty
        what="This address leads to no view"
        why="It may be of another version of Weir."
        action={<a href="/">To the overview</a>}
      />
    </Page>
  );
}

/** What parts of any view keep in the address: `parts/addressed.tsx`. */
const OF_PARTS = ["sort", "table", "by"];

/** Texts of the address; anything else in it is left out. */
const texts =
  <K extends string>(...keys: K[]) =>
  (search: Record<string, unknown>): { [key in K]?: string } => {
    const given = [...keys, ...OF_PARTS].filter((key) => typeof search[key] === "string");
    return Object.fromEntries(given.map((key) => [key, search[key]])) as {
      [key in K]?: string;
    };
  };

const door = () => import("./LogIn");
const logIn = createRoute({
  getParentRoute: () => root,
  path: "/log-in",
  component: lazyRouteComponent(door, "LogIn"),
});
const setUp = createRoute({
  getParentRoute: () => root,
  path: "/set-up",
  component: lazyRouteComponent(door, "SetUp"),
});
const password = createRoute({
  getParentRoute: () => root,
  path: "/password",
  component: lazyRouteComponent(door, "ChangePassword"),
});

const overview = createRoute({
  getParentRoute: () => frame,
  path: "/",
  component: lazyRouteComponent(() => import("../features/overview/Overview"), "Overview"),
});
const alarms = createRoute({
  getParentRoute: () => frame,
  path: "/alarms",
  validateSearch: texts("state", "severity", "subject", "filter", "confirm"),
  component: lazyRouteComponent(() => import("../features/alarms/Alarms"), "Alarms"),
});
const alarm = createRoute({
  getParentRoute: () => frame,
  path: "/alarms/$id",
  component: lazyRouteComponent(() => import("../features/alarms/Alarm"), "Alarm"),
});
const cluster = createRoute({
  getParentRoute: () => frame,
  path: "/cluster",
  component: lazyRouteComponent(() => import("../features/cluster/Cluster"), "Cluster"),
});
const nodes = createRoute({
  getParentRoute: () => frame,
  path: "/nodes",
  validateSearch: texts("filter"),
  component: lazyRouteComponent(() => import("../features/nodes/Nodes"), "Nodes"),
});
const node = createRoute({
  getParentRoute: () => frame,
  path: "/nodes/$name",
  validateSearch: texts("tab"),
  component: lazyRouteComponent(() => import("../features/nodes/Node"), "Node"),
});
const workflows = createRoute({
  getParentRoute: () => frame,
  path: "/workflows",
  validateSearch: texts("filter"),
  component: lazyRouteComponent(() => import("../features/workflows/Workflows"), "Workflows"),
});
const workflow = createRoute({
  getParentRoute: () => frame,
  path: "/workflows/$name",
  validateSearch: texts(
    "tab",
    "stage",
    "side",
    "port",
    "to",
    "stream",
    "reason",
    "state",
    "letter",
    "savepoint",
    "span",
    "condition",
    "as",
  ),
  component: lazyRouteComponent(() => import("../features/workflows/Workflow"), "Workflow"),
});
const streams = createRoute({
  getParentRoute: () => frame,
  path: "/streams",
  validateSearch: texts("workflow", "state", "filter"),
  component: lazyRouteComponent(() => import("../features/streams/Streams"), "Streams"),
});
const stream = createRoute({
  getParentRoute: () => frame,
  path: "/streams/$id",
  component: lazyRouteComponent(() => import("../features/streams/Stream"), "Stream"),
});
const deployments = createRoute({
  getParentRoute: () => frame,
  path: "/deployments",
  validateSearch: texts("tag", "against"),
  component: lazyRouteComponent(() => import("../features/deployments/Deployments"), "Deployments"),
});
const scheduler = createRoute({
  getParentRoute: () => frame,
  path: "/scheduler",
  validateSearch: texts("workflow"),
  component: lazyRouteComponent(() => import("../features/scheduler/Scheduler"), "Scheduler"),
});
const access = createRoute({
  getParentRoute: () => frame,
  path: "/access",
  validateSearch: texts("tab", "source", "status", "pattern", "group", "item"),
  component: lazyRouteComponent(() => import("../features/access/Access"), "Access"),
});
const users = createRoute({
  getParentRoute: () => frame,
  path: "/users",
  validateSearch: texts("tab"),
  component: lazyRouteComponent(() => import("../features/users/Users"), "Users"),
});
const keys = createRoute({
  getParentRoute: () => frame,
  path: "/keys",
  component: lazyRouteComponent(() => import("../features/keys/Keys"), "Keys"),
});
const audit = createRoute({
  getParentRoute: () => frame,
  path: "/audit",
  validateSearch: texts("of", "who", "filter", "only", "entry"),
  component: lazyRouteComponent(() => import("../features/audit/Audit"), "Audit"),
});
const logs = createRoute({
  getParentRoute: () => frame,
  path: "/logs",
  validateSearch: texts("of", "level", "workflow", "stage", "node", "code", "text"),
  component: lazyRouteComponent(() => import("../features/logs/Logs"), "Logs"),
});
const fleet = createRoute({
  getParentRoute: () => frame,
  path: "/fleet",
  component: lazyRouteComponent(() => import("../features/fleet/Fleet"), "Fleet"),
});
const projects = createRoute({
  getParentRoute: () => frame,
  path: "/projects",
  validateSearch: texts("filter"),
  component: lazyRouteComponent(() => import("../features/projects/Projects"), "Projects"),
});
const project = createRoute({
  getParentRoute: () => frame,
  path: "/projects/$project",
  validateSearch: texts("tab", "filter", "asset", "operation", "version", "against", "by"),
  component: lazyRouteComponent(() => import("../features/projects/Project"), "Project"),
});
const asset = createRoute({
  getParentRoute: () => frame,
  path: "/projects/$project/assets/$",
  validateSearch: texts("tab", "line", "column", "stage", "trial"),
  component: lazyRouteComponent(() => import("../features/editor/Editor"), "Editor"),
});
const old = createRoute({
  getParentRoute: () => root,
  path: "/index.html",
  beforeLoad: () => {
    throw redirect({ to: "/" });
  },
});

const inFrame = [
  overview,
  alarms,
  alarm,
  cluster,
  nodes,
  node,
  workflows,
  workflow,
  streams,
  stream,
  deployments,
  scheduler,
  access,
  users,
  keys,
  audit,
  logs,
  fleet,
  projects,
  project,
  asset,
];

export const router = createRouter({
  basepath: place.base,
  parseSearch,
  stringifySearch,
  routeTree: root.addChildren([logIn, setUp, password, old, frame.addChildren(inFrame)]),
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  // What is there already is not read again because a pointer passed over it.
  defaultPreloadStaleTime: 30_000,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
