// How often components of the page are drawn: React tells a developer tool of each commit, also in a build that is
// shipped, and this is such a tool. Times depend on the machine, counts do not.

/**
 * Before the page is opened: counts the stages of a design that are drawn, by the names of their nodes; `fresh`: those
 * that were not. `running`, `passing`: stages and edges of a graph that runs.
 */
export async function countsRenders(page) {
  await page.addInitScript(() => {
    const PERFORMED_WORK = 1;
    const NONE = { stages: 0, fresh: 0, all: 0, running: 0, passing: 0 };
    const counted = { ...NONE };
    const see = (fiber) => {
      const before = fiber.alternate;
      const isComponent =
        typeof fiber.type === "function" || typeof fiber.type?.type === "function";
      if (isComponent && (!before || fiber.flags & PERFORMED_WORK)) {
        counted.all += 1;
        const { type, data } = fiber.memoizedProps ?? {};
        if (type === "stage" && !data?.stage) counted.running += 1;
        if (type === "flow") counted.passing += 1;
        if (data?.stage) {
          counted.stages += 1;
          if (!before) counted.fresh += 1;
        }
      }
      // What was not gone into has the children that it had.
      if (before && before.child === fiber.child) return;
      for (let child = fiber.child; child; child = child.sibling) see(child);
    };
    window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
      supportsFiber: true,
      inject: () => 1,
      onCommitFiberRoot: (_, root) => see(root.current),
      onCommitFiberUnmount: () => undefined,
      onPostCommitFiberRoot: () => undefined,
      checkDCE: () => undefined,
    };
    window.takeRenders = () => {
      const now = { ...counted };
      Object.assign(counted, NONE);
      return now;
    };
  });
  return { take: () => page.evaluate(() => window.takeRenders()) };
}
