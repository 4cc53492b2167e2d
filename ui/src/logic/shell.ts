// Commands that are copied into a shell.
//
// - S1: whatever is put into one is a word of its own there, and nothing in it is carried out: names come from outside,
//   as those of files in a directory that others write to.

/** As a shell takes it as one word. */
export const word = (it: string) =>
  /^[\w@%+=:,./-]+$/.test(it) ? it : `'${it.replaceAll("'", `'\\''`)}'`;

type Part = string | number | readonly (string | number)[];

/**
 * A command: each text in it is one word, or a piece of one; of a list each is a word, and of an empty one nothing is
 * left. What has been a command already is joined by `words`, and never put into another one.
 */
export function sh(fixed: TemplateStringsArray, ...parts: Part[]): string {
  let said = fixed[0] ?? "";
  for (const [at, part] of parts.entries()) {
    const next = fixed[at + 1] ?? "";
    if (typeof part !== "object") said += word(String(part)) + next;
    else if (part.length > 0) said += words(part) + next;
    else said = said.trimEnd() + next;
  }
  return said;
}

/** The same of a cluster: each command of them, and nothing of what is quoted. */
export const atCluster = (command: string, cluster: string) =>
  command.replace(/'[^']*'|(^|&& )weir\b/g, (it) =>
    it.startsWith("'") ? it : `${it} --cluster ${word(cluster)}`,
  );

/** Names as the last words of a command: one that begins as an option does is none. */
export const names = (all: readonly string[]) =>
  all.some((it) => it.startsWith("-")) ? ["--", ...all] : all;

export const words = (all: readonly (string | number)[]) =>
  all.map((it) => word(String(it))).join(" ");
