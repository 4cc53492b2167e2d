// All views that one can go to: what the navigation, the palette and the keyboard share.

export interface View {
  path: string;
  title: string;
  /** What is typed after `g`. */
  key: string;
  /** The command that shows the same. */
  cli: string;
}

export const OPERATE = [
  { path: "/", title: "Overview", key: "o", cli: "weir cluster status" },
  { path: "/alarms", title: "Alarms", key: "l", cli: "weir alarm list" },
  { path: "/cluster", title: "Cluster", key: "m", cli: "weir cluster status" },
  { path: "/nodes", title: "Nodes", key: "n", cli: "weir node list" },
  { path: "/workflows", title: "Workflows", key: "w", cli: "weir workflow list" },
  { path: "/streams", title: "Streams", key: "s", cli: "weir stream list" },
  { path: "/logs", title: "Logs", key: "e", cli: "weir logs --follow" },
  { path: "/deployments", title: "Deployments", key: "d", cli: "weir deployment list" },
  { path: "/scheduler", title: "Scheduler", key: "c", cli: "weir scheduler show" },
  { path: "/access", title: "Access", key: "a", cli: "weir access sources" },
] as const satisfies View[];

export const DESIGN = [
  { path: "/projects", title: "Projects", key: "p", cli: "weir project list" },
] as const satisfies View[];

export const ADMIN = [
  { path: "/fleet", title: "Fleet", key: "f", cli: "weir fleet list" },
  { path: "/users", title: "Users", key: "u", cli: "weir user list" },
  { path: "/keys", title: "Keys", key: "k", cli: "weir key list" },
  { path: "/audit", title: "Audit", key: "t", cli: "weir audit list" },
] as const satisfies View[];

export const VIEWS: readonly View[] = [...OPERATE, ...DESIGN, ...ADMIN];

/** Other keys, for the page that lists them. */
export const KEYS: readonly [keys: string, what: string][] = [
  ["Ctrl K", "command palette"],
  ["/", "to the filter"],
  ["?", "this list"],
  ["Space", "pause, go on"],
  ["[ ]", "previous, next tab"],
  ["j k", "next, previous row"],
  ["Enter", "open the row"],
  ["x", "choose the row"],
  ["Shift D", "light, dark"],
  ["Ctrl S", "save the asset"],
  ["Ctrl Z", "undo; with Shift redo"],
  ["a", "designer: add a stage"],
  ["c", "designer: connect the stage"],
  ["e", "designer: edit the stage"],
  ["← →", "designer: from stage to stage; with Shift move it"],
  ["Esc", "designer: from its form to the stage"],
  ["p", "designer: to the problems"],
  ["t", "designer: tidy"],
  ["f", "designer: all in view"],
  ["Delete", "designer: delete what is selected"],
];
