// Every state that is shown: a glyph, a word and a colour, so that none of them says it alone.

export type Tone = "ok" | "warn" | "err" | "info" | "idle" | "special";

export interface Look {
  glyph: string;
  word: string;
  tone: Tone;
}

const look = (glyph: string, word: string, tone: Tone): Look => ({ glyph, word, tone });

const LOOKS: Record<string, Look> = {
  up: look("●", "up", "ok"),
  joining: look("◐", "joining", "info"),
  leaving: look("⏳", "leaving", "info"),
  exiting: look("⏳", "exiting", "info"),
  down: look("▲", "down", "err"),
  removed: look("○", "removed", "idle"),
  lost: look("◌", "lost", "err"),
  unreachable: look("◌", "unreachable", "err"),
  draining: look("⏳", "draining", "info"),
  waiting: look("●", "waiting", "ok"),
  processing: look("●", "processing", "ok"),
  /** A letter: somebody is to do something about it. */
  letterWaiting: look("◆", "waiting", "warn"),
  running: look("◐", "running", "info"),
  publishing: look("◐", "publishing", "info"),
  replaying: look("◐", "replaying", "info"),
  replayed: look("●", "replayed", "ok"),
  discarded: look("○", "discarded", "idle"),
  taking: look("◐", "being taken", "info"),
  whole: look("●", "whole", "ok"),
  restarting: look("◐", "restarting", "warn"),
  failed: look("▲", "failed", "err"),
  stopping: look("⏳", "stopping", "info"),
  stopped: look("○", "stopped", "idle"),
  succeeded: look("●", "succeeded", "ok"),
  cancelled: look("○", "cancelled", "idle"),
  cancelling: look("⏳", "being cancelled", "info"),
  interrupted: look("▲", "interrupted", "err"),
  /** A step that was not begun. */
  stepWaiting: look("○", "waiting", "idle"),
  passed: look("●", "passed", "ok"),
  invalid: look("▲", "can’t be run", "err"),
  unusable: look("▲", "not usable", "err"),
  notLookedAt: look("○", "not looked at yet", "idle"),
  untrusted: look("◆", "does not trust this server", "warn"),
  open: look("◐", "open", "info"),
  paused: look("⏸", "paused", "special"),
  retrying: look("◆", "retrying", "warn"),
  committed: look("●", "committed", "ok"),
  committedWithWarnings: look("◆", "with warnings", "warn"),
  rolledBack: look("▲", "rolled back", "err"),
  active: look("●", "active", "ok"),
  switching: look("◐", "switching", "info"),
  dialling: look("◐", "dialling", "info"),
  refused: look("▲", "refused", "err"),
  logInfo: look("◇", "note", "idle"),
  logWarning: look("◆", "warning", "warn"),
  logError: look("▲", "error", "err"),
  held: look("●", "held", "ok"),
  expired: look("◆", "expired", "warn"),
  free: look("○", "free", "idle"),
  on: look("●", "on", "ok"),
  waitingForSource: look("●", "waiting for source", "ok"),
  shuttingDown: look("⏳", "shutting down", "info"),
  restartBackoff: look("◐", "waits to restart", "warn"),
  terminated: look("○", "ended", "idle"),
  clusterRoleMismatch: look("○", "not for its roles", "idle"),
  done: look("●", "done", "ok"),
  acquired: look("◐", "in work", "info"),
  committing: look("◐", "committing", "info"),
  pending: look("○", "pending", "idle"),
  denied: look("▲", "denied", "err"),
  released: look("○", "released", "idle"),
};

/** The look of a state by its name in the API; one that is not known keeps its own words. */
export function lookOf(state: string): Look {
  const known = LOOKS[state];
  if (known) return known;
  const said = state.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  const isBad = /fail|error/.test(said);
  return look(isBad ? "▲" : "◐", said, isBad ? "err" : "info");
}
