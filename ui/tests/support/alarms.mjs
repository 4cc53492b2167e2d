// Alarms as a cluster keeps them, made up: of days, of thousands, and of what is hard to bring about for real.

const SEVERITIES = ["error", "warning", "info"];
const START = Date.now() - 30 * 86_400_000;
const time = (ms) => new Date(START + ms).toISOString();

/** One that stands; with `clearedAt`, one that has ended. */
export const alarm = (number, more = {}) => {
  const { kind = "node-unreachable", subject = { kind: "node", name: "node-2" } } = more;
  return {
    id: String(number),
    key: `${kind}:${subject.name}`,
    kind,
    severity: "error",
    state: more.clearedAt ? "ended" : "standing",
    subject,
    code: "WEIR-14002",
    message: `${subject.name} can't be reached, says node-1`,
    hint: "look at its process, its machine and the way there",
    raisedAt: time(number * 1_000),
    lastAt: time(number * 1_000),
    count: 1,
    ...more,
  };
};

/** So many that have ended, each a second after the one before. */
export const ended = (count, more = {}) =>
  Array.from({ length: count }, (_, it) =>
    alarm(it + 1, { clearedAt: time((it + 1) * 1_000 + 90_500), ...more }),
  );

export function book(all = []) {
  /** `problem`: why it answers nothing. */
  const it = { all, unjudged: [], lookedAt: time(0), problem: undefined };
  const isOpen = (it) => !it.confirmation;
  const by = (of) =>
    Object.fromEntries(SEVERITIES.map((it) => [it, of.filter((a) => a.severity === it).length]));
  const of = (state) => it.all.filter((it) => it.state === state);
  const compared = (a, b) => (a < b ? 1 : a > b ? -1 : Number(b.id) - Number(a.id));
  const sorted = {
    standing: () =>
      of("standing").sort(
        (a, b) =>
          SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
          compared(a.raisedAt, b.raisedAt),
      ),
    ended: () => of("ended").sort((a, b) => compared(a.clearedAt, b.clearedAt)),
  };
  const answer = (items, nextCursor = null) => ({
    items,
    nextCursor,
    counts: {
      standing: by(of("standing")),
      unconfirmed: by(of("standing").filter(isOpen)),
      endedUnconfirmed: by(of("ended").filter(isOpen)),
    },
    lookedAt: it.lookedAt,
    unjudged: it.unjudged,
  });
  return Object.assign(it, {
    shown: () => answer(sorted.standing().slice(0, 500)),
    page: (query) => {
      const [state, severity] = [query.get("state") ?? "standing", query.get("severity")];
      const [subject, limit] = [query.get("subject"), Number(query.get("limit") ?? 50)];
      const from = Number(query.get("cursor") ?? 0);
      const listed = state === "all" ? [...sorted.standing(), ...sorted.ended()] : sorted[state]();
      const fits = listed.filter(
        (it) =>
          (!severity || severity.split(",").includes(it.severity)) &&
          (!subject || it.subject.name === subject),
      );
      const next = from + limit;
      return answer(fits.slice(from, next), next < fits.length ? String(next) : null);
    },
    one: (id) => it.all.find((it) => it.id === id),
    confirm: ({ ids, all, note }, by = "ada") => {
      const asked = it.all.filter((it) => all || ids.includes(it.id));
      const open = asked.filter(isOpen);
      const confirmation = { by, at: new Date().toISOString(), ...(note && { note }) };
      for (const it of open) it.confirmation = confirmation;
      const already = asked.filter((it) => !open.includes(it));
      return { confirmed: open.map((it) => it.id), already: already.map((it) => it.id) };
    },
    clear: (id) =>
      Object.assign(it.one(id), { state: "ended", clearedAt: new Date().toISOString() }),
  });
}
